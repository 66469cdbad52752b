//! What the host adds to a request before the guest sees it.

use super::exchange::REQUEST_ID;
use crate::manifest::Match;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, header,
    uri::{Authority, Scheme},
};
use std::{
    fmt::Write,
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Letters of a request id from outside.
const ID_LETTERS: usize = 64;

const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const RAW_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const ROUTE: HeaderName = HeaderName::from_static("spin-component-route");

/// The request's id, from outside if it is a sane one, else a new one; the request carries it
/// afterwards.
pub(super) fn request_id(headers: &mut HeaderMap) -> HeaderValue {
    let sane = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        (1..=ID_LETTERS).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    if let Some(id) = headers.get(REQUEST_ID).filter(sane) {
        return id.clone();
    }
    let id = new_id();
    headers.insert(REQUEST_ID, id.clone());
    id
}

/// Unique within this host and most likely beyond it; it is no secret.
fn new_id() -> HeaderValue {
    static HOST: OnceLock<u32> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let host = HOST.get_or_init(|| {
        let mut bytes = [0; 4];
        ports::Random::fill(&platform_native::OsRandom, &mut bytes);
        u32::from_le_bytes(bytes)
    });
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut id = String::with_capacity(16);
    // Writing to a string does not fail.
    let _infallible = write!(id, "{host:08x}{number:08x}");
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("0"))
}

/// Makes the URI absolute and sets what Spin tells a component. What a client sent under these
/// names is replaced.
pub(super) fn complete<B>(
    request: &mut Request<B>,
    found: &Match<'_, '_>,
    peer: SocketAddr,
) -> Result<(), &'static str> {
    make_absolute(request)?;
    let peer = HeaderValue::try_from(peer.to_string()).map_err(|_| "The peer has no address.")?;
    let full = HeaderValue::try_from(request.uri().to_string()).map_err(|_| MALFORMED)?;
    let rest = HeaderValue::try_from(found.rest).map_err(|_| MALFORMED)?;
    let headers = request.headers_mut();
    headers.insert(CLIENT_ADDRESS, peer);
    headers.insert(FULL_URL, full);
    headers.insert(PATH_INFO, rest);
    headers.insert(RAW_ROUTE, found.route.text_value.clone());
    headers.insert(ROUTE, found.route.base_value.clone());
    Ok(())
}

const MALFORMED: &str = "The request's URI is malformed.";

fn make_absolute<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    if request.uri().authority().is_some() {
        return Ok(());
    }
    let host = request.headers().get(header::HOST);
    let host = host.ok_or("The request names no host.")?;
    let authority = Authority::from_maybe_shared(bytes::Bytes::copy_from_slice(host.as_bytes()))
        .map_err(|_| "The request's host is malformed.")?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| MALFORMED)?;
    Ok(())
}
