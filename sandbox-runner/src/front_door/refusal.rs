//! The answers that the front door gives itself.

use crate::sockets;
use bytes::Bytes;
use contracts::{Contract, PROBLEM_JSON, Problem};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::time::Duration;

/// Why a request was not passed on, or has no answer of the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing for strangers is there.
    NotFound,
    /// The method makes no sense for a front door (`CONNECT`).
    Method,
    /// The request target is no path.
    Target,
    /// The body is coded in a way that is not understood.
    Coding,
    /// The body is larger than allowed.
    TooLarge,
    /// The body stopped coming.
    BodyTimeout,
    /// The client broke its own request off.
    BodyBroken,
    /// The address sent too many requests; how long until the next is taken.
    TooMany(Duration),
    /// As many requests of the address are being answered as may be.
    TooManyAtOnce,
    /// No connection to the edge.
    EdgeDown,
    /// The edge broke off before its answer began.
    EdgeBroke,
    /// The edge's answer did not begin in time.
    EdgeTimeout,
    /// A page of another site asks.
    Origin,
    /// What is there is a WebSocket, of the one version that there is.
    Upgrade,
    /// The opening of a WebSocket is malformed.
    Handshake,
    /// The room, or the user, has as many readers as are allowed.
    TooManyReaders,
    /// No more sockets can be held.
    NoPlace,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Target | Self::Coding | Self::BodyBroken | Self::Handshake => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany(_) | Self::TooManyAtOnce => StatusCode::TOO_MANY_REQUESTS,
            Self::EdgeDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::EdgeBroke => StatusCode::BAD_GATEWAY,
            Self::EdgeTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Self::TooManyReaders => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPlace => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::NotFound => "There is nothing at this path.",
            Self::Method => "CONNECT is not served here.",
            Self::Target => "The request target must be a path.",
            Self::Coding => "The only transfer coding that is understood is chunked.",
            Self::TooLarge => "The request's body is too large.",
            Self::BodyTimeout => "The request's body stopped arriving.",
            Self::BodyBroken => "The request's body is malformed or broke off.",
            Self::TooMany(_) => "Too many requests from this address.",
            Self::TooManyAtOnce => "Too many requests of this address are being answered already.",
            Self::EdgeDown => "The service is starting or down. Try again in a moment.",
            Self::EdgeBroke => "The service broke off before it answered.",
            Self::EdgeTimeout => "The service did not answer in time.",
            Self::Origin => "Pages of other sites may not do this.",
            Self::Upgrade => "This is a WebSocket of version 13: ask for an upgrade.",
            Self::Handshake => "The WebSocket's opening is malformed.",
            Self::TooManyReaders => "Too many sockets are open already. Close one first.",
            Self::NoPlace => "No more sockets can be opened. Try again in a moment.",
        }
    }

    /// The answer to a request for `path`.
    pub(crate) fn answer(self, path: &str, id: &HeaderValue) -> Response<Bytes> {
        let status = self.status();
        let contract = Contract::of_path(path);
        let mut problem = Problem::new(contract, status.as_u16(), self.detail(), path);
        problem.request_id = id.to_str().ok().map(str::to_owned);
        let mut response = Response::new(Bytes::from(
            // A problem is text and numbers: writing it cannot fail.
            serde_json::to_vec(&problem).unwrap_or_default(),
        ));
        *response.status_mut() = status;
        self.head(response.headers_mut());
        response
    }

    fn head(self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match self {
            Self::TooMany(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
            }
            Self::TooManyAtOnce | Self::EdgeDown | Self::NoPlace => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::TooManyReaders => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::Upgrade => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::SEC_WEBSOCKET_VERSION, sockets::VERSION);
            }
            Self::Method => {
                const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
                headers.insert(header::ALLOW, HeaderValue::from_static(ALLOWED));
            }
            // What is left of the body is not read.
            Self::TooLarge | Self::BodyTimeout | Self::BodyBroken | Self::Coding => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::NotFound
            | Self::Target
            | Self::EdgeBroke
            | Self::EdgeTimeout
            | Self::Origin
            | Self::Handshake => {}
        }
    }
}
