//! What providers and models are made of, checked.

use crate::profile::{is_http_url, one_line};
use std::fmt;

/// What a provider or a model is called: 1 to 64 characters, no control characters, not only
/// blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName(String);

impl ModelName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line(text).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A provider's code: 1 to 32 ASCII letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderCode(String);

impl ProviderCode {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        match text.len() {
            1..=32 if text.bytes().all(fits) => Ok(Self(text.to_owned())),
            _ => Err("must be 1 to 32 ASCII letters, digits, `.`, `_` or `-`"),
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a server calls a model: 1 to 128 ASCII characters without blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCode(String);

impl ModelCode {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.len() {
            1..=128 if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be 1 to 128 ASCII characters without blanks"),
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a provider is: an `http` or `https` URL of at most 512 characters, without a user, a
/// query or a fragment. It says nothing about whether that address may be connected to: the host
/// sees to that, when it knows what the name resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUrl(String);

impl ProviderUrl {
    /// Checks `text`; slashes at its end are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        base_url(text).map(Self)
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` names the same scheme, host and port. What spells them differently counts
    /// as another server.
    #[must_use]
    pub fn is_same_server(&self, other: &str) -> bool {
        let server = |url: &str| {
            let end = url.find("://").map_or(0, |at| at + 3);
            let path = url.get(end..).and_then(|rest| rest.find('/'));
            let server = path.map_or(Some(url), |path| url.get(..end + path));
            server.map(str::to_ascii_lowercase)
        };
        server(&self.0) == server(other)
    }
}

/// The rules of every address that people give for a server that we then ask.
pub(crate) fn base_url(text: &str) -> Result<String, &'static str> {
    if text.len() > 512 {
        return Err("must be at most 512 characters");
    }
    if !is_http_url(text) {
        return Err("must be an http or https URL, without a user name");
    }
    if text.contains(['?', '#']) {
        return Err("must have neither a query nor a fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A provider's key: 1 to 512 ASCII characters without blanks. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.len() {
            1..=512 if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be 1 to 512 ASCII characters without blanks"),
        }
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it ends, to know it by: its last four characters, where they are at most a quarter.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        let from = self.0.len().checked_sub(4).filter(|from| *from >= 12)?;
        self.0.get(from..)
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderKey(…)")
    }
}

/// An amount of money in millionths of the currency's unit, as prices and costs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millionths(pub i64);

/// The largest price, in units.
const DEAREST: f64 = 1_000_000.0;

impl Millionths {
    /// The price that is `units` of the currency.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn of_price(units: f64) -> Result<Self, &'static str> {
        if !(0.0..=DEAREST).contains(&units) {
            return Err("must be from 0 to 1000000");
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 2^53, and whole")]
        let price = Self((units * 1e6).round() as i64);
        // What has at most six places is the number next to its millionths.
        if price.units() == units {
            Ok(price)
        } else {
            Err("must have at most 6 decimal places")
        }
    }

    /// The amount in units.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53")]
    pub fn units(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = ProviderUrl::parse(text).ok();
            assert_eq!(
                parsed.as_ref().map(ProviderUrl::as_str),
                expected,
                "{text:?}"
            );
        };
        check(
            "https://models.example.com/v1",
            Some("https://models.example.com/v1"),
        );
        check(
            "http://127.0.0.1:11434/v1//",
            Some("http://127.0.0.1:11434/v1"),
        );
        check("http://[::1]:8000", Some("http://[::1]:8000"));
        for text in [
            "",
            "models.example.com",
            "ftp://models.example.com",
            "file:///etc/passwd",
            "http://",
            "http:///v1",
            "https://user@models.example.com",
            "https://user:secret@models.example.com/v1",
            "https://models.example.com/v1?key=x",
            "https://models.example.com/v1#x",
            "https://models.example.com:65536",
            "https://models.example.com:",
            "https://models.example.com/v1 x",
            "https://models.example.com\\@evil.example.com",
            "https://models.example.com/\r\nx: y",
            "https://mödels.example.com",
            &format!("https://models.example.com/{}", "x".repeat(512)),
        ] {
            check(text, None);
        }
    }

    #[test]
    fn servers() {
        let check = |one: &str, other: &str, same: bool| {
            let one = ProviderUrl::parse(one).unwrap();
            assert_eq!(one.is_same_server(other), same, "{one:?} {other}");
        };
        check("https://a.example.com/v1", "https://a.example.com/v2", true);
        check("https://a.example.com/v1", "HTTPS://A.example.com", true);
        check("https://a.example.com", "http://a.example.com", false);
        check("https://a.example.com", "https://a.example.com:444", false);
        check(
            "https://a.example.com",
            "https://a.example.com.evil.org",
            false,
        );
        check(
            "https://a.example.com",
            "https://b.example.com/https://a.example.com",
            false,
        );
    }

    #[test]
    fn codes() {
        for (text, provider, model) in [
            ("openai", true, true),
            ("Local-1.0_x", true, true),
            ("qwen2.5:7b", false, true),
            ("org/model@1", false, true),
            ("", false, false),
            ("a b", false, false),
            ("é", false, false),
        ] {
            assert_eq!(ProviderCode::parse(text).is_ok(), provider, "{text:?}");
            assert_eq!(ModelCode::parse(text).is_ok(), model, "{text:?}");
        }
        assert!(ProviderCode::parse(&"x".repeat(33)).is_err());
        assert!(ModelCode::parse(&"x".repeat(129)).is_err());
    }

    #[test]
    fn keys() {
        let check = |text: &str, expected: Option<Option<&str>>| {
            let parsed = ProviderKey::parse(text).ok();
            assert_eq!(parsed.as_ref().map(ProviderKey::hint), expected, "{text:?}");
        };
        check("sk-0123456789abcdef", Some(Some("cdef")));
        check("0123456789abcdef", Some(Some("cdef")));
        check("0123456789abcde", Some(None));
        check("x", Some(None));
        check("", None);
        check("a b", None);
        check("••••cdef", None);
        check("a\r\nb", None);
        check(&"x".repeat(513), None);
        let key = ProviderKey::parse("sk-0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "ProviderKey(…)");
    }

    #[test]
    fn prices() {
        let check = |units: f64, expected: Option<i64>| {
            let price = Millionths::of_price(units).ok();
            assert_eq!(price.map(|price| price.0), expected, "{units}");
        };
        check(0.0, Some(0));
        check(2.5, Some(2_500_000));
        check(0.15, Some(150_000));
        check(0.000_001, Some(1));
        check(1_000_000.0, Some(1_000_000_000_000));
        check(999_999.999_999, Some(999_999_999_999));
        for units in [
            -0.1,
            1_000_000.1,
            0.000_000_1,
            1.000_000_5,
            f64::NAN,
            f64::INFINITY,
        ] {
            check(units, None);
        }
        assert_eq!(Millionths(150_000).units(), 0.15);
    }
}
