//! Names of accounts.

/// Words that are, or may become, segments of a path beside a name.
const RESERVED: [&str; 8] = [
    "me",
    "self",
    "new",
    "search",
    "count",
    "null",
    "undefined",
    "anonymous",
];

/// The name of an account: 3 to 30 ASCII letters, digits and underscores, not a reserved word.
/// It keeps its spelling; two names that differ only in case cannot both exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match text {
            _ if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) => Err("is reserved"),
            _ if text.chars().count() < 3 => Err("must be at least 3 characters"),
            _ if text.chars().count() > 30 => Err("must be at most 30 characters"),
            _ if !text.bytes().all(fits) => {
                Err("must contain only letters, digits and underscores")
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, expected: Result<(), &str>| {
            assert_eq!(Username::parse(text).map(drop), expected, "{text:?}");
        };
        check("ada", Ok(()));
        check("Ada_Lovelace_1815", Ok(()));
        check("___", Ok(()));
        check("007", Ok(()));
        check("admin", Ok(()));
        check(&"x".repeat(30), Ok(()));
        check("ab", Err("must be at least 3 characters"));
        check("", Err("must be at least 3 characters"));
        check(&"x".repeat(31), Err("must be at most 30 characters"));
        for text in [
            "a b",
            "a-b",
            "ada\n",
            " ada",
            "小明明",
            "ada@b",
            "a.b",
            "ad\0a",
        ] {
            check(
                text,
                Err("must contain only letters, digits and underscores"),
            );
        }
        for text in ["me", "ME", "search", "Search", "null"] {
            check(text, Err("is reserved"));
        }
    }
}
