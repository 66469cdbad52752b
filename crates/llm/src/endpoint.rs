//! Where a model is, and how to ask for it.

use http::{HeaderValue, Uri};
use std::{fmt, str::FromStr};

/// A model server, the key for it, and which of its models to ask.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The server.
    pub base_url: BaseUrl,
    /// The key, if the server wants one.
    pub api_key: Option<ApiKey>,
    /// The model's name there.
    pub model: String,
    /// How much it shall think, in the server's word for it; as it likes if `None`.
    pub reasoning_effort: Option<&'static str>,
    /// Whether it answers piece by piece. Of one that does not, the whole answer is one piece:
    /// nothing of it comes before the model is done.
    pub streams: bool,
}

impl Endpoint {
    /// An endpoint from texts as they stand in settings, which streams; an empty key is none.
    ///
    /// # Errors
    /// [`EndpointError`], which repeats neither the key nor the address.
    pub fn parse(base_url: &str, api_key: &str, model: &str) -> Result<Self, EndpointError> {
        let api_key = api_key.trim();
        Ok(Self {
            base_url: base_url.parse()?,
            api_key: (!api_key.is_empty()).then(|| api_key.parse()).transpose()?,
            model: model.to_owned(),
            reasoning_effort: None,
            streams: true,
        })
    }

    /// `text` without the key: servers repeat it in their complaints.
    pub(crate) fn without_key(&self, text: &str) -> String {
        match &self.api_key {
            Some(key) => text.replace(&key.0, "[key]"),
            None => text.to_owned(),
        }
    }
}

/// The address that a server's documentation calls its base URL, usually ending in `/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    path: String,
    query: String,
}

impl BaseUrl {
    /// The URI of `resource` (such as `chat/completions`) below the base. A query of the base,
    /// such as `?api-version=…`, stays at the end.
    pub(crate) fn join(&self, resource: &str) -> String {
        format!("{}{}/{resource}{}", self.origin, self.path, self.query)
    }
}

impl FromStr for BaseUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let uri: Uri = text.trim().parse().map_err(|_| EndpointError::Url)?;
        let scheme = uri.scheme_str().ok_or(EndpointError::Url)?;
        let authority = uri.authority().ok_or(EndpointError::Url)?;
        if !matches!(scheme, "http" | "https") {
            return Err(EndpointError::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        let host = authority.host();
        // A port that is no number below 65536 counts as none and stays in the text.
        let port_is_wrong = authority.as_str() != host && authority.port_u16().is_none();
        if host.is_empty() || port_is_wrong {
            return Err(EndpointError::Url);
        }
        let path = uri.path().trim_end_matches('/');
        // People paste the whole address from an example; the resource is added again later.
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            path: path.to_owned(),
            query: uri
                .query()
                .map_or_else(String::new, |query| format!("?{query}")),
        })
    }
}

/// A key as it goes into the `Authorization` header. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl FromStr for ApiKey {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Key);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(…)")
    }
}

/// Why a setting is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an absolute URL.
    #[error("the model server's base URL is not an absolute URL, such as https://host/v1")]
    Url,
    /// Neither `http` nor `https`.
    #[error("the model server's base URL must begin with http:// or https://")]
    Scheme,
    /// `user:password@` in the URL.
    #[error("the model server's base URL must not carry a user name; set the key instead")]
    Credentials,
    /// A key that cannot be sent in a header.
    #[error("the model server's key has characters that no key has")]
    Key,
}
