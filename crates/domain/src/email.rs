//! E-mail addresses of accounts.

/// An address that mail can be sent to: trimmed and in lower case, so that two spellings of one
/// address are one value. Plain ASCII; at most 254 characters, 64 of them before the `@`; the
/// domain has a dot, or is `localhost`. Quoted names and bare IP addresses are refused: hardly
/// anybody has one, and mail servers disagree about them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.chars().count() > 254 {
            return Err("must be at most 254 characters");
        }
        match text.split_once('@') {
            Some((local, domain)) if is_local_part(local) && is_domain(domain) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err("must be an e-mail address"),
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local_part(text: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    text.len() <= 64 && text.split('.').all(atom)
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let Some((_, top)) = text.rsplit_once('.') else {
        return false;
    };
    text.split('.').all(label) && !top.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = Email::parse(text).ok();
        assert_eq!(parsed.as_ref().map(Email::as_str), expected, "{text:?}");
    }

    #[test]
    fn addresses() {
        check("ada@example.org", Some("ada@example.org"));
        check(" Ada@Example.ORG\n", Some("ada@example.org"));
        check(
            "a.b+c_d-e@mail.example.co",
            Some("a.b+c_d-e@mail.example.co"),
        );
        check("o'hara@example.org", Some("o'hara@example.org"));
        check("ada@localhost", Some("ada@localhost"));
        check("ada@LocalHost", Some("ada@localhost"));
        check("1@2.x3", Some("1@2.x3"));
        check(
            "ada@xn--bcher-kva.example",
            Some("ada@xn--bcher-kva.example"),
        );
    }

    #[test]
    fn no_addresses() {
        for text in [
            "",
            "  ",
            "ada",
            "@",
            "ada@",
            "@example.org",
            "ada@@example.org",
            "ada@example.org@example.org",
            "ada@example",
            "ada@example.",
            "ada@.org",
            "ada@a..org",
            "ada@-a.org",
            "ada@a-.org",
            "ada@a_b.org",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            ".ada@example.org",
            "ada.@example.org",
            "a..b@example.org",
            "a b@example.org",
            "\"a b\"@example.org",
            "ada@exam ple.org",
            "ada@example.org\r\nbcc: b@example.org",
            "ada@example.org,b@example.org",
            "<ada@example.org>",
            "ada\0@example.org",
            "ädä@example.org",
            "ada@bücher.example",
            // The Kelvin sign is a letter that lower-cases to an ASCII `k`.
            "\u{212a}@example.org",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn lengths() {
        let local = |length: usize| format!("{}@example.org", "x".repeat(length));
        check(&local(64), Some(&local(64)));
        check(&local(65), None);
        let label = |length: usize| format!("a@{}.org", "x".repeat(length));
        check(&label(63), Some(&label(63)));
        check(&label(64), None);
        let long = |last: usize| {
            let rest = format!("{0}.{0}.{1}.org", "x".repeat(60), "x".repeat(last));
            format!("{}@{rest}", "y".repeat(64))
        };
        assert_eq!(long(63).len(), 254);
        check(&long(63), Some(&long(63)));
        check(&format!("{}x", long(63)), None);
    }
}
