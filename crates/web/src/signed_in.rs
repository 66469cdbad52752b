//! Who sends a request, proven by an access token.
//!
//! Each request asks the database once whether the login behind its token is still open, so one
//! that ended anywhere is refused everywhere at once.

use crate::{bearer::Bearer, browsers::refuse_forged, cookie::Cookie, failure::Failure, settings};
use auth::{KeyError, Keys, TokenError};
use axum::extract::{FromRef, FromRequestParts};
use domain::{Account, Error, ErrorKind, Login, Timestamp};
use http::request::Parts;
use ports::Platform;
use std::cell::RefCell;

/// What it takes to make and to check tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The keys of tokens and codes.
    pub keys: Keys,
    /// Who issues tokens: the variable `public_url`.
    pub issuer: String,
}

impl TokenSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Unavailable when `jwt_secret` is too short for a key: the deployment is at fault.
    pub async fn read(platform: &Platform) -> Result<Self, Error> {
        let secret = settings::variable(platform, "jwt_secret").await?;
        let keys = keys_of(&secret)
            .map_err(|error| settings::misread("jwt_secret", &error.to_string()))?;
        Ok(Self {
            keys,
            issuer: settings::variable(platform, "public_url").await?,
        })
    }
}

thread_local! {
    /// The keys that were asked for last, with their secret. An instance is one thread and knows one
    /// secret, so it derives them once. This is no state: they follow from the secret alone, and
    /// nothing that is asked for answers differently because they are kept.
    static KEYS: RefCell<Option<(String, Keys)>> = const { RefCell::new(None) };
}

fn keys_of(secret: &str) -> Result<Keys, KeyError> {
    KEYS.with_borrow_mut(|kept| {
        if let Some((of, keys)) = kept.as_ref()
            && of == secret
        {
            return Ok(keys.clone());
        }
        let keys = Keys::from_secret(secret)?;
        *kept = Some((secret.to_owned(), keys.clone()));
        Ok(keys)
    })
}

/// The account and the login that a request is authenticated as.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Whose login it is.
    pub account: Account,
    /// The login; its audience says which contract's words the reader expects.
    pub login: Login,
    /// When the token ends; the login may go on.
    pub token_expires_at: Timestamp,
}

impl SignedIn {
    /// Who the access token `text` speaks for.
    ///
    /// # Errors
    /// Unauthenticated when it is not, or no longer, good.
    pub async fn by_token(platform: &Platform, text: &str) -> Result<Self, Error> {
        let settings = TokenSettings::read(platform).await?;
        let now = platform.clock.now();
        let refused = |detail| Error::new(ErrorKind::Unauthenticated, detail);
        let token = match auth::verify(&settings.keys, &settings.issuer, text, now) {
            Ok(token) => token,
            Err(TokenError::Expired(_)) => return Err(refused("The token has expired")),
            Err(_) => return Err(refused("The token is invalid")),
        };
        let found = store::logins::current(&*platform.sql, token.login, token.user, now).await?;
        let (account, login) = found
            .filter(|(_, login)| login.audience == token.audience)
            .ok_or_else(|| refused("The token is invalid"))?;
        Ok(Self {
            account,
            login,
            token_expires_at: Timestamp(token.expires_at),
        })
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let platform = Platform::from_ref(state);
        let Ok(Bearer(header)) = Bearer::from_request_parts(parts, state).await;
        if let Some(token) = header {
            return Ok(Self::by_token(&platform, &token).await?);
        }
        let Ok(Cookie(cookie)) = Cookie::from_request_parts(parts, state).await;
        let Some(token) = cookie else {
            return Err(Error::new(ErrorKind::Unauthenticated, "Not authenticated").into());
        };
        refuse_forged(&platform, parts).await?;
        Ok(Self::by_token(&platform, &token).await?)
    }
}

/// An administrator: somebody signed in whom [`auth::permissions::is_administrator`] lets pass.
#[derive(Clone, Debug)]
pub struct Administrator(pub SignedIn);

impl<S> FromRequestParts<S> for Administrator
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        if auth::permissions::is_administrator(&signed_in.account) {
            return Ok(Self(signed_in));
        }
        Err(Error::new(ErrorKind::Forbidden, "Only administrators may do this").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Code, Email, Purpose};

    #[test]
    fn kept_keys_are_those_of_the_secret() {
        let email = Email::parse("ada@example.org").unwrap();
        let code = Code::parse("012345").unwrap();
        let hash = |keys: &Keys| auth::code_hash(keys, Purpose::SignUp, &email, &code);
        for letter in ["x", "x", "y", "x"] {
            let secret = letter.repeat(32);
            let made = Keys::from_secret(&secret).unwrap();
            assert_eq!(hash(&keys_of(&secret).unwrap()), hash(&made), "{letter}");
            assert!(keys_of("short").is_err());
        }
    }
}
