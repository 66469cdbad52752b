//! Model providers, and the models that they serve.

use crate::{
    Availability, ModelId, ProviderId, Timestamp,
    profile::{is_http_url, one_line},
    word::words,
};
use std::fmt;
use uuid::Uuid;

words! {
    /// What a model does.
    ModelType { Chat = "CHAT", Embedding = "EMBEDDING", Image = "IMAGE" }
}

/// A server of models, and how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its number.
    pub id: ProviderId,
    /// Its number for the outside; its key is sealed to it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// What configurations call it, unique whatever the case of its letters.
    pub code: String,
    /// Where it is.
    pub base_url: String,
    /// The key for it, sealed.
    pub api_key: Option<Sealed>,
    /// How the key ends; none where there is no key, or where it is too short to show that.
    pub api_key_hint: Option<String>,
    /// How many requests a minute it may get, of everybody together.
    pub rate_limit: Option<i64>,
    /// How long it may say nothing before it counts as failed, in milliseconds.
    pub timeout_ms: i64,
    /// Whether it is one of the operator's own machines.
    pub local: bool,
    /// Whether it is used; of one that is not, no model is.
    pub status: Availability,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its number.
    pub id: ModelId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What its server calls it, unique there.
    pub code: String,
    /// What it does.
    pub model_type: ModelType,
    /// How many tokens question and answer may have together, if that is known.
    pub max_tokens: Option<i64>,
    /// Whether it can answer piece by piece.
    pub support_stream: bool,
    /// Whether it can call tools.
    pub support_tools: bool,
    /// What a million tokens of a question cost, in millionths of the currency's unit.
    pub input_price: i64,
    /// What a million tokens of an answer cost, in the same.
    pub output_price: i64,
    /// Whether it is used.
    pub status: Availability,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Model {
    /// Whether it can be asked: neither it nor `provider`, which serves it, is disabled.
    #[must_use]
    pub fn is_usable(&self, provider: &Provider) -> bool {
        self.status == Availability::Active && provider.status == Availability::Active
    }
}

/// A secret as the database keeps it: encrypted and bound to its row.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

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
        if text.len() > 512 {
            return Err("must be at most 512 characters");
        }
        if !is_http_url(text) {
            return Err("must be an http or https URL, without a user name");
        }
        if text.contains(['?', '#']) {
            return Err("must have neither a query nor a fragment");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
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
    fn what_is_sealed_is_not_shown() {
        assert_eq!(format!("{:?}", Sealed("1.abc".to_owned())), "Sealed(…)");
    }
}
