//! Password hashes: argon2id with the parameters that OWASP recommends, as PHC strings.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use domain::Password;

/// KiB of memory, passes over it, lanes, and bytes of the hash.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;

/// The hash of a password that nobody knows, with the parameters of [`hash`]. Verify against it
/// where there is no account, so that the answer takes as long as where there is one. Salt and
/// hash are random bytes.
pub const UNKNOWN: &str = "$argon2id$v=19$m=19456,t=2,p=1$XvbBqB/sX7sVMPk39vSZ5A$Z0q87P+geOxt+9nIxZKAvNLOxNXNuP4nY7A6xJSeLIo";

/// A password could not be hashed: there is no memory for it.
#[derive(Debug, thiserror::Error)]
#[error("hashing a password: {0}")]
pub struct HashError(argon2::password_hash::Error);

/// The PHC string of `password`; `salt` is random bytes. Takes tens of milliseconds and 19 MiB.
///
/// # Errors
/// When there is no memory for it.
pub fn hash(password: &Password, salt: [u8; 16]) -> Result<String, HashError> {
    hashing(MEMORY, PASSES)
        .and_then(|argon2| argon2.hash_password_with_salt(password.as_str().as_bytes(), &salt))
        .map(|hash| hash.to_string())
        .map_err(HashError)
}

/// Whether `password` is the one that `phc` was made of, whatever the parameters were then. What
/// is no PHC string fits no password.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    // The parameters of the string count, not these.
    let argon2 = Argon2::default();
    PasswordHash::new(phc)
        .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether `phc` was made with other parameters than [`hash`] takes now, so that the password
/// should be hashed again while it is known.
#[must_use]
pub fn needs_upgrade(phc: &str) -> bool {
    let Ok(hash) = PasswordHash::new(phc) else {
        return true;
    };
    let current = hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && hash.version == Some(Version::V0x13.into())
        && hash.hash.is_some_and(|hash| hash.len() == HASH_BYTES)
        && Params::try_from(&hash).is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY, PASSES, LANES)
        });
    !current
}

fn hashing(memory: u32, passes: u32) -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let params = Params::new(memory, passes, LANES, Some(HASH_BYTES))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_hash_fits_its_password_alone() {
        let phc = hash(&password("correct horse"), [1; 16]).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse", &phc));
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!verify(wrong, &phc), "{wrong:?}");
        }
        let other = hash(&password("correct horse"), [2; 16]).unwrap();
        assert_ne!(phc, other);
        assert!(verify("correct horse", &other));
    }

    #[test]
    fn long_and_foreign_passwords_count_to_their_last_letter() {
        let long = "密".repeat(128);
        let phc = hash(&password(&long), [1; 16]).unwrap();
        assert!(verify(&long, &phc));
        assert!(!verify(&format!("{}码", "密".repeat(127)), &phc));
    }

    #[test]
    fn other_parameters_are_verified_and_upgraded() {
        let old = hashing(4_096, 1)
            .unwrap()
            .hash_password_with_salt(b"correct horse", &[1; 16])
            .unwrap()
            .to_string();
        assert!(verify("correct horse", &old) && needs_upgrade(&old));
        let new = hash(&password("correct horse"), [1; 16]).unwrap();
        assert!(verify("correct horse", &new) && !needs_upgrade(&new));
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=19456", "m=19457"),
            ("t=2", "t=3"),
            ("p=1", "p=2"),
        ] {
            assert!(needs_upgrade(&new.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn what_is_no_hash_fits_nothing() {
        let whole = hash(&password("correct horse"), [1; 16]).unwrap();
        let (cut, _) = whole.rsplit_once('$').unwrap();
        for phc in [
            "",
            "correct horse",
            "$argon2id$",
            "$2b$12$abcdefghijklmnopqrstuv",
            cut,
            &whole[..whole.len() - 4],
            &format!("{whole}$"),
        ] {
            assert!(!verify("correct horse", phc), "{phc:?}");
            assert!(needs_upgrade(phc), "{phc:?}");
        }
    }

    #[test]
    fn the_unknown_hash_is_of_the_same_parameters_and_nobodys() {
        assert!(!needs_upgrade(UNKNOWN));
        for guess in ["", "unknown", "password", "123456", "correct horse"] {
            assert!(!verify(guess, UNKNOWN), "{guess:?}");
        }
    }
}
