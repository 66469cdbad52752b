//! Where a ComfyUI server is.

use http::Uri;
use std::{fmt, str::FromStr};

/// A server's address, such as `http://192.0.2.7:8188`, perhaps with a path that a proxy adds.
///
/// It says nothing about whether that address may be connected to: the caller and the platform
/// see to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: String,
    authority: String,
    path: String,
}

impl BaseUrl {
    /// The address of the server's socket for `client_id`, beginning with `ws` or `wss`.
    #[must_use]
    pub fn socket(&self, client_id: &str) -> String {
        let scheme = match self.scheme.as_str() {
            "https" => "wss",
            _ => "ws",
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("clientId", client_id)
            .finish();
        format!("{scheme}://{}{}/ws?{query}", self.authority, self.path)
    }

    /// The URI of `resource` (such as `history/…`, already encoded) below the base.
    pub(crate) fn join(&self, resource: &str) -> String {
        format!("{self}/{resource}")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| BaseUrlError::Url)?;
        let scheme = uri.scheme_str().ok_or(BaseUrlError::Url)?;
        let authority = uri.authority().ok_or(BaseUrlError::Url)?;
        if !matches!(scheme, "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(BaseUrlError::Credentials);
        }
        let host = authority.host();
        // A port that is no number below 65536 counts as none and stays in the text.
        let port_is_wrong = authority.as_str() != host && authority.port_u16().is_none();
        if host.is_empty() || port_is_wrong {
            return Err(BaseUrlError::Url);
        }
        if uri.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// Why a text is no address of a ComfyUI server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute URL.
    #[error("the address is not an absolute URL, such as http://host:8188")]
    Url,
    /// Neither `http` nor `https`.
    #[error("the address must begin with http:// or https://")]
    Scheme,
    /// `user:password@` in the URL.
    #[error("the address must not carry a user name")]
    Credentials,
    /// `?…` in the URL.
    #[error("the address must not carry a query")]
    Query,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expected: Result<&str, BaseUrlError>| {
            let parsed = text.parse::<BaseUrl>().map(|url| url.to_string());
            assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{text}");
        };
        check("http://a:8188", Ok("http://a:8188"));
        check(" http://a:8188/ ", Ok("http://a:8188"));
        check("https://a.example/comfy//", Ok("https://a.example/comfy"));
        check("http://[::1]:8188", Ok("http://[::1]:8188"));
        check("a:8188", Err(BaseUrlError::Url));
        check("/comfy", Err(BaseUrlError::Url));
        check("ftp://a", Err(BaseUrlError::Scheme));
        check("http://u:p@a", Err(BaseUrlError::Credentials));
        check("http://a:99999", Err(BaseUrlError::Url));
        check("http://a?x=1", Err(BaseUrlError::Query));
    }

    #[test]
    fn the_socket_of_a_client() {
        let socket = |base: &str| base.parse::<BaseUrl>().unwrap().socket("a&b");
        assert_eq!(socket("http://a:1"), "ws://a:1/ws?clientId=a%26b");
        assert_eq!(socket("https://a/x"), "wss://a/x/ws?clientId=a%26b");
    }
}
