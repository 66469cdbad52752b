//! What of a message's head goes on, and what the front door says itself.

use super::{client, request_id};
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::IpAddr;

/// Carries the client's address to the edge. It counts only beside [`RUNNER_TOKEN`].
pub(crate) const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("x-atelier-client-addr");

/// Proves to the edge that the front door speaks.
pub(crate) const RUNNER_TOKEN: HeaderName = HeaderName::from_static("x-atelier-runner-token");

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const HTTP: HeaderValue = HeaderValue::from_static("http");

/// Headers that are about one connection only. `Expect` was answered by our own server.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// What the front door says to the edge about a request.
pub(crate) struct Introduction<'a> {
    /// The connection's other end.
    pub(crate) peer: IpAddr,
    /// Whether that is a proxy whose word counts.
    pub(crate) trusted: bool,
    /// Who sends the request.
    pub(crate) client: IpAddr,
    /// The authority of an absolute request target, which counts more than `Host`.
    pub(crate) authority: Option<&'a str>,
    /// The number of the request.
    pub(crate) id: &'a HeaderValue,
    /// The runner's token.
    pub(crate) token: &'a HeaderValue,
    /// The edge's host and port.
    pub(crate) edge: &'a HeaderValue,
}

/// Turns the headers of a client into those for the edge.
pub(crate) fn introduce(headers: &mut HeaderMap, with: &Introduction<'_>) {
    strip_hop_by_hop(headers);
    strip_ours(headers);
    append_forwarded_for(headers, with.peer);
    let host = headers.insert(header::HOST, with.edge.clone());
    let host = with
        .authority
        .and_then(|name| HeaderValue::from_str(name).ok())
        .or(host);
    if !with.trusted || !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HTTP);
    }
    if !with.trusted || !headers.contains_key(FORWARDED_HOST) {
        match host {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
    if let Ok(client) = HeaderValue::try_from(with.client.to_string()) {
        headers.insert(CLIENT_ADDRESS, client);
        headers.insert(RUNNER_TOKEN, with.token.clone());
    }
    headers.insert(request_id::HEADER, with.id.clone());
}

/// Turns the headers of the edge's answer into those for the client.
pub(crate) fn pass_back(headers: &mut HeaderMap, id: &HeaderValue) {
    strip_hop_by_hop(headers);
    strip_ours(headers);
    headers.insert(request_id::HEADER, id.clone());
}

/// Whether the body is coded in another way than in plain chunks, which would be lost.
pub(crate) fn has_foreign_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    codings.any(|coding| {
        !coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    })
}

/// Removes what is about one connection only, and what the connection says is.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .into_iter()
            .flat_map(|list| list.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes what only the front door, the edge's host or the runner may say.
fn strip_ours(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_ours(name.as_str()))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// `x-atelier-*` and `spin-*`, also written with underscores, which some servers take for
/// hyphens; and `Forwarded`, which nobody here keeps up to date.
fn is_ours(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.len() >= prefix.len()
            && name
                .bytes()
                .zip(prefix.bytes())
                .all(|(a, b)| a == b || (a == b'_' && b == b'-'))
    };
    begins("x-atelier-") || begins("spin-") || name == "forwarded"
}

fn append_forwarded_for(headers: &mut HeaderMap, peer: IpAddr) {
    let mut list = BytesMut::new();
    for hops in headers.get_all(client::FORWARDED_FOR) {
        list.extend_from_slice(hops.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.to_string().as_bytes());
    if let Ok(value) = HeaderValue::from_maybe_shared(list.freeze()) {
        headers.insert(client::FORWARDED_FOR, value);
    }
}
