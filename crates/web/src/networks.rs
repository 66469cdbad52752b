//! Networks of proxies that the operator trusts.

use std::net::IpAddr;

/// Addresses and networks, as an operator lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<(u128, u32)>);

/// An entry that is neither address nor network.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoNetwork(pub(crate) String);

impl Networks {
    /// Reads a comma-separated list of `address` and `address/bits`.
    pub(crate) fn parse(list: &str) -> Result<Self, NoNetwork> {
        let entries = list.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries
            .map(|entry| network(entry).ok_or_else(|| NoNetwork(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `address` is in one of them.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = number(address);
        self.0
            .iter()
            .any(|(network, bits)| (address ^ network) & mask(*bits) == 0)
    }
}

fn network(entry: &str) -> Option<(u128, u32)> {
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = match bits {
        Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
        None => most,
    };
    (bits <= most).then(|| (number(address), bits + 128 - most))
}

/// An address as IPv6 writes it, so that one comparison serves both.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn who_is_inside() {
        let check = |list: &str, address: &str, inside: bool| {
            let networks = Networks::parse(list).unwrap();
            let found = networks.contain(address.parse().unwrap());
            assert_eq!(found, inside, "{list} {address}");
        };
        check("", "127.0.0.1", false);
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3/8", "10.9.9.9", true);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        check("fd00::/8, 10.0.0.0/8", "fd12::1", true);
        check("fd00::/8, 10.0.0.0/8", "10.0.0.1", true);
        check("fd00::/8", "10.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("::/0", "10.0.0.1", true);
        check("0.0.0.0/0", "2001:db8::1", false);
    }

    #[test]
    fn what_is_no_network() {
        for list in ["x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129"] {
            assert_eq!(Networks::parse(list), Err(NoNetwork(list.to_owned())));
        }
    }
}
