//! A number for each request, under which all logs know it.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::atomic::{AtomicU64, Ordering};

/// The header that carries the number, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest number that a client may give.
const LONGEST: usize = 64;

/// Numbers requests: a prefix for this process, and a counter.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut prefix = uuid::Uuid::now_v7().simple().to_string();
        // The random end of it; the start is the time.
        prefix.drain(..20);
        Self {
            prefix,
            next: AtomicU64::new(1),
        }
    }

    /// What the client calls its request, if that is fit to be logged, else a new number.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(HEADER) {
            Some(given) if is_sane(given.as_bytes()) => given.clone(),
            _ => self.next(),
        }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{}-{number:x}", self.prefix);
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("unnamed"))
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_numbers_are_taken_over() {
        let ids = RequestIds::new();
        let check = |given: &str, taken: bool| {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(given) {
                headers.insert(HEADER, value);
            }
            assert_eq!(ids.of(&headers) == given, taken, "{given}");
        };
        check("abc-DEF_123", true);
        check(&"x".repeat(64), true);
        check(&"x".repeat(65), false);
        check("", false);
        check("a b", false);
        check("a\"b", false);
        assert_ne!(ids.next(), ids.next());
        assert!(is_sane(ids.next().as_bytes()));
    }
}
