//! Secrets that the database keeps and that are needed again in clear: keys of other servers.
//!
//! Sealed is encrypted and authenticated (XChaCha20-Poly1305), under a key of the operator's, and
//! bound to its place: moved to another row or column, or changed in a bit, it does not open.
//! Nonces are random, 24 bytes: so long that they do not repeat.

use crate::keys::{KeyError, SECRET_MIN_BYTES, derive, keyed};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use domain::Sealed;
use std::fmt;
use uuid::Uuid;

/// How many random bytes sealing takes.
pub const NONCE_BYTES: usize = 24;

/// How what is sealed in this way begins.
const VERSION: &str = "1.";

/// The keys of the operator's secrets: the one that seals, and one before it that still opens.
#[derive(Clone)]
pub struct SealingKeys {
    current: XChaCha20Poly1305,
    previous: Option<XChaCha20Poly1305>,
}

/// Where a sealed secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Table and column.
    pub column: &'static str,
    /// The row.
    pub row: Uuid,
}

/// A secret in clear. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    text: String,
    /// Whether the key before the current one had to open it: seal it again.
    pub is_stale: bool,
}

/// It was sealed under another key or for another place, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is sealed does not open: under another key, in another place, or damaged")]
pub struct OpenError;

/// It could not be sealed: it is too long for the cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be sealed")]
pub struct SealError;

impl SealingKeys {
    /// The keys of `secret` and of the one before it, which is empty where there was none.
    ///
    /// # Errors
    /// When one has fewer than 32 bytes.
    pub fn from_secrets(secret: &str, previous: &str) -> Result<Self, KeyError> {
        let previous = match previous {
            "" => None,
            previous => Some(cipher(previous)?),
        };
        Ok(Self {
            current: cipher(secret)?,
            previous,
        })
    }

    /// Seals `text` for `place`. No two calls may have the same `nonce`.
    ///
    /// # Errors
    /// When the text is longer than the cipher takes: 256 GiB.
    pub fn seal(
        &self,
        place: Place,
        text: &str,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Sealed, SealError> {
        let bound = place.bytes();
        let payload = Payload {
            msg: text.as_bytes(),
            aad: &bound,
        };
        let encrypted = self.current.encrypt(&XNonce::from(nonce), payload);
        let whole = [nonce.to_vec(), encrypted.map_err(|_| SealError)?].concat();
        let text = BASE64_URL_SAFE_NO_PAD.encode(whole);
        Ok(Sealed(format!("{VERSION}{text}")))
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// When neither key opens it there.
    pub fn open(&self, place: Place, sealed: &Sealed) -> Result<Opened, OpenError> {
        let text = sealed.0.strip_prefix(VERSION).ok_or(OpenError)?;
        let whole = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError)?;
        let (nonce, encrypted) = whole.split_first_chunk().ok_or(OpenError)?;
        let open = |cipher: &XChaCha20Poly1305, is_stale| {
            let bound = place.bytes();
            let payload = Payload {
                msg: encrypted,
                aad: &bound,
            };
            let nonce: [u8; NONCE_BYTES] = *nonce;
            let clear = cipher.decrypt(&XNonce::from(nonce), payload).ok()?;
            let text = String::from_utf8(clear).ok()?;
            Some(Opened { text, is_stale })
        };
        open(&self.current, false)
            .or_else(|| open(self.previous.as_ref()?, true))
            .ok_or(OpenError)
    }
}

impl Place {
    fn bytes(self) -> Vec<u8> {
        [self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

impl Opened {
    /// The secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(…)")
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys(…)")
    }
}

fn cipher(secret: &str) -> Result<XChaCha20Poly1305, KeyError> {
    if secret.len() < SECRET_MIN_BYTES {
        return Err(KeyError);
    }
    let key = derive(&keyed(secret.as_bytes())?, "atelier sealed data 1");
    Ok(XChaCha20Poly1305::new(&key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-sentinel-0123456789";

    fn keys(letter: &str, previous: &str) -> SealingKeys {
        SealingKeys::from_secrets(&letter.repeat(32), &previous.repeat(32)).unwrap()
    }

    fn place(row: u128) -> Place {
        Place {
            column: "providers.api_key",
            row: Uuid::from_u128(row),
        }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let keys = keys("a", "");
        let sealed = keys.seal(place(1), KEY, [7; NONCE_BYTES]).unwrap();
        let opened = keys.open(place(1), &sealed).unwrap();
        assert_eq!((opened.as_str(), opened.is_stale), (KEY, false));
        assert_eq!(keys.open(place(2), &sealed), Err(OpenError));
        let other_column = Place {
            column: "services.api_key",
            ..place(1)
        };
        assert_eq!(keys.open(other_column, &sealed), Err(OpenError));
        assert!(!sealed.0.contains("sentinel"));
        assert!(keys.seal(place(1), "", [8; NONCE_BYTES]).is_ok());
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let keys = keys("a", "");
        let sealed = keys.seal(place(1), KEY, [7; NONCE_BYTES]).unwrap();
        let body = sealed.0.strip_prefix(VERSION).unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(body).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let text = format!("1.{}", BASE64_URL_SAFE_NO_PAD.encode(&changed));
            assert_eq!(keys.open(place(1), &Sealed(text)), Err(OpenError), "{at}");
        }
        for length in 0..bytes.len() {
            let text = format!("1.{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes[..length]));
            assert_eq!(
                keys.open(place(1), &Sealed(text)),
                Err(OpenError),
                "{length}"
            );
        }
        for text in [
            "",
            "1.",
            KEY,
            body,
            &format!("2.{body}"),
            &format!("1.{body}="),
        ] {
            let sealed = Sealed(text.to_owned());
            assert_eq!(keys.open(place(1), &sealed), Err(OpenError), "{text}");
        }
    }

    #[test]
    fn the_key_before_opens_and_says_so() {
        let sealed = keys("a", "").seal(place(1), KEY, [7; NONCE_BYTES]).unwrap();
        assert_eq!(keys("b", "").open(place(1), &sealed), Err(OpenError));
        assert_eq!(keys("b", "c").open(place(1), &sealed), Err(OpenError));
        let opened = keys("b", "a").open(place(1), &sealed).unwrap();
        assert_eq!((opened.as_str(), opened.is_stale), (KEY, true));
        let anew = keys("b", "a")
            .seal(place(1), KEY, [8; NONCE_BYTES])
            .unwrap();
        assert!(!keys("b", "").open(place(1), &anew).unwrap().is_stale);
    }

    #[test]
    fn the_nonce_is_used() {
        let seal = |nonce| keys("a", "").seal(place(1), KEY, [nonce; NONCE_BYTES]);
        assert_ne!(seal(1), seal(2));
    }

    #[test]
    fn short_secrets_are_refused_and_nothing_shows_itself() {
        let long = "x".repeat(32);
        for (secret, previous) in [("", ""), ("short", ""), (&long, "short")] {
            assert!(SealingKeys::from_secrets(secret, previous).is_err());
        }
        let keys = keys("a", "b");
        let sealed = keys.seal(place(1), KEY, [7; NONCE_BYTES]).unwrap();
        let opened = keys.open(place(1), &sealed);
        let shown = format!("{keys:?} {sealed:?} {opened:?}");
        assert_eq!(shown, "SealingKeys(…) Sealed(…) Ok(Opened(…))");
    }
}
