//! Bytes that agents wrote, on our origin: a browser stores them and runs none of them.
//!
//! Invariant: whatever the runner says of the bytes, only lengths, ranges and dates are believed.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, header};
use std::fmt::Write;

/// What is passed on of the runner's headers.
const PASSED: [HeaderName; 5] = [
    header::ACCEPT_RANGES,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
];

/// The longest name that a download has, in characters.
const NAME_MOST: usize = 150;

/// `bytes` as a file to be stored under `name`.
pub(crate) fn as_download(bytes: Response, name: &str) -> Response {
    let (mut parts, body) = bytes.into_parts();
    let said = std::mem::take(&mut parts.headers);
    for name in PASSED {
        if let Some(value) = said.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    let set = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "private, no-store, no-transform"),
    ];
    for (name, value) in set {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    parts.extensions.clear();
    parts
        .headers
        .insert(header::CONTENT_DISPOSITION, attachment(name));
    Response::from_parts(parts, Body::new(body))
}

/// `attachment`, with the name for old readers and for those of RFC 6266.
fn attachment(name: &str) -> HeaderValue {
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
