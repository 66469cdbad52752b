//! The keys, all from one secret.

use hmac::{Hmac, KeyInit, Mac};
use jwt_compact::alg::Hs256Key;
use sha2::Sha256;
use std::fmt;

/// The least bytes of the operator's secret: as many as a key has.
pub(crate) const SECRET_MIN_BYTES: usize = 32;

/// A keyed hash, ready for its message.
pub(crate) type Keyed = Hmac<Sha256>;

/// One key per use, so that what is made for one can never pass for another. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    pub(crate) access: Hs256Key,
    pub(crate) refresh: Keyed,
    pub(crate) codes: Keyed,
    pub(crate) files: Keyed,
}

/// The secret does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret must have at least {SECRET_MIN_BYTES} bytes")]
pub struct KeyError;

impl Keys {
    /// The keys of `jwt_secret`, the operator's variable of that name.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn from_secret(jwt_secret: &str) -> Result<Self, KeyError> {
        if jwt_secret.len() < SECRET_MIN_BYTES {
            return Err(KeyError);
        }
        let secret = keyed(jwt_secret.as_bytes())?;
        Ok(Self {
            access: Hs256Key::new(derive(&secret, "atelier access tokens 1")),
            refresh: keyed(&derive(&secret, "atelier refresh tokens 1"))?,
            codes: keyed(&derive(&secret, "atelier codes 1"))?,
            files: keyed(&derive(&secret, "atelier file addresses 1"))?,
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// HMAC takes a key of any length; that it might not is a matter of its type alone.
pub(crate) fn keyed(key: &[u8]) -> Result<Keyed, KeyError> {
    Keyed::new_from_slice(key).map_err(|_| KeyError)
}

pub(crate) fn derive(secret: &Keyed, label: &str) -> [u8; 32] {
    let mut keyed = secret.clone();
    keyed.update(label.as_bytes());
    keyed.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(Keys::from_secret("").err(), Some(KeyError));
        assert_eq!(Keys::from_secret(&"x".repeat(31)).err(), Some(KeyError));
        assert!(Keys::from_secret(&"x".repeat(32)).is_ok());
    }

    #[test]
    fn each_use_and_each_secret_has_a_key_of_its_own() {
        let all = |secret: &str| {
            let keys = Keys::from_secret(secret).unwrap();
            let hash = |keyed: &Keyed| keyed.clone().finalize().into_bytes().to_vec();
            [
                keys.access.as_ref().to_vec(),
                hash(&keys.refresh),
                hash(&keys.codes),
                hash(&keys.files),
            ]
        };
        let mut keys = Vec::new();
        keys.extend(all(&"x".repeat(32)));
        keys.extend(all(&"y".repeat(32)));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 8);
        assert_eq!(all(&"x".repeat(32)), all(&"x".repeat(32)));
    }

    #[test]
    fn the_keys_do_not_show_themselves() {
        let keys = Keys::from_secret(&"secret".repeat(6)).unwrap();
        assert_eq!(format!("{keys:?}"), "Keys(…)");
    }
}
