//! How much of something one address may have at a time.

use crate::{
    front_door,
    places::{Place, Places},
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// What each address has of something.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// Nothing where there is no limit.
    places: Option<Arc<Places<IpAddr>>>,
    proxies: Vec<IpNet>,
}

/// The address has as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Addresses {
    /// So many for each, 0 for no limit. `proxies` come for many, and are not counted.
    pub(crate) fn new(of_each: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            places: (of_each > 0).then(|| Places::new(of_each, usize::MAX)),
            proxies,
        }
    }

    /// Takes a place for `address`; whoever is not counted needs none. This machine is not: what
    /// comes from it has passed a proxy, or is the operator's own.
    pub(crate) fn take(&self, address: IpAddr) -> Result<Option<Place<IpAddr>>, TooMany> {
        let counted = !address.is_loopback() && !front_door::is_trusted(address, &self.proxies);
        match &self.places {
            Some(places) if counted => {
                let place = places.take(front_door::network(address));
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

    fn take(addresses: &Addresses, address: &str) -> Result<Option<Place<IpAddr>>, TooMany> {
        addresses.take(address.parse().unwrap())
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
        for address in ["127.0.0.1", "127.0.0.9", "::1", "10.1.2.3"] {
            for _ in 0..3 {
                assert!(matches!(take(&addresses, address), Ok(None)), "{address}");
            }
        }
        let unlimited = Addresses::new(0, Vec::new());
        assert!(matches!(take(&unlimited, "192.0.2.1"), Ok(None)));
    }
}
