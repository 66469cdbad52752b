//! Who sends a request: the address that a host or a proxy of ours saw, and the program.
//!
//! Invariant: what a client wrote never becomes its address.

use crate::{
    bearer::same_secret,
    failure::Failure,
    networks::Networks,
    settings::{misread, variable},
};
use axum::extract::{FromRef, FromRequestParts};
use domain::Error;
use http::{HeaderMap, HeaderName, header, request::Parts};
use ports::Platform;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// What the host of a component says of its connection's other end. A client can send one as
/// well, which then comes first.
const PEER: HeaderName = HeaderName::from_static("spin-client-addr");

/// What the runner's front door says of its client; it counts only beside [`RUNNER_TOKEN`].
const FRONT_DOOR: HeaderName = HeaderName::from_static("x-atelier-client-addr");
const RUNNER_TOKEN: HeaderName = HeaderName::from_static("x-atelier-runner-token");

/// What proxies list, the nearest last.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The longest name of a program that is kept, in characters.
const USER_AGENT: usize = 256;

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address; nothing where the host does not say.
    pub address: Option<IpAddr>,
    /// What its program calls itself, at most 256 characters; may be empty.
    pub user_agent: String,
}

impl Client {
    /// Whether it is this very machine that asks.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.address.is_some_and(|address| address.is_loopback())
    }

    /// Who a limit counts: the address; of an IPv6 address the network, because one reader has
    /// all of its 2^64 addresses.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.address {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
            None => "unknown".to_owned(),
        }
    }
}

impl<S> FromRequestParts<S> for Client
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let platform = Platform::from_ref(state);
        Ok(Self {
            address: address(&platform, &parts.headers).await?,
            user_agent: user_agent(&parts.headers),
        })
    }
}

async fn address(platform: &Platform, headers: &HeaderMap) -> Result<Option<IpAddr>, Error> {
    if let Some(token) = last(headers, &RUNNER_TOKEN) {
        let expected = variable(platform, "runner_token").await?;
        if !expected.is_empty() && same_secret(token, &expected) {
            return Ok(last(headers, &FRONT_DOOR).and_then(parse));
        }
    }
    let peer = last(headers, &PEER)
        .and_then(|list| list.rsplit(',').next())
        .and_then(parse);
    let (Some(peer), true) = (peer, headers.contains_key(FORWARDED_FOR)) else {
        return Ok(peer);
    };
    let trusted = variable(platform, "trusted_proxies").await?;
    let trusted = Networks::parse(&trusted).map_err(|entry| {
        let reason = format!("`{}` is no address or network", entry.0);
        misread("trusted_proxies", &reason)
    })?;
    Ok(Some(nearest(peer, headers, &trusted)))
}

/// The peer's address, or, where that is a trusted proxy, the nearest listed one that is not.
fn nearest(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut nearest = peer;
    let lists = headers.get_all(FORWARDED_FOR).into_iter().rev();
    let mut hops = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b','));
    while trusted.contain(nearest) {
        let hop = hops.next().and_then(|hop| std::str::from_utf8(hop).ok());
        // Beyond a hop that cannot be read, nothing can be believed.
        match hop.and_then(parse) {
            Some(address) => nearest = address,
            None => break,
        }
    }
    nearest
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().map(|socket: SocketAddr| socket.ip()).ok();
    let address = text.parse::<IpAddr>().ok().or_else(with_port);
    address.map(|address| address.to_canonical())
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).into_iter().next_back()?.to_str().ok()
}

fn user_agent(headers: &HeaderMap) -> String {
    let given = headers.get(header::USER_AGENT);
    let given = given.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let given = given.as_deref().unwrap_or_default();
    let shown = given.chars().filter(|letter| !letter.is_control());
    shown.take(USER_AGENT).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use platform_native::MapVariables;

    const TOKEN: &str = "a-token-for-tests";

    async fn client(pairs: &[(&'static str, &str)]) -> Client {
        let variables: MapVariables = [
            ("runner_token", TOKEN),
            ("trusted_proxies", "10.0.0.0/8, fd00::/8"),
        ]
        .into_iter()
        .collect();
        let platform = platform_native::temporary(variables).unwrap();
        let mut request = http::Request::builder();
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Client::from_request_parts(&mut parts, &platform)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn addresses() {
        let check = async |pairs: &[(&'static str, &str)], expected: &str| {
            let found = client(pairs).await.address;
            let found = found.map(|address| address.to_string()).unwrap_or_default();
            assert_eq!(found, expected, "{pairs:?}");
        };
        let peer = ("spin-client-addr", "192.0.2.1:4711");
        let proxy = ("spin-client-addr", "10.0.0.1:4711");
        check(&[], "").await;
        check(&[peer], "192.0.2.1").await;
        check(&[("spin-client-addr", "[2001:db8::1]:4711")], "2001:db8::1").await;
        check(&[("spin-client-addr", "::ffff:192.0.2.1")], "192.0.2.1").await;
        // A client's own comes first, also where a proxy joins the two.
        check(&[("spin-client-addr", "1.1.1.1:1"), peer], "192.0.2.1").await;
        check(
            &[("spin-client-addr", "1.1.1.1:1, 192.0.2.1:2")],
            "192.0.2.1",
        )
        .await;
        check(&[("spin-client-addr", "nonsense")], "").await;
        // The front door's word, only with its token.
        let said = ("x-atelier-client-addr", "198.51.100.7");
        check(&[peer, said], "192.0.2.1").await;
        check(
            &[peer, said, ("x-atelier-runner-token", "guess")],
            "192.0.2.1",
        )
        .await;
        check(&[peer, said, ("x-atelier-runner-token", "")], "192.0.2.1").await;
        check(
            &[peer, said, ("x-atelier-runner-token", TOKEN)],
            "198.51.100.7",
        )
        .await;
        // A proxy's, only a trusted one's.
        let list = "x-forwarded-for";
        check(&[peer, (list, "1.1.1.1")], "192.0.2.1").await;
        check(&[proxy, (list, "1.1.1.1, 198.51.100.7")], "198.51.100.7").await;
        check(&[proxy, (list, "198.51.100.7,10.0.0.2")], "198.51.100.7").await;
        check(
            &[proxy, (list, "1.1.1.1"), (list, "198.51.100.7")],
            "198.51.100.7",
        )
        .await;
        check(&[proxy, (list, "1.1.1.1, nonsense, 10.0.0.3")], "10.0.0.3").await;
        check(&[proxy, (list, "")], "10.0.0.1").await;
    }

    #[tokio::test]
    async fn programs() {
        let named = client(&[("user-agent", "Mozilla/5.0 \u{9} (X11)")]).await;
        assert_eq!(named.user_agent, "Mozilla/5.0  (X11)");
        let long = client(&[("user-agent", &"x".repeat(1000))]).await;
        assert_eq!(long.user_agent.len(), 256);
        assert_eq!(client(&[]).await.user_agent, "");
    }

    #[test]
    fn who_a_limit_counts() {
        let check = |address: Option<&str>, expected: &str| {
            let client = Client {
                address: address.map(|address| address.parse().unwrap()),
                user_agent: String::new(),
            };
            assert_eq!(client.subject(), expected);
        };
        check(Some("192.0.2.1"), "192.0.2.1");
        check(Some("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        check(None, "unknown");
    }
}
