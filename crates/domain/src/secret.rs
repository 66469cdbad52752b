//! What proves who somebody is. Neither value shows itself in a log.

use std::fmt;

/// A password: 6 to 128 characters, any of them. Nothing else is asked of it: rules about
/// digits and signs make passwords worse.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.chars().count() {
            0..=5 => Err("must be at least 6 characters"),
            6..=128 => Ok(Self(text.to_owned())),
            _ => Err("must be at most 128 characters"),
        }
    }

    /// The password.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A code that was sent by mail: six digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 6 digits")
        }
    }

    /// The code that `random` bytes make: each of the million as likely as any other, to within
    /// one part in 10¹³.
    #[must_use]
    pub fn of(random: [u8; 8]) -> Self {
        Self(format!("{:06}", u64::from_be_bytes(random) % 1_000_000))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let check = |text: &str, fits: bool| {
            assert_eq!(Password::parse(text).is_ok(), fits, "{text:?}");
        };
        check("", false);
        check("12345", false);
        check("123456", true);
        check("      ", true);
        check("密码密码密", false);
        check("密码密码密码", true);
        check(&"🦀".repeat(128), true);
        check(&"x".repeat(129), false);
    }

    #[test]
    fn codes() {
        let check = |text: &str, fits: bool| {
            assert_eq!(Code::parse(text).is_ok(), fits, "{text:?}");
        };
        check("000000", true);
        check("123456", true);
        check("12345", false);
        check("1234567", false);
        check("12345a", false);
        check("-12345", false);
        check(" 12345", false);
        check("123456 ", false);
        check("١٢٣٤٥٦", false);
        check("", false);
    }

    #[test]
    fn random_codes_have_six_digits_and_fill_the_range() {
        let code = |number: u64| Code::of(number.to_be_bytes());
        assert_eq!(code(0).as_str(), "000000");
        assert_eq!(code(999_999).as_str(), "999999");
        assert_eq!(code(1_000_007).as_str(), "000007");
        let mut tens = [0_u32; 10];
        // A multiplier that is odd walks through all numbers of 64 bits.
        for number in 0..10_000_u64 {
            let code = code(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(Code::parse(code.as_str()).is_ok());
            tens[usize::from(code.as_str().as_bytes()[0] - b'0')] += 1;
        }
        assert!(tens.iter().all(|n| (800..1200).contains(n)), "{tens:?}");
    }

    #[test]
    fn neither_shows_itself() {
        let password = Password::parse("correct horse").unwrap();
        let code = Code::parse("123456").unwrap();
        let shown = format!("{password:?} {code:?}");
        assert_eq!(shown, "Password(…) Code(…)");
    }
}
