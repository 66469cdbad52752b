//! The opening of a WebSocket (RFC 6455, 4.2), checked before anybody is asked anything.

use crate::front_door::Refusal;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, header, request::Parts,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The version of the protocol.
pub(crate) const VERSION: HeaderValue = HeaderValue::from_static("13");

/// The longest name of a subprotocol that is given back.
const PROTOCOL: usize = 64;

/// A sound opening.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: String,
    protocol: Option<HeaderValue>,
}

impl Handshake {
    /// Checks a request.
    ///
    /// # Errors
    /// It asks for no upgrade, for another version, or has no sound key.
    pub(super) fn check(parts: &Parts) -> Result<Self, Refusal> {
        let headers = &parts.headers;
        let asks = lists(headers, &header::CONNECTION, "upgrade")
            && lists(headers, &header::UPGRADE, "websocket");
        if !asks || parts.version != Version::HTTP_11 {
            return Err(Refusal::Upgrade);
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(Refusal::Upgrade);
        }
        let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return Err(Refusal::Handshake);
        };
        if !is_key(key.as_bytes()) {
            return Err(Refusal::Handshake);
        }
        Ok(Self {
            accept: derive_accept_key(key.as_bytes()),
            protocol: protocol(headers),
        })
    }

    /// The answer that opens the socket.
    pub(super) fn answer(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

/// Whether a header that is a list has `wanted`.
fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let mut items = headers
        .get_all(name)
        .iter()
        .flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    items.any(|item| item.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==")
        .is_some_and(|digits| digits.len() == 22 && digits.iter().all(letter))
}

/// The first subprotocol that the client offers: none changes anything here, but a browser that
/// offered some and gets none gives up.
fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.as_bytes();
    let first = offered.split(|byte| *byte == b',').next()?.trim_ascii();
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let sound = (1..=PROTOCOL).contains(&first.len()) && first.iter().all(letter);
    sound.then(|| HeaderValue::from_bytes(first).ok())?
}
