//! Refresh tokens of the runtime contract. None is stored: a token is the login, its generation
//! and a keyed hash of both, so that the successor of a token is the same whoever computes it,
//! and a stolen database holds none.

use crate::Keys;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::Mac;
use uuid::Uuid;

/// How a token begins.
const PREFIX: &str = "rt_";

/// Login, generation, hash.
const BYTES: usize = 16 + 8 + 32;

/// `BYTES` in base64 without padding.
const TEXT_LENGTH: usize = (BYTES * 4).div_ceil(3);

/// A refresh token that we made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login that it refreshes.
    pub login: Uuid,
    /// How many tokens of the login came before it.
    pub generation: i64,
}

impl RefreshToken {
    /// The token's text.
    #[must_use]
    pub fn write(&self, keys: &Keys) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.login.as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        let mut keyed = keys.refresh.clone();
        keyed.update(&bytes);
        bytes.extend(keyed.finalize().into_bytes());
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The token of that text; `None` if we did not make it. The hash is compared in constant
    /// time.
    #[must_use]
    pub fn read(keys: &Keys, text: &str) -> Option<Self> {
        let encoded = text
            .strip_prefix(PREFIX)
            .filter(|encoded| encoded.len() == TEXT_LENGTH)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (login, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, hash) = rest.split_first_chunk::<8>()?;
        let mut keyed = keys.refresh.clone();
        keyed.update(login);
        keyed.update(generation);
        keyed.verify_slice(hash).ok()?;
        let generation = i64::from_be_bytes(*generation);
        (generation >= 0).then_some(Self {
            login: Uuid::from_bytes(*login),
            generation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(letter: &str) -> Keys {
        Keys::from_secret(&letter.repeat(32)).unwrap()
    }

    fn token(generation: i64) -> RefreshToken {
        RefreshToken {
            login: Uuid::from_bytes([7; 16]),
            generation,
        }
    }

    #[test]
    fn what_is_written_can_be_read_under_the_same_key_alone() {
        for generation in [0, 1, 255, 1 << 40, i64::MAX] {
            let text = token(generation).write(&keys("x"));
            assert_eq!(text.len(), 78);
            assert_eq!(
                RefreshToken::read(&keys("x"), &text),
                Some(token(generation))
            );
            assert_eq!(RefreshToken::read(&keys("y"), &text), None);
        }
    }

    #[test]
    fn no_generation_is_negative() {
        let text = token(-1).write(&keys("x"));
        assert_eq!(RefreshToken::read(&keys("x"), &text), None);
    }

    #[test]
    fn what_is_no_token() {
        let whole = token(3).write(&keys("x"));
        let encoded = &whole[PREFIX.len()..];
        for text in [
            "",
            "rt_",
            encoded,
            &format!("RT_{encoded}"),
            &format!(" {whole}"),
            &format!("{whole}="),
            &format!("{whole}A"),
            &whole[..whole.len() - 1],
            &"rt_".repeat(1_000_000),
            &format!("rt_{}", "明".repeat(25)),
        ] {
            assert_eq!(RefreshToken::read(&keys("x"), text), None);
        }
    }

    proptest! {
        #[test]
        fn every_changed_letter_is_noticed(at in 0_usize..78, with in "[A-Za-z0-9_-]") {
            let whole = token(3).write(&keys("x"));
            let mut changed = whole.clone();
            changed.replace_range(at..=at, &with);
            let read = RefreshToken::read(&keys("x"), &changed);
            prop_assert_eq!(read.is_some(), changed == whole);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,100}", bytes in "rt_[A-Za-z0-9_-]{75}") {
            let keys = keys("x");
            prop_assert_eq!(RefreshToken::read(&keys, &text), None);
            prop_assert_eq!(RefreshToken::read(&keys, &bytes), None);
        }
    }
}
