//! Requests that another site makes with a reader's cookie.
//!
//! A browser adds the cookie by itself, so a request with one proves nothing about the page that
//! made it. A token in `Authorization` does: a page must know it to send it.

use crate::{Origin, Origins};
use http::{HeaderMap, HeaderName, Method, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A page that is neither ours nor let in made the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request comes from a page of another site")]
pub struct Forged;

/// Where the platform is, as its own pages name it.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The origin under which people are to reach it.
    pub public: Option<&'a Origin>,
    /// The host (and port) that the request was sent to, as each server on the way saw it.
    pub hosts: &'a [&'a str],
}

impl Site<'_> {
    /// Whether a page of `origin` is one of ours. Where people are to come by TLS, the same host
    /// without it may be anybody in between.
    fn has(&self, origin: &Origin) -> bool {
        if self.public == Some(origin) {
            return true;
        }
        let stripped = self.public.is_some_and(|public| {
            public.scheme() == "https"
                && origin.scheme() != "https"
                && public.host() == origin.host()
        });
        !stripped && self.hosts.iter().any(|host| origin.is_at(host))
    }
}

impl Origins {
    /// Checks a request that is authenticated by cookie. A page that names itself must be ours or
    /// in the list (`*` names nobody); where none does, the browser must not say that another
    /// site asks. Programs other than browsers say neither and pass.
    ///
    /// # Errors
    /// [`Forged`], for an unsafe method only.
    pub fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        site: Site<'_>,
    ) -> Result<(), Forged> {
        if method.is_safe() {
            return Ok(());
        }
        if headers.contains_key(header::ORIGIN) {
            let ours = headers.get_all(header::ORIGIN).into_iter().all(|origin| {
                let origin = origin.to_str().ok().and_then(Origin::parse);
                origin.is_some_and(|origin| site.has(&origin) || self.names(&origin))
            });
            return if ours { Ok(()) } else { Err(Forged) };
        }
        let mut sites = headers.get_all(FETCH_SITE).into_iter();
        let ours = sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        if ours { Ok(()) } else { Err(Forged) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const PUBLIC: &str = "https://atelier.example";

    fn check(list: &str, method: &Method, pairs: &[(&'static str, &'static str)], fine: bool) {
        let public = Origin::parse(PUBLIC);
        let site = Site {
            public: public.as_ref(),
            hosts: &["127.0.0.1:3000", "atelier.example"],
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let found = Origins::parse(list).unwrap().check(method, &headers, site);
        assert_eq!(found.is_ok(), fine, "{list:?} {method} {pairs:?}");
    }

    #[test]
    fn by_origin() {
        let post = |list: &str, origin: &'static str, fine: bool| {
            // What the browser says of the site does not count beside the origin.
            let pairs = [("origin", origin), ("sec-fetch-site", "cross-site")];
            check(list, &Method::POST, &pairs, fine);
        };
        post("", PUBLIC, true);
        post("", "https://atelier.example:443", true);
        post("", "http://127.0.0.1:3000", true);
        post("", "http://atelier.example", false);
        post("", "https://evil.example", false);
        post("", "https://atelier.example.evil", false);
        post("", "http://127.0.0.1:3001", false);
        post("", "null", false);
        post("*", "https://evil.example", false);
        post("https://app.example", "https://app.example", true);
        post("https://app.example", "http://app.example", false);
    }

    #[test]
    fn by_what_the_browser_says_of_the_site() {
        let post = |said: &'static str, fine: bool| {
            check("*", &Method::POST, &[("sec-fetch-site", said)], fine);
        };
        post("same-origin", true);
        post("none", true);
        post("same-site", false);
        post("cross-site", false);
        post("", false);
        check("", &Method::POST, &[], true);
    }

    #[test]
    fn two_origins_are_as_good_as_the_worse() {
        let pairs = [("origin", PUBLIC), ("origin", "https://evil.example")];
        check("", &Method::DELETE, &pairs, false);
    }

    #[test]
    fn by_method() {
        let evil = [("origin", "https://evil.example")];
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            check("", &method, &evil, true);
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            check("", &method, &evil, false);
        }
    }
}
