//! Signatures of addresses at which a file can be read without a token, for a while.

use crate::Keys;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::Mac;
use uuid::Uuid;

/// What signs the address of `file` that is good until `expires`, in milliseconds since 1970. It
/// can stand in a query as it is.
#[must_use]
pub fn sign_file(keys: &Keys, file: Uuid, expires: i64) -> String {
    let signature = signed(keys, file, expires).finalize().into_bytes();
    BASE64_URL_SAFE_NO_PAD.encode(signature)
}

/// Whether `signature` is that of `file` and `expires`, which is after `now`.
#[must_use]
pub fn may_read_file(keys: &Keys, file: Uuid, expires: i64, signature: &str, now: i64) -> bool {
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let is_ours = signed(keys, file, expires).verify_slice(&signature);
    is_ours.is_ok() && expires > now
}

fn signed(keys: &Keys, file: Uuid, expires: i64) -> crate::keys::Keyed {
    let mut keyed = keys.files.clone();
    keyed.update(file.as_bytes());
    keyed.update(&expires.to_be_bytes());
    keyed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_its_file_and_its_time() {
        let keys = |secret: &str| Keys::from_secret(&secret.repeat(32)).unwrap();
        let (file, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let signature = sign_file(&keys("x"), file, 100);
        let check = |secret, file, expires, signature: &str, now, good| {
            let found = may_read_file(&keys(secret), file, expires, signature, now);
            assert_eq!(found, good, "{file} {expires} {signature} {now}");
        };
        check("x", file, 100, &signature, 99, true);
        check("x", file, 100, &signature, 100, false);
        check("x", file, 101, &signature, 99, false);
        check("x", other, 100, &signature, 99, false);
        check("y", file, 100, &signature, 99, false);
        check("x", file, 100, "", 99, false);
        check("x", file, 100, &signature[1..], 99, false);
        check("x", file, 100, &format!("{signature}="), 99, false);
        check("x", file, 100, &format!("{signature}AAAA"), 99, false);
        let mut tampered = signature.clone().into_bytes();
        tampered[0] = if tampered[0] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        check("x", file, 100, &tampered, 99, false);
        check("x", file, i64::MIN, &signature, i64::MAX, false);
    }
}
