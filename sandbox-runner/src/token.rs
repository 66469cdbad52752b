//! The secret that the edge and the runner share.

use http::HeaderValue;
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;

/// The shortest token that is accepted, in bytes.
pub const SHORTEST: usize = 16;

/// The longest token that is accepted, in bytes.
pub const LONGEST: usize = 1024;

/// The shared secret. Its `Debug` form does not show it.
#[derive(Clone)]
pub struct Token(Arc<str>);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too easily guessed, or too long for a header.
    #[error("the runner's token must have {SHORTEST} to {LONGEST} characters")]
    Length,
    /// It would not fit into a header unchanged.
    #[error("the runner's token must consist of visible ASCII characters")]
    Characters,
}

impl Token {
    /// Takes a text of [`SHORTEST`] to [`LONGEST`] visible ASCII characters.
    ///
    /// # Errors
    /// Says what is wrong with any other text, without repeating it.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(TokenError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(Self(Arc::from(text)))
    }

    /// Whether an `Authorization` header carries this token as a bearer, in a time that does
    /// not tell how much of it was right.
    pub(crate) fn is_borne_by(&self, authorization: &HeaderValue) -> bool {
        let Some((scheme, presented)) = authorization.as_bytes().split_at_checked(7) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(presented.ct_eq(self.0.as_bytes()))
    }

    /// The secret itself, to derive keys from.
    pub(crate) fn secret(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The token as a header's value, marked as sensitive.
    pub(crate) fn to_header(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        sensitive(&self.0)
    }

    /// The value of an `Authorization` header that carries the token.
    pub(crate) fn to_bearer(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        sensitive(&format!("Bearer {}", self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_may_be() {
        assert_eq!(
            Token::parse("fifteen-letters").err(),
            Some(TokenError::Length)
        );
        assert_eq!(
            Token::parse(&"x".repeat(1025)).err(),
            Some(TokenError::Length)
        );
        assert_eq!(
            Token::parse("sixteen letters!").err(),
            Some(TokenError::Characters)
        );
        assert_eq!(
            Token::parse("sechzehn-zeichen\n").err(),
            Some(TokenError::Characters)
        );
        assert!(Token::parse("sixteen-letters!").is_ok());
    }

    #[test]
    fn who_bears_it() {
        let token = Token::parse("0123456789abcdef").unwrap();
        let check = |authorization: &'static str, borne: bool| {
            let value = HeaderValue::from_static(authorization);
            assert_eq!(token.is_borne_by(&value), borne, "{authorization}");
        };
        check("Bearer 0123456789abcdef", true);
        check("bearer 0123456789abcdef", true);
        check("Bearer 0123456789abcdeF", false);
        check("Bearer 0123456789abcde", false);
        check("Bearer 0123456789abcdef0", false);
        check("Bearer ", false);
        check("0123456789abcdef", false);
        check("", false);
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert_eq!(token.to_bearer().unwrap(), "Bearer 0123456789abcdef");
    }
}
