//! API keys: `atl_` and 32 random bytes. They are as hard to guess as a key, so a plain hash of
//! them is enough for the database, and can be looked up.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// How many letters of a key its owner sees later.
const SHOWN: usize = 8;

/// The key that `random` bytes make.
#[must_use]
pub fn api_key_of(random: [u8; 32]) -> String {
    format!("atl_{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

/// What the database keeps of a key: its SHA-256. Any text has one, so that what is no key is
/// simply not found.
#[must_use]
pub fn api_key_hash(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// How a key begins, to tell it from others: its first 8 letters.
#[must_use]
pub fn api_key_prefix(key: &str) -> String {
    key.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_their_hashes_too() {
        let one = api_key_of([1; 32]);
        let two = api_key_of([2; 32]);
        assert_eq!(one.len(), 47);
        assert!(one.starts_with("atl_") && one != two);
        assert_eq!(api_key_hash(&one), api_key_hash(&one));
        assert_ne!(api_key_hash(&one), api_key_hash(&two));
        assert!(!api_key_hash(&one).contains(&one[4..]));
    }

    #[test]
    fn the_hash_is_sha_256() {
        // NIST's vector for the empty message.
        assert_eq!(
            api_key_hash(""),
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        );
    }

    #[test]
    fn prefixes() {
        assert_eq!(api_key_prefix(&api_key_of([0; 32])), "atl_AAAA");
        assert_eq!(api_key_prefix("明"), "明");
    }
}
