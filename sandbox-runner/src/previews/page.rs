//! What a visitor sees where there is no preview to see.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::io;

/// Why there is no preview to see.
#[derive(Debug)]
pub(super) enum Fault {
    /// The host names no preview, or the port is none that may be seen.
    NoSuchPreview,
    /// The visitor has no pass, or one that ended.
    Closed,
    /// There are too many connections into the sandbox, or into all of them.
    TooMany,
    /// The session has no sandbox that runs.
    NoSandbox,
    /// Nothing listens at the port.
    NothingListens,
    /// The server in the sandbox does not speak HTTP, or broke off.
    Broken,
    /// It said nothing for too long.
    Silent,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NoSandbox,
            io::ErrorKind::ConnectionRefused => Self::NothingListens,
            io::ErrorKind::TimedOut => Self::Silent,
            _ => {
                tracing::warn!(%error, "cannot reach into a sandbox");
                Self::Broken
            }
        }
    }
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPreview | Self::NoSandbox => StatusCode::NOT_FOUND,
            Self::Closed => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::SERVICE_UNAVAILABLE,
            Self::NothingListens | Self::Broken => StatusCode::BAD_GATEWAY,
            Self::Silent => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::NoSuchPreview => "There is no preview at this address.",
            Self::Closed => {
                "This preview is open only to those who may see its session. Its address is good \
                 for a short while: open it again from the platform."
            }
            Self::TooMany => "Too many connections are open. Try again in a moment.",
            Self::NoSandbox => "The session's sandbox is not running.",
            Self::NothingListens => "Nothing listens at this port in the sandbox yet.",
            Self::Broken => "The server in the sandbox did not give an answer.",
            Self::Silent => "The server in the sandbox did not answer in time.",
        }
    }

    /// The answer: a page for people, a problem for programs.
    pub(super) fn answer(&self, page: bool) -> Response<Bytes> {
        let status = self.status();
        let detail = self.detail();
        let body = if page {
            // What is not there yet may be in a moment.
            let again = match self {
                Self::NothingListens => "<meta http-equiv=refresh content=2>",
                _ => "",
            };
            let title = status.canonical_reason().unwrap_or_default();
            format!(
                "<!doctype html><html lang=en><meta charset=utf-8>{again}<title>{title}</title>\
                 <body style=\"font:16px system-ui;margin:3em\"><p>{detail}</p></body></html>"
            )
        } else {
            serde_json::json!({
                "type": "about:blank",
                "title": status.canonical_reason(),
                "status": status.as_u16(),
                "detail": detail,
            })
            .to_string()
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let kind = if page {
            "text/html; charset=utf-8"
        } else {
            contracts::PROBLEM_JSON
        };
        for (name, value) in [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Whether a browser asks, for a page.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
