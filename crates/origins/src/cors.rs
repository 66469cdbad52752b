//! Cross-origin requests: what a browser asks beforehand, and what it wants to hear with an
//! answer.

use crate::Origins;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

/// The methods of all operations.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// How long a browser may keep the answer to a preflight, in seconds; Chromium's most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The longest list of headers that a preflight may ask for, in bytes.
const REQUEST_HEADERS: usize = 1024;

/// What a preflight that asks for no headers, or for nonsense, is told.
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");

/// Every header of our answers that a page may not read by itself.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "accept-ranges, allow, content-disposition, content-range, etag, location, retry-after, \
     www-authenticate, x-request-id, x-total-count",
);

const ANYBODY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const BY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Headers");

impl Origins {
    /// The whole answer to a preflight, 204 without a body; nothing where the request is none.
    /// An origin that is not let in gets an answer that grants nothing.
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<()>> {
        if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(header::VARY, BY_PREFLIGHT);
        if self.grant(origin, answer) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted(headers));
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        Some(response)
    }

    /// Adds to an answer what the browser of a page of `origin` (the request's header) wants to
    /// hear.
    pub fn mark(&self, origin: &HeaderValue, answer: &mut HeaderMap) {
        vary_by_origin(answer);
        if self.grant(origin, answer) {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Lets `origin` in, if the list does. With `*` nobody's cookie counts.
    fn grant(&self, origin: &HeaderValue, answer: &mut HeaderMap) -> bool {
        let allowed = origin.to_str().is_ok_and(|origin| self.allows(origin));
        if !allowed {
            return false;
        }
        if matches!(self, Self::Anybody) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        } else {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        true
    }
}

/// Says that an answer differs by the page that asks, for caches that keep it.
pub fn vary_by_origin(answer: &mut HeaderMap) {
    answer.append(header::VARY, BY_ORIGIN);
}

/// The headers that a preflight asks for. Whoever is let in may send any: the list only limits
/// pages, and `*` never covers `Authorization`.
fn wanted(headers: &HeaderMap) -> HeaderValue {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_, ".contains(byte);
    let asked = headers
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .filter(|asked| (1..=REQUEST_HEADERS).contains(&asked.len()))
        .filter(|asked| asked.as_bytes().iter().all(name));
    asked.cloned().unwrap_or(HEADERS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn preflights() {
        let check = |list: &str, origin: &str, allowed: &str, credentials: &str| {
            let request = headers(&[
                ("origin", origin),
                ("access-control-request-method", "DELETE"),
                ("access-control-request-headers", "authorization,x-own"),
            ]);
            let origins = Origins::parse(list).unwrap();
            let response = origins.preflight(&Method::OPTIONS, &request).unwrap();
            assert_eq!(response.status(), 204);
            let answer = response.headers();
            let found = |name| text(answer, name);
            assert_eq!(
                found("access-control-allow-origin"),
                allowed,
                "{list} {origin}"
            );
            assert_eq!(
                found("access-control-allow-credentials"),
                credentials,
                "{list}"
            );
            assert!(found("vary").starts_with("Origin"), "{list}");
            let granted = !allowed.is_empty();
            assert_eq!(
                found("access-control-allow-methods").contains("DELETE"),
                granted
            );
            assert_eq!(
                found("access-control-allow-headers") == "authorization,x-own",
                granted
            );
            assert_eq!(found("access-control-max-age") == "7200", granted);
        };
        let list = "https://app.example";
        check(list, list, list, "true");
        check(list, "https://evil.example", "", "");
        check(list, "null", "", "");
        check("*", "https://anywhere.example", "*", "");
        check("*", "null", "", "");
        check("", "https://app.example", "", "");
    }

    #[test]
    fn what_is_no_preflight() {
        let origin = ("origin", "https://app.example");
        let asks = ("access-control-request-method", "GET");
        let check = |method: Method, pairs: &[(&'static str, &str)]| {
            let response = Origins::Anybody.preflight(&method, &headers(pairs));
            assert!(response.is_none(), "{method} {pairs:?}");
        };
        check(Method::GET, &[origin, asks]);
        check(Method::OPTIONS, &[origin]);
        check(Method::OPTIONS, &[asks]);
    }

    #[test]
    fn headers_that_are_asked_for() {
        let check = |asked: &str, answered: &str| {
            let request = headers(&[
                ("origin", "https://app.example"),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", asked),
            ]);
            let response = Origins::Anybody
                .preflight(&Method::OPTIONS, &request)
                .unwrap();
            let found = text(response.headers(), "access-control-allow-headers");
            assert_eq!(found, answered, "{asked}");
        };
        check("x-a, x-b", "x-a, x-b");
        check("", "authorization, content-type");
        check("x-a: b", "authorization, content-type");
        check(&"x".repeat(1025), "authorization, content-type");
    }

    #[test]
    fn plain_answers() {
        let check = |list: &str, origin: &str, allowed: &str| {
            let mut answer = headers(&[("vary", "Accept")]);
            let origin: HeaderValue = origin.parse().unwrap();
            Origins::parse(list).unwrap().mark(&origin, &mut answer);
            assert_eq!(
                text(&answer, "access-control-allow-origin"),
                allowed,
                "{list}"
            );
            let exposed = text(&answer, "access-control-expose-headers");
            assert_eq!(exposed.contains("x-total-count"), !allowed.is_empty());
            let vary: Vec<_> = answer.get_all("vary").into_iter().collect();
            assert_eq!(vary, ["Accept", "Origin"]);
        };
        check("*", "https://app.example", "*");
        check(
            "https://app.example",
            "https://app.example",
            "https://app.example",
        );
        check("https://app.example", "https://evil.example", "");
        check("https://app.example", "null", "");
    }
}
