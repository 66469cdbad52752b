//! Names of downloads.

use http::HeaderValue;
use std::fmt::Write;

/// The longest name that a download has, in characters.
const NAME_MOST: usize = 150;

/// `attachment`, with the name for old readers and for those of RFC 6266.
#[must_use]
pub fn attachment(name: &str) -> HeaderValue {
    let fine = |letter: char| !letter.is_control() && !matches!(letter, '/' | '\\');
    let name: String = name
        .chars()
        .filter(|letter| fine(*letter))
        .take(NAME_MOST)
        .collect();
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            '"' | '%' => '_',
            letter if letter.is_ascii() => letter,
            _ => '_',
        })
        .collect();
    let mut text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    let bare = HeaderValue::from_static("attachment");
    HeaderValue::try_from(text).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        let check = |name: &str, plain: &str, encoded: &str| {
            let value = attachment(name);
            let expected = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
            assert_eq!(value.to_str().unwrap(), expected, "{name:?}");
        };
        check("main.rs", "main.rs", "main.rs");
        check("a b.txt", "a b.txt", "a%20b.txt");
        check("说明.md", "__.md", "%E8%AF%B4%E6%98%8E.md");
        check("a\".html", "a_.html", "a%22.html");
        check("a\r\nset-cookie: x", "aset-cookie: x", "aset-cookie%3A%20x");
        check("..\\..\\x", "....x", "....x");
        check("50%.txt", "50_.txt", "50%25.txt");
        check("", "", "");
        let long = "x".repeat(151);
        check(&long, &long[1..], &long[1..]);
    }
}
