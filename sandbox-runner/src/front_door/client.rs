//! Who a request comes from.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::IpAddr;

/// The header in which proxies list whom they got a request from, the nearest last.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from: the peer's, or, where that is a trusted proxy, the
/// nearest one in `X-Forwarded-For` that is not.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    if !is_trusted(nearest, trusted) {
        return nearest;
    }
    let lists = headers.get_all(FORWARDED_FOR).into_iter().rev();
    for hop in lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b',')) {
        let text = std::str::from_utf8(hop).map(str::trim).unwrap_or_default();
        // Beyond a hop that cannot be read, nothing can be believed.
        let Ok(address) = text.parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
        if !is_trusted(nearest, trusted) {
            break;
        }
    }
    nearest
}

/// Whether `address` belongs to a proxy of the operator.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_nearest_address_that_is_not_ours() {
        let trusted: [IpNet; 2] = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let check = |peer: &str, lists: &[&'static str], expected: &str| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            let found = address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {lists:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check(
            "10.0.0.1",
            &["1.2.3.4, 198.51.100.7,10.0.0.2"],
            "198.51.100.7",
        );
        check("10.0.0.1", &["1.2.3.4", "198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.2.3.4, nonsense, 10.0.0.3"], "10.0.0.3");
        check("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
        check("fd00::1", &["2001:db8::1"], "2001:db8::1");
        check("10.0.0.1", &["10.0.0.9, 10.0.0.8"], "10.0.0.9");
    }
}
