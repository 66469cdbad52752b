//! Codes sent by mail. The database keeps a keyed hash, without the key of which the million
//! possible codes cannot even be tried.

use crate::Keys;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{Code, Email, Purpose};
use hmac::Mac;
use subtle::ConstantTimeEq;

/// What the database keeps of `code`, which is good for one purpose and one address.
#[must_use]
pub fn code_hash(keys: &Keys, purpose: Purpose, email: &Email, code: &Code) -> String {
    let mut keyed = keys.codes.clone();
    // No part can hold the separator.
    for part in [purpose.as_str(), email.as_str(), code.as_str()] {
        keyed.update(part.as_bytes());
        keyed.update(b"\0");
    }
    BASE64_URL_SAFE_NO_PAD.encode(keyed.finalize().into_bytes())
}

/// Whether `hash` is [`code_hash`] of the others, found in constant time.
#[must_use]
pub fn code_matches(keys: &Keys, purpose: Purpose, email: &Email, code: &Code, hash: &str) -> bool {
    let expected = code_hash(keys, purpose, email, code);
    expected.as_bytes().ct_eq(hash.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_its_purpose_and_address_under_its_key() {
        let keys = |letter: &str| Keys::from_secret(&letter.repeat(32)).unwrap();
        let ada = Email::parse("ada@example.org").unwrap();
        let bob = Email::parse("bob@example.org").unwrap();
        let code = |text| Code::parse(text).unwrap();
        let hash = code_hash(&keys("x"), Purpose::SignUp, &ada, &code("012345"));
        let check = |key, purpose, email, text, fits: bool| {
            let found = code_matches(&keys(key), purpose, email, &code(text), &hash);
            assert_eq!(found, fits, "{key} {purpose:?} {email:?} {text}");
        };
        check("x", Purpose::SignUp, &ada, "012345", true);
        check("x", Purpose::SignUp, &ada, "012346", false);
        check("x", Purpose::SignUp, &bob, "012345", false);
        check("x", Purpose::PasswordReset, &ada, "012345", false);
        check("x", Purpose::EmailChange, &ada, "012345", false);
        check("y", Purpose::SignUp, &ada, "012345", false);
    }

    #[test]
    fn the_hash_tells_nothing_and_nothing_else_passes_for_it() {
        let keys = Keys::from_secret(&"x".repeat(32)).unwrap();
        let ada = Email::parse("ada@example.org").unwrap();
        let code = Code::parse("012345").unwrap();
        let hash = code_hash(&keys, Purpose::SignUp, &ada, &code);
        assert_eq!(hash.len(), 43);
        assert!(!hash.contains("012345"));
        for wrong in ["", "012345", &hash[1..], &format!("{hash}=")] {
            assert!(!code_matches(&keys, Purpose::SignUp, &ada, &code, wrong));
        }
    }
}
