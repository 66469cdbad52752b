//! A message as the edge hands it over.

use lettre::Address;
use serde::Deserialize;

/// The longest address, in bytes (RFC 5321).
const ADDRESS: usize = 254;

/// The longest subject, in characters.
const SUBJECT: usize = 200;

/// The longest text, in bytes.
const TEXT: usize = 64 * 1024;

/// The longest idempotency key, in bytes.
const KEY: usize = 64;

/// A plain text for one reader.
#[derive(Clone, Debug, Deserialize)]
pub struct Letter {
    /// The reader's address, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// A second message with the same key is taken for the first one, for a day.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Taken, kept and then dropped instead of sent: a letter to an address that nobody has
    /// takes as long as one that arrives, so that the time does not tell which it was.
    #[serde(default)]
    pub discard: bool,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not one e-mail address.
    #[error("to must be one e-mail address")]
    To,
    /// Empty, too long, or more than a line.
    #[error("subject must be one line of 1 to {SUBJECT} characters")]
    Subject,
    /// Empty or too long.
    #[error("text must have 1 to {TEXT} bytes")]
    Text,
    /// Not fit for a file's name.
    #[error("idempotency_key must have 1 to {KEY} characters of A-Z, a-z, 0-9, _ and -")]
    Key,
}

impl Letter {
    /// Whether this can be sent at all.
    ///
    /// # Errors
    /// Names the first member at fault.
    pub fn check(&self) -> Result<(), Fault> {
        if self.to.len() > ADDRESS || self.to.parse::<Address>().is_err() {
            return Err(Fault::To);
        }
        let subject = self.subject.chars().count();
        if !(1..=SUBJECT).contains(&subject) || self.subject.chars().any(char::is_control) {
            return Err(Fault::Subject);
        }
        if !(1..=TEXT).contains(&self.text.len()) {
            return Err(Fault::Text);
        }
        match &self.idempotency_key {
            Some(key) if !is_key(key) => Err(Fault::Key),
            _ => Ok(()),
        }
    }
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=KEY).contains(&key.len()) && key.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_letter_may_be() {
        let check = |to: &str, subject: &str, text: &str, key: Option<&str>, fault| {
            let letter = Letter {
                to: to.to_owned(),
                subject: subject.to_owned(),
                text: text.to_owned(),
                idempotency_key: key.map(str::to_owned),
                discard: false,
            };
            assert_eq!(letter.check().err(), fault, "{to} {subject} {key:?}");
        };
        check("ada@example.org", "Your code", "123456\n", None, None);
        check(
            "ada@example.org",
            "验证码",
            "123456",
            Some("code-1_A"),
            None,
        );
        check("ada", "s", "t", None, Some(Fault::To));
        check("Ada <ada@example.org>", "s", "t", None, Some(Fault::To));
        check(
            "a@example.org, b@example.org",
            "s",
            "t",
            None,
            Some(Fault::To),
        );
        check(
            "a@example.org\r\nBcc: b@example.org",
            "s",
            "t",
            None,
            Some(Fault::To),
        );
        check(
            &format!("{}@example.org", "a".repeat(250)),
            "s",
            "t",
            None,
            Some(Fault::To),
        );
        check("ada@example.org", "", "t", None, Some(Fault::Subject));
        check(
            "ada@example.org",
            "a\r\nBcc: b@example.org",
            "t",
            None,
            Some(Fault::Subject),
        );
        check(
            "ada@example.org",
            &"s".repeat(201),
            "t",
            None,
            Some(Fault::Subject),
        );
        check("ada@example.org", "s", "", None, Some(Fault::Text));
        check(
            "ada@example.org",
            "s",
            &"t".repeat(65_537),
            None,
            Some(Fault::Text),
        );
        check("ada@example.org", "s", "t", Some(""), Some(Fault::Key));
        check("ada@example.org", "s", "t", Some("../x"), Some(Fault::Key));
        check(
            "ada@example.org",
            "s",
            "t",
            Some(&"k".repeat(65)),
            Some(Fault::Key),
        );
    }
}
