//! Access tokens: JSON Web Tokens of one algorithm, HS256.
//!
//! Whether the login behind a token is still there is for the database to say; a token by itself
//! only says who it was made for.

use crate::Keys;
use chrono::{DateTime, Utc};
use domain::Audience;
use jwt_compact::{AlgorithmExt, Claims, Header, ParseError, UntrustedToken, alg::Hs256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most bytes of a token's text that anybody looks at.
const MAX_BYTES: usize = 4 * 1024;

/// The claim `typ`. No other kind of token has it, whatever other kinds there will be.
const TYPE: &str = "access";

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The login it belongs to.
    pub login: Uuid,
    /// The account it speaks for.
    pub user: Uuid,
    /// The contract it was made for.
    pub audience: Audience,
    /// When it was made, in milliseconds since 1970. The text holds whole seconds.
    pub issued_at: i64,
    /// From when on it is refused, in milliseconds since 1970. The text holds whole seconds.
    pub expires_at: i64,
    /// Its own number.
    pub id: Uuid,
}

/// A token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of ours in form.
    #[error("the token is malformed")]
    Malformed,
    /// Its signature or its algorithm is not ours.
    #[error("the token is forged")]
    Forged,
    /// It is ours, but no access token.
    #[error("the token is not an access token")]
    OtherType,
    /// It is from another installation.
    #[error("the token is from another issuer")]
    OtherIssuer,
    /// It was good until a while ago. All else about it is right.
    #[error("the token has expired")]
    Expired(AccessToken),
}

/// A token could not be made: a time of it is beyond the calendar.
#[derive(Debug, thiserror::Error)]
#[error("making a token: {0}")]
pub struct IssueError(String);

/// The claims besides `exp` and `iat`.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    typ: String,
}

/// The text of `token`; `issuer` names this installation.
///
/// # Errors
/// When a time is beyond the calendar.
pub fn issue(keys: &Keys, issuer: &str, token: &AccessToken) -> Result<String, IssueError> {
    let mut claims = Claims::new(Said {
        iss: issuer.to_owned(),
        aud: token.audience.as_str().to_owned(),
        sub: token.user.to_string(),
        sid: token.login.to_string(),
        jti: token.id.to_string(),
        typ: TYPE.to_owned(),
    });
    claims.issued_at = Some(instant(token.issued_at)?);
    claims.expiration = Some(instant(token.expires_at)?);
    let header = Header::empty().with_token_type("JWT");
    Hs256
        .token(&header, &claims, &keys.access)
        .map_err(|error| IssueError(error.to_string()))
}

fn instant(at: i64) -> Result<DateTime<Utc>, IssueError> {
    DateTime::from_timestamp_millis(at).ok_or_else(|| IssueError(format!("there is no time {at}")))
}

/// The token of that text, if it is `issuer`'s and good at `now` (milliseconds since 1970).
///
/// # Errors
/// Why it is refused; an expired token comes along, for the refresh that takes one.
pub fn verify(keys: &Keys, issuer: &str, text: &str, now: i64) -> Result<AccessToken, TokenError> {
    let untrusted = parse(text)?;
    if untrusted.algorithm() != "HS256" {
        return Err(TokenError::Forged);
    }
    let token = Hs256
        .validator::<Said>(&keys.access)
        .validate(&untrusted)
        .map_err(|error| match error {
            jwt_compact::ValidationError::MalformedClaims(_) => TokenError::Malformed,
            _ => TokenError::Forged,
        })?;
    let claims = token.claims();
    if claims.custom.typ != TYPE {
        return Err(TokenError::OtherType);
    }
    if claims.custom.iss != issuer {
        return Err(TokenError::OtherIssuer);
    }
    let token = read(claims).ok_or(TokenError::Malformed)?;
    if token.expires_at <= now {
        return Err(TokenError::Expired(token));
    }
    Ok(token)
}

fn read(claims: &Claims<Said>) -> Option<AccessToken> {
    Some(AccessToken {
        login: Uuid::parse_str(&claims.custom.sid).ok()?,
        user: Uuid::parse_str(&claims.custom.sub).ok()?,
        audience: Audience::parse(&claims.custom.aud)?,
        issued_at: claims.issued_at?.timestamp_millis(),
        expires_at: claims.expiration?.timestamp_millis(),
        id: Uuid::parse_str(&claims.custom.jti).ok()?,
    })
}

/// The audience that a token claims, unchecked: good for choosing how an answer is written, and
/// for nothing else.
#[must_use]
pub fn claimed_audience(text: &str) -> Option<Audience> {
    #[derive(Deserialize)]
    struct Claimed {
        aud: String,
    }
    let claims = parse(text)
        .ok()?
        .deserialize_claims_unchecked::<Claimed>()
        .ok()?;
    Audience::parse(&claims.custom.aud)
}

fn parse(text: &str) -> Result<UntrustedToken<'_>, TokenError> {
    if text.len() > MAX_BYTES {
        return Err(TokenError::Malformed);
    }
    UntrustedToken::new(text).map_err(|_: ParseError| TokenError::Malformed)
}

#[cfg(test)]
mod tests;
