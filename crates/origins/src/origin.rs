//! One origin: scheme, host and port.

use std::{fmt, net::Ipv6Addr};

/// Where a page comes from. Two are equal when scheme, host and port are; a port that the scheme
/// has anyway may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Reads an origin as browsers write it: `scheme://host` or `scheme://host:port`, nothing
    /// else. `null` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme_of(scheme)?;
        let (host, port) = host_and_port(authority)?;
        let port = port.or(default_port(&scheme));
        Some(Self { scheme, host, port })
    }

    /// The origin of an `http` or `https` URL. A URL that programs read in different ways (one
    /// with a login, a backslash, a blank or a letter outside ASCII) has none.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let odd = |byte: u8| !byte.is_ascii_graphic() || byte == b'\\';
        if url.bytes().any(odd) {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let origin = Self::parse(&format!("{scheme}://{authority}"))?;
        matches!(origin.scheme.as_str(), "http" | "https").then_some(origin)
    }

    /// Whether this is the origin of pages that `authority` (a `Host` header) serves by this
    /// origin's own scheme.
    #[must_use]
    pub fn is_at(&self, authority: &str) -> bool {
        host_and_port(authority).is_some_and(|(host, port)| {
            host == self.host && port.or(default_port(&self.scheme)) == self.port
        })
    }

    /// `http`, `https`, or what else a browser names.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if self.port != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn scheme_of(text: &str) -> Option<String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let fine = text.starts_with(|first: char| first.is_ascii_alphabetic());
    (fine && text.bytes().all(letter)).then(|| text.to_ascii_lowercase())
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if authority.starts_with('[') {
        let (inner, rest) = authority.get(1..)?.split_once(']')?;
        let address: Ipv6Addr = inner.parse().ok()?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?),
        };
        (format!("[{address}]"), port)
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.is_empty() || !host.bytes().all(letter) {
            return None;
        }
        (host.to_ascii_lowercase(), port)
    };
    match port {
        None => Some((host, None)),
        Some(port) => Some((host, Some(port_of(port)?))),
    }
}

/// Digits only: Rust's own parsing also takes a sign.
fn port_of(text: &str) -> Option<u16> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits)?;
    (port != 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_origin() {
        let check = |text: &str, expected: Option<&str>| {
            let origin = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), expected, "{text}");
        };
        check("https://app.example", Some("https://app.example"));
        check("HTTPS://App.Example:443", Some("https://app.example"));
        check("http://app.example:8080", Some("http://app.example:8080"));
        check("http://[0:0::1]:80", Some("http://[::1]"));
        check("capacitor://localhost", Some("capacitor://localhost"));
        check("http://a_b.example", Some("http://a_b.example"));
        check("null", None);
        check("", None);
        check("app.example", None);
        check("://app.example", None);
        check("1http://app.example", None);
        check("https://", None);
        check("https://app.example/", None);
        check("https://app.example/path", None);
        check("https://user@app.example", None);
        check("https://app.example:", None);
        check("https://app.example:0", None);
        check("https://app.example:+80", None);
        check("https://app.example:99999", None);
        check("https://app.example:80:80", None);
        check("https://app example", None);
        check("https://äpp.example", None);
        check("https://[::1", None);
        check("https://[::1]x", None);
        check("https://*.example", None);
    }

    #[test]
    fn origins_of_urls() {
        let check = |url: &str, expected: Option<&str>| {
            let origin = Origin::of_url(url).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), expected, "{url}");
        };
        check("https://app.example/a?b#c", Some("https://app.example"));
        check("https://app.example?b", Some("https://app.example"));
        check("https://app.example#b", Some("https://app.example"));
        check("http://127.0.0.1:3000", Some("http://127.0.0.1:3000"));
        check("https://app.example@evil.example/", None);
        check("https://evil.example\\@app.example/", None);
        check("https:\\\\evil.example", None);
        check("https:/app.example", None);
        check("//app.example", None);
        check("/path", None);
        check("javascript://app.example/%0aalert(1)", None);
        check("ftp://app.example", None);
        check(" https://app.example", None);
        check("https://app.example/\n", None);
        check("https://app.example/ä", None);
        check("", None);
    }

    #[test]
    fn hosts_that_serve_it() {
        let check = |origin: &str, authority: &str, at: bool| {
            let found = Origin::parse(origin).map(|origin| origin.is_at(authority));
            assert_eq!(found, Some(at), "{origin} {authority}");
        };
        check("https://app.example", "app.example", true);
        check("https://app.example", "APP.example:443", true);
        check("https://app.example", "app.example:80", false);
        check("http://127.0.0.1:3000", "127.0.0.1:3000", true);
        check("http://127.0.0.1:3000", "127.0.0.1", false);
        check("http://app.example", "app.example.evil", false);
        check("http://app.example", "", false);
    }
}
