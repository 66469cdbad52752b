//! How many requests an address may send: a token bucket for each, in memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The span that a limit is given for. A bucket holds as much as it gets in this time.
const SPAN: Duration = Duration::from_secs(60);

/// The most addresses that are told apart.
const ADDRESSES: usize = 65_536;

/// How often buckets are looked through for full ones when there is no room.
const SWEEP: Duration = Duration::from_secs(1);

/// A limit for each address.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// How long one request's worth takes to come back.
    interval: Duration,
    buckets: Mutex<Buckets>,
}

/// When each bucket is full again (so one that is full needs no entry), and one bucket that all
/// addresses share for which there is no room.
#[derive(Debug)]
struct Buckets {
    full_at: HashMap<IpAddr, Instant>,
    most: usize,
    others_full_at: Instant,
    swept_at: Instant,
}

impl RateLimit {
    /// A limit of `per_minute` requests, or none for 0.
    pub(crate) fn per_minute(per_minute: u32, now: Instant) -> Option<Self> {
        Self::with_room(per_minute, ADDRESSES, now)
    }

    fn with_room(per_minute: u32, most: usize, now: Instant) -> Option<Self> {
        let interval = SPAN.checked_div(per_minute)?;
        let full_at = HashMap::new();
        let buckets = Buckets {
            full_at,
            most,
            others_full_at: now,
            swept_at: now,
        };
        Some(Self {
            interval,
            buckets: Mutex::new(buckets),
        })
    }

    /// Takes one request's worth out of the bucket of `address`.
    ///
    /// # Errors
    /// The bucket is empty; the error is how long until there is enough in it.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.of(network(address), now);
        let after = (*full_at).max(now) + self.interval;
        let missing = after.saturating_duration_since(now + SPAN);
        if missing.is_zero() {
            *full_at = after;
            Ok(())
        } else {
            Err(missing)
        }
    }
}

impl Buckets {
    fn of(&mut self, address: IpAddr, now: Instant) -> &mut Instant {
        let full = self.full_at.len() >= self.most && !self.full_at.contains_key(&address);
        if full && now.saturating_duration_since(self.swept_at) >= SWEEP {
            self.swept_at = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        if full && self.full_at.len() >= self.most {
            return &mut self.others_full_at;
        }
        self.full_at.entry(address).or_insert(now)
    }
}

/// What counts as one address: whoever has an IPv6 address has a /64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let start = Instant::now();
        let limit = RateLimit::per_minute(60, start).unwrap();
        let ada = address("10.0.0.1");
        for _ in 0..60 {
            assert_eq!(limit.take(ada, start), Ok(()));
        }
        assert_eq!(limit.take(ada, start), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(address("10.0.0.2"), start), Ok(()));
        let later = start + Duration::from_secs(2);
        assert_eq!(limit.take(ada, later), Ok(()));
        assert_eq!(limit.take(ada, later), Ok(()));
        assert_eq!(limit.take(ada, later), Err(Duration::from_secs(1)));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let start = Instant::now();
        let limit = RateLimit::per_minute(1, start).unwrap();
        assert!(limit.take(address("2001:db8::1"), start).is_ok());
        assert!(limit.take(address("2001:db8::ffff:1"), start).is_err());
        assert!(limit.take(address("2001:db8:0:1::1"), start).is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        assert!(RateLimit::per_minute(0, Instant::now()).is_none());
    }

    #[test]
    fn addresses_without_room_share_a_bucket() {
        let start = Instant::now();
        let limit = RateLimit::with_room(1, 2, start).unwrap();
        assert!(limit.take(address("10.0.0.1"), start).is_ok());
        assert!(limit.take(address("10.0.0.2"), start).is_ok());
        assert!(limit.take(address("10.0.0.3"), start).is_ok());
        assert!(limit.take(address("10.0.0.4"), start).is_err());
        let later = start + SPAN;
        assert!(
            limit.take(address("10.0.0.4"), later).is_ok(),
            "full buckets made room"
        );
        assert_eq!(limit.buckets.lock().unwrap().full_at.len(), 1);
    }
}
