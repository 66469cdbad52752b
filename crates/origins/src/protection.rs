//! The headers that every answer carries, so that a browser takes it for what it is.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// No answer is a page that may load anything or stand in a frame; whoever makes one says so
/// itself.
const PROTECTION: [(HeaderName, HeaderValue); 3] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// Adds the headers that `answer` does not set itself.
pub fn protect(answer: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        answer.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_sets_itself_stays() {
        let mut answer = HeaderMap::new();
        let own = HeaderValue::from_static("default-src 'self'");
        answer.insert(header::CONTENT_SECURITY_POLICY, own.clone());
        protect(&mut answer);
        assert_eq!(answer.get(header::CONTENT_SECURITY_POLICY), Some(&own));
        let sniffing = answer.get(header::X_CONTENT_TYPE_OPTIONS);
        assert_eq!(sniffing, Some(&HeaderValue::from_static("nosniff")));
        assert_eq!(answer.len(), 3);
    }
}
