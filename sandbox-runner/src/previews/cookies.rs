//! The cookies of a request for a preview: ours are taken out, the page's own go on.

use http::{HeaderMap, HeaderValue, header};

/// The cookie that holds a stay.
pub(super) const STAY: &str = "atelier_preview";

/// The cookie that holds the platform's access token. It is host-only, but a preview's host may
/// share a parent with a host where somebody set it wider.
const PLATFORM: &str = "access_token";

/// The values of the cookie that holds a stay. There may be several: of different paths.
pub(super) fn stays(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    pairs(headers).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == STAY).then_some(value)
    })
}

/// Takes our cookies out.
pub(super) fn remove_ours(headers: &mut HeaderMap) {
    let kept: Vec<&str> = pairs(headers).filter(|pair| !is_ours(pair)).collect();
    let kept = HeaderValue::try_from(kept.join("; ")).ok();
    headers.remove(header::COOKIE);
    if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
        headers.insert(header::COOKIE, kept);
    }
}

/// Whether a page may set that cookie: not one of ours, and for its own host alone. (A script of
/// the page is free to; that is why previews want a domain of their own.)
pub(super) fn may_be_set(cookie: &HeaderValue) -> bool {
    let Ok(text) = cookie.to_str() else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let named = parts.next().is_some_and(|pair| !is_ours(pair));
    named
        && !parts.any(|attribute| {
            let name = attribute.split('=').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("domain")
        })
}

fn is_ours(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().trim();
    name == STAY || name == PLATFORM
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_pages_own_cookies_go_on() {
        let check = |sent: &[&'static str], kept: Option<&str>| {
            let mut headers = HeaderMap::new();
            for cookie in sent {
                headers.append(header::COOKIE, HeaderValue::from_static(cookie));
            }
            remove_ours(&mut headers);
            let found = headers
                .get(header::COOKIE)
                .map(|value| value.to_str().unwrap());
            assert_eq!(found, kept, "{sent:?}");
        };
        check(
            &["a=1; access_token=x; b=2; atelier_preview=y"],
            Some("a=1; b=2"),
        );
        check(&["access_token=x"], None);
        check(&["access_token =x;atelier_preview=y", "c=3"], Some("c=3"));
        check(&["access_tokens=x"], Some("access_tokens=x"));
        check(&[], None);
    }

    #[test]
    fn cookies_that_a_page_sets() {
        let check = |cookie: &'static str, fine: bool| {
            assert_eq!(
                may_be_set(&HeaderValue::from_static(cookie)),
                fine,
                "{cookie}"
            );
        };
        check("a=1; Path=/; HttpOnly", true);
        check("a=domain; Path=/", true);
        check("a=1; Domain=localhost", false);
        check("a=1; domain = example.org", false);
        check("access_token=1", false);
        check("atelier_preview=1; Path=/x", false);
    }
}
