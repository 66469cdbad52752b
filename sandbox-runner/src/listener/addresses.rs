//! How many connections one address may have.

use crate::{
    front_door,
    places::{Place, Places},
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// The connections of each address.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Nothing where there is no limit.
    places: Option<Arc<Places<IpAddr>>>,
    proxies: Vec<IpNet>,
}

/// The address has as many connections as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Addresses {
    /// So many for each, 0 for no limit. `proxies` come for many, and are not counted.
    pub(super) fn new(of_each: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            places: (of_each > 0).then(|| Places::new(of_each, usize::MAX)),
            proxies,
        }
    }

    /// Takes a place for a connection from `peer`; whoever is not counted needs none. This machine
    /// is not: what comes from it has passed a proxy, or is the operator's own.
    pub(super) fn take(&self, peer: IpAddr) -> Result<Option<Place<IpAddr>>, TooMany> {
        let counted = !peer.is_loopback() && !front_door::is_trusted(peer, &self.proxies);
        match &self.places {
            Some(places) if counted => {
                let place = places.take(front_door::network(peer));
                place.map(Some).ok_or(TooMany)
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn take(addresses: &Addresses, peer: &str) -> Result<Option<Place<IpAddr>>, TooMany> {
        addresses.take(peer.parse().unwrap())
    }

    #[test]
    fn each_address_has_its_own() {
        let addresses = Addresses::new(2, Vec::new());
        let first = take(&addresses, "192.0.2.1").unwrap();
        let _second = take(&addresses, "192.0.2.1").unwrap();
        assert!(first.is_some());
        assert_eq!(take(&addresses, "192.0.2.1").err(), Some(TooMany));
        assert!(take(&addresses, "192.0.2.2").is_ok());
        drop(first);
        assert!(take(&addresses, "192.0.2.1").is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let addresses = Addresses::new(1, Vec::new());
        let _first = take(&addresses, "2001:db8::1").unwrap();
        assert!(take(&addresses, "2001:db8::ffff:1").is_err());
        assert!(take(&addresses, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn who_is_not_counted() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let addresses = Addresses::new(1, proxies);
        for peer in ["127.0.0.1", "127.0.0.9", "::1", "10.1.2.3"] {
            for _ in 0..3 {
                assert!(matches!(take(&addresses, peer), Ok(None)), "{peer}");
            }
        }
        let unlimited = Addresses::new(0, Vec::new());
        assert!(matches!(take(&unlimited, "192.0.2.1"), Ok(None)));
    }
}
