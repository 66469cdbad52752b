//! The operator's allow-list of origins.

use crate::Origin;

/// Whom the operator lets in from other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Nobody: pages of the platform's own origin only.
    #[default]
    Nobody,
    /// Every page, but none with a reader's cookie.
    Anybody,
    /// These, with cookies.
    These(Vec<Origin>),
}

/// An entry of a list is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin: expected SCHEME://HOST or SCHEME://HOST:PORT, or a single `*`")]
pub struct OriginsError(pub String);

impl Origins {
    /// Reads a comma-separated list, or `*` alone. An empty text is [`Origins::Nobody`]. A slash
    /// after an entry is overlooked.
    ///
    /// # Errors
    /// The first entry that is no origin.
    pub fn parse(text: &str) -> Result<Self, OriginsError> {
        let entries = text.split(',').map(str::trim);
        let entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
        match entries.as_slice() {
            [] => return Ok(Self::Nobody),
            ["*"] => return Ok(Self::Anybody),
            _ => {}
        }
        let origins = entries.into_iter().map(|entry| {
            Origin::parse(entry.strip_suffix('/').unwrap_or(entry))
                .ok_or_else(|| OriginsError(entry.to_owned()))
        });
        origins.collect::<Result<_, _>>().map(Self::These)
    }

    /// Whether a page of `origin`, as its browser writes it, may read answers.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match (self, Origin::parse(origin)) {
            (Self::Anybody, Some(_)) => true,
            (_, Some(origin)) => self.names(&origin),
            (_, None) => false,
        }
    }

    /// Whether the list itself has `origin`; `*` names nobody.
    #[must_use]
    pub fn names(&self, origin: &Origin) -> bool {
        match self {
            Self::These(origins) => origins.contains(origin),
            Self::Anybody | Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let check = |list: &str, entries: Result<usize, &str>| {
            let parsed = Origins::parse(list);
            let found = match &parsed {
                Ok(Origins::These(origins)) => Ok(origins.len()),
                Ok(_) => Ok(0),
                Err(OriginsError(entry)) => Err(entry.as_str()),
            };
            assert_eq!(found, entries, "{list}");
        };
        check("", Ok(0));
        check(" , ", Ok(0));
        check("*", Ok(0));
        check("https://a.example", Ok(1));
        check(" https://a.example/ ,http://b.example:1,", Ok(2));
        check("https://a.example, *", Err("*"));
        check("https://*.example", Err("https://*.example"));
        check("https://a.example, null", Err("null"));
        check("a.example", Err("a.example"));
        check("https://a.example/path", Err("https://a.example/path"));
    }

    #[test]
    fn who_is_let_in() {
        let check = |list: &str, origin: &str, allowed: bool| {
            let found = Origins::parse(list).map(|origins| origins.allows(origin));
            assert_eq!(found, Ok(allowed), "{list:?} {origin}");
        };
        let list = "https://app.example, http://localhost:5173";
        check(list, "https://app.example", true);
        check(list, "https://app.example:443", true);
        check(list, "http://localhost:5173", true);
        check(list, "http://app.example", false);
        check(list, "https://app.example:8443", false);
        check(list, "https://evil-app.example", false);
        check(list, "https://app.example.evil", false);
        check(list, "https://sub.app.example", false);
        check(list, "https://app.example/", false);
        check(list, "http://localhost", false);
        check(list, "null", false);
        check(list, "", false);
        check("*", "https://anywhere.example", true);
        check("*", "null", false);
        check("", "https://app.example", false);
    }

    #[test]
    fn a_star_names_nobody() {
        let origin = Origin::parse("https://app.example");
        let named = origin.as_ref().map(|origin| Origins::Anybody.names(origin));
        assert_eq!(named, Some(false));
    }
}
