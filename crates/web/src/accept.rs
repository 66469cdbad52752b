//! What a reader wants an answer as.

use http::{HeaderMap, header};

/// Whether `Accept` names `media_type` itself. A pattern like `*/*` asks for no special form.
#[must_use]
pub fn asks_for(headers: &HeaderMap, media_type: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT).into_iter();
    let mut ranges = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        // Read as letters: what parses a float is large as WebAssembly.
        let refused = |part: &str| {
            let quality = part.split_once('=').filter(|(name, _)| name.trim() == "q");
            quality.is_some_and(|(_, value)| value.trim().trim_matches(['0', '.']).is_empty())
        };
        named && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let check = |list: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, list.parse().unwrap());
            assert_eq!(asks_for(&headers, "text/event-stream"), expected, "{list}");
        };
        check("text/event-stream", true);
        check("Text/Event-Stream; charset=utf-8", true);
        check("application/json, text/event-stream;q=0.5", true);
        check("text/event-stream;q=0", false);
        check("text/event-stream; q=0.000, */*", false);
        check("*/*", false);
        check("text/*", false);
        check("text/event-streams", false);
        check("", false);
        assert!(!asks_for(&HeaderMap::new(), "text/event-stream"));
    }
}
