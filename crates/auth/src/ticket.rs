//! Tickets for sockets: 32 random bytes, of which the database keeps a plain hash, as of
//! [API keys](crate::api_key_hash).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The ticket that `random` bytes make; it can stand in a query as it is.
#[must_use]
pub fn ticket_of(random: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random)
}

/// What the database keeps of a ticket. Any text has one, so that what is no ticket is simply not
/// found.
#[must_use]
pub fn ticket_hash(text: &str) -> String {
    // A word of its own: no hash of a key is one of a ticket.
    let digest = Sha256::new().chain_update("ticket\0").chain_update(text);
    BASE64_URL_SAFE_NO_PAD.encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_told_apart_and_fit_a_query() {
        let (one, two) = (ticket_of([0xff; 32]), ticket_of([0; 32]));
        assert!(one != two && one.len() == 43);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(one.bytes().all(fits), "{one}");
        assert_ne!(ticket_hash(&one), ticket_hash(&two));
        assert_ne!(ticket_hash(&one), crate::api_key_hash(&one));
        assert_ne!(ticket_hash(&one), one);
    }
}
