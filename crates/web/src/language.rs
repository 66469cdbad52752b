//! The language that a reader prefers.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use std::convert::Infallible;

/// A language that the platform writes, for example in mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, also for whoever asks for neither.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// The one that `Accept-Language` prefers: the highest quality counts, of equals the first.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT_LANGUAGE).into_iter();
        let ranges = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .filter_map(range);
        let mut best = (0, Self::default());
        for (language, quality) in ranges {
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// A range that we write, and its quality in thousandths.
fn range(text: &str) -> Option<(Language, u16)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let primary = tag.split('-').next()?;
    let language = match primary {
        _ if primary.eq_ignore_ascii_case("zh") => Language::Zh,
        _ if primary.eq_ignore_ascii_case("en") || primary == "*" => Language::En,
        _ => return None,
    };
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    Some((language, quality.map_or(Some(1000), thousandths)?))
}

/// A quality: `0` to `1` with at most three decimals (RFC 9110).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !digits {
        return None;
    }
    let quality: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (quality <= 1000).then_some(quality)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn preferences() {
        let check = |list: &str, expected: Language| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, list.parse().unwrap());
            assert_eq!(Language::of(&headers), expected, "{list}");
        };
        check("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh);
        check("en-US,en;q=0.9,zh;q=0.8", Language::En);
        check("en;q=0.2, zh;q=0.85", Language::Zh);
        check("EN;q=0.5,ZH-Hant;Q=0.6", Language::Zh);
        check("de, zh;q=0.1", Language::Zh);
        check("de, *;q=0.5, zh;q=0.1", Language::En);
        check("zh, en", Language::Zh);
        check("en, zh", Language::En);
        check("zh;q=0, en;q=0.1", Language::En);
        check("zh;q=0", Language::En);
        check("zh;q=2", Language::En);
        check("zh;q=0.1234", Language::En);
        check("zh;q=-1", Language::En);
        check("zhx", Language::En);
        check("fr", Language::En);
        check("", Language::En);
        assert_eq!(Language::of(&HeaderMap::new()), Language::En);
    }
}
