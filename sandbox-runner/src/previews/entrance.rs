//! Coming in: by a pass in the address, once, and from then on by a cookie.

use super::{
    address::Target,
    cookies,
    pass::{Kind, Passes},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

/// The parameter of the address that holds an entry.
pub(super) const PARAMETER: &str = "atelier_entry";

/// What a request finds.
pub(super) enum Entrance {
    /// It has a stay.
    Open,
    /// It has an entry, and gets a stay.
    Welcome(Response<Bytes>),
    /// It has neither.
    Closed,
}

/// What a request for `target` finds at `now`, in seconds since 1970.
pub(super) fn of<B>(
    request: &Request<B>,
    passes: &Passes,
    target: &Target,
    secure: bool,
    now: u64,
) -> Entrance {
    let query = request.uri().query().unwrap_or_default();
    let entry = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='));
    if let Some(entry) = entry
        && passes.is_good(Kind::Entry, target, entry, now)
    {
        let stay = passes.make(Kind::Stay, target, now);
        return Entrance::Welcome(welcome(request.uri().path(), query, &stay, secure));
    }
    let stays =
        cookies::stays(request.headers()).any(|stay| passes.is_good(Kind::Stay, target, stay, now));
    if stays {
        Entrance::Open
    } else {
        Entrance::Closed
    }
}

/// Hands the stay out and sends the visitor to the same address without the entry.
fn welcome(path: &str, query: &str, stay: &str, secure: bool) -> Response<Bytes> {
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(PARAMETER))
        .collect();
    // Two slashes in front would be a host.
    let mut location = format!("/{}", path.trim_start_matches(['/', '\\']));
    if !rest.is_empty() {
        location = format!("{location}?{}", rest.join("&"));
    }
    // Shown in a frame of the platform's page, it is a cookie of another site.
    let site = if secure {
        "SameSite=None; Secure; Partitioned"
    } else {
        "SameSite=Lax"
    };
    let seconds = Kind::Stay.lasts().as_secs();
    let cookie = format!(
        "{}={stay}; Path=/; Max-Age={seconds}; HttpOnly; {site}",
        cookies::STAY
    );
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    for (name, value) in [(header::LOCATION, location), (header::SET_COOKIE, cookie)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::token::Token;
    use uuid::Uuid;

    const TARGET: Target = Target {
        session: Uuid::from_u128(1),
        port: 3000,
    };

    fn passes() -> Passes {
        Passes::new(&Token::parse("0123456789abcdef").unwrap())
    }

    fn enter(target: &str, cookie: Option<&str>, now: u64) -> Entrance {
        let mut request = Request::get(target);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        of(&request.body(()).unwrap(), &passes(), &TARGET, false, now)
    }

    #[test]
    fn an_entry_becomes_a_stay() {
        let entry = passes().make(Kind::Entry, &TARGET, 100);
        let target = format!("//evil.example/x?a=1&{PARAMETER}={entry}&b=2");
        let request = format!("/x?a=1&{PARAMETER}={entry}&b=2");
        let Entrance::Welcome(response) = enter(&request, None, 100) else {
            panic!("not welcome");
        };
        assert_eq!(response.headers()[header::LOCATION], "/x?a=1&b=2");
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && !cookie.contains("Domain"));
        let cookie = cookie.split(';').next().unwrap();
        assert!(matches!(enter("/", Some(cookie), 200), Entrance::Open));
        assert!(matches!(
            enter("/", Some(cookie), 200_000),
            Entrance::Closed
        ));
        let as_entry = cookie.replace(cookies::STAY, PARAMETER);
        assert!(matches!(
            enter(&format!("/?{as_entry}"), None, 100),
            Entrance::Closed
        ));
        assert!(matches!(enter(&request, None, 401), Entrance::Closed));
        assert!(matches!(enter("/", None, 100), Entrance::Closed));
        let Entrance::Welcome(response) = enter(&target, None, 100) else {
            return; // refused as a request target already
        };
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        assert!(!location.starts_with("//"), "{location}");
    }
}
