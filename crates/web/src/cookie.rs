//! The cookie that carries an access token.

use crate::settings::is_loopback_url;
use axum::extract::FromRequestParts;
use domain::Error;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use std::{convert::Infallible, time::Duration};

/// The cookie's name.
const NAME: &str = "access_token";

/// The token in the cookie `access_token`, if there is one. A browser sends it whoever asks:
/// whoever is authenticated by it must pass [`crate::refuse_forged`] too.
#[derive(Clone)]
pub struct Cookie(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Cookie {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(token_of(&parts.headers)))
    }
}

/// Of several, the first counts.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let lists = headers.get_all(header::COOKIE).into_iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == NAME && !value.is_empty())
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

/// The value of a `Set-Cookie` header that has a browser keep `token` for `lifetime`. Scripts
/// do not see it, other sites' forms do not send it, and it goes by TLS only, unless
/// `public_url` is plain `http` on this very machine.
///
/// # Errors
/// Internal when the token has letters that no cookie may have.
pub fn set_cookie(public_url: &str, token: &str, lifetime: Duration) -> Result<HeaderValue, Error> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    if !token.bytes().all(fine) {
        return Err(Error::internal("a token that fits no cookie"));
    }
    let secure = if is_plain_and_local(public_url) {
        ""
    } else {
        "; Secure"
    };
    let seconds = lifetime.as_secs();
    let text = format!("{NAME}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::try_from(text).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The value of a `Set-Cookie` header that has a browser forget the token.
///
/// # Errors
/// Internal; it does not happen.
pub fn forget_cookie(public_url: &str) -> Result<HeaderValue, Error> {
    set_cookie(public_url, "", Duration::ZERO)
}

fn is_plain_and_local(public_url: &str) -> bool {
    let plain = public_url
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    plain && is_loopback_url(public_url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reading() {
        let check = |lists: &[&str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(header::COOKIE, list.parse().unwrap());
            }
            assert_eq!(token_of(&headers).as_deref(), expected, "{lists:?}");
        };
        check(&["access_token=a.b.c"], Some("a.b.c"));
        check(&["x=1; access_token=a.b-c_; y"], Some("a.b-c_"));
        check(&["x=1", "access_token=\"a\""], Some("a"));
        check(&["access_token=a; access_token=b"], Some("a"));
        check(&["access_token=", "access_token=b"], Some("b"));
        check(&["Access_Token=a"], None);
        check(&["xaccess_token=a"], None);
        check(&["access_token"], None);
        check(&[], None);
    }

    #[test]
    fn writing() {
        let check = |public_url: &str, secure: bool| {
            let value = set_cookie(public_url, "a.b-c_", Duration::from_secs(3600)).unwrap();
            let rest = if secure { "; Secure" } else { "" };
            let expected = "access_token=a.b-c_; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600";
            assert_eq!(value.to_str().unwrap(), format!("{expected}{rest}"));
            assert!(value.is_sensitive());
        };
        check("http://127.0.0.1:3000", false);
        check("http://localhost", false);
        check("https://localhost", true);
        check("http://atelier.example", true);
        check("https://atelier.example", true);
        check("", true);
    }

    #[test]
    fn a_token_cannot_add_an_attribute() {
        for token in ["a; Domain=evil.example", "a b", "a\r\nx: y", "ä"] {
            let value = set_cookie("https://atelier.example", token, Duration::ZERO);
            assert!(value.is_err(), "{token}");
        }
    }

    #[test]
    fn forgetting() {
        let value = forget_cookie("http://localhost").unwrap();
        let expected = "access_token=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        assert_eq!(value.to_str().unwrap(), expected);
    }
}
