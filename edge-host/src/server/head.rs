//! What the host adds to a request before the guest sees it.

use super::exchange::REQUEST_ID;
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

/// How Spin's headers to a component begin.
const SPIN: &str = "spin-";

const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");

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

/// What a component is told of a connection's other end.
pub(super) fn peer(address: SocketAddr) -> HeaderValue {
    // The text of an address has only letters that a header may have.
    HeaderValue::try_from(address.to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// Makes the URI absolute and says who asks. Of Spin's headers to a component, this is the one
/// that our components read: each header that crosses into a guest costs a call into it.
/// Whatever a client sent under Spin's names is removed.
pub(super) fn complete<B>(
    request: &mut Request<B>,
    peer: &HeaderValue,
) -> Result<(), &'static str> {
    make_absolute(request)?;
    let headers = request.headers_mut();
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(SPIN))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
    headers.insert(CLIENT_ADDRESS, peer.clone());
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
