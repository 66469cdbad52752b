//! Passwords and tokens on their way through.

use serde::{Deserialize, Serialize};
use std::{fmt, ops::Deref};
use utoipa::{PartialSchema, ToSchema};

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialSchema for Secret {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl ToSchema for Secret {}

/// The longest secret that is looked at, in bytes. No token and no password is longer.
const LONGEST: usize = 4096;

/// A rule for a secret that is compared with a known one: what it would have to look like is
/// not told.
pub(crate) fn is_presentable(text: &str, _: &()) -> garde::Result {
    match text.len() {
        0 => Err(garde::Error::new("must not be empty")),
        1..=LONGEST => Ok(()),
        _ => Err(garde::Error::new(format!(
            "must be at most {LONGEST} bytes"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret("123456".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
