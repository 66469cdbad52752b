//! Who may see a preview: whoever has a pass for it.
//!
//! An *entry* stands in the address that the platform hands out and ends soon, because addresses
//! are seen and kept. It is exchanged for a *stay*, which is a cookie of the preview's own host.
//! Both are `EXPIRY.MAC`, where the MAC is over what it is for, so neither is good for another
//! port, another session or in the other's place.

use super::address::Target;
use crate::token::Token;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{fmt, time::Duration};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To come in by an address.
    Entry,
    /// To stay, by a cookie.
    Stay,
}

impl Kind {
    /// How long it is good.
    pub(crate) fn lasts(self) -> Duration {
        match self {
            Self::Entry => Duration::from_secs(5 * 60),
            Self::Stay => Duration::from_secs(3600),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Stay => "stay",
        }
    }
}

/// Makes and checks passes, with a key of its own that comes from the runner's token.
#[derive(Clone)]
pub(crate) struct Passes(Hmac<Sha256>);

impl Passes {
    pub(crate) fn new(token: &Token) -> Self {
        let mut derived = keyed(token.secret());
        derived.update(b"atelier previews");
        Self(keyed(&derived.finalize().into_bytes()))
    }

    /// A pass, at `now` in seconds since 1970.
    pub(crate) fn make(&self, kind: Kind, target: &Target, now: u64) -> String {
        let expires = now.saturating_add(kind.lasts().as_secs());
        let mac = self.mac(kind, target, expires).finalize().into_bytes();
        format!("{expires}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
    }

    /// Whether `pass` is good, in a time that does not tell how much of it was right.
    pub(crate) fn is_good(&self, kind: Kind, target: &Target, pass: &str, now: u64) -> bool {
        let Some((expires, mac)) = pass.split_once('.') else {
            return false;
        };
        let (Ok(expires), Ok(mac)) = (expires.parse(), BASE64_URL_SAFE_NO_PAD.decode(mac)) else {
            return false;
        };
        now < expires && self.mac(kind, target, expires).verify_slice(&mac).is_ok()
    }

    fn mac(&self, kind: Kind, target: &Target, expires: u64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("{} {} {expires}", kind.name(), target.label()).as_bytes());
        mac
    }
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passes(..)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_pass_is_good_for_one_thing_and_a_while() {
        let passes = Passes::new(&Token::parse("0123456789abcdef").unwrap());
        let others = Passes::new(&Token::parse("0123456789abcdeg").unwrap());
        let session = Uuid::from_u128(1);
        let target = Target {
            session,
            port: 3000,
        };
        let pass = passes.make(Kind::Entry, &target, 1000);
        let good = |passes: &Passes, kind, port, pass: &str, now| {
            passes.is_good(kind, &Target { session, port }, pass, now)
        };
        assert!(good(&passes, Kind::Entry, 3000, &pass, 1000));
        assert!(good(&passes, Kind::Entry, 3000, &pass, 1299));
        assert!(!good(&passes, Kind::Entry, 3000, &pass, 1300));
        assert!(!good(&passes, Kind::Stay, 3000, &pass, 1000));
        assert!(!good(&passes, Kind::Entry, 3001, &pass, 1000));
        assert!(!good(&others, Kind::Entry, 3000, &pass, 1000));
        let later = pass.replacen("1300", "9300", 1);
        assert!(!good(&passes, Kind::Entry, 3000, &later, 1000));
        for wrong in ["", ".", "1300", "1300.", "x.y", "99999999999999999999999.a"] {
            assert!(!good(&passes, Kind::Entry, 3000, wrong, 1000), "{wrong}");
        }
    }
}
