//! The `runtime` contract, "Auth" and "Users": accounts by e-mail code, refresh tokens, profiles.

pub mod agent_chats;
mod operations;

pub(crate) use operations::OPERATIONS;

use crate::Change;
use crate::secret::{Secret, is_presentable};
use crate::validation::{changes_as, parses_as, parses_as_if_any};
use domain::{Account, AvatarUrl, Bio, Code, Email, Password, Timestamp, Username};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /auth/verifications`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct SignUp {
    /// 3 to 30 of `A-Z`, `a-z`, `0-9` and `_`.
    #[garde(custom(parses_as!(Username::parse)))]
    pub username: String,
    /// Where the code goes.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
    /// 6 to 128 characters.
    #[garde(custom(parses_as!(Password::parse)))]
    pub password: Secret,
    /// Where the mail's link leads: a URL below `public_url` or of an origin that is let in.
    #[serde(default)]
    #[garde(length(max = 2048))]
    pub redirect_to: Option<String>,
}

/// Where a code was sent, known or not.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailSent {
    /// The address as it was given, in lower case.
    #[schema(example = "user@example.com")]
    pub email: String,
}

/// `POST /auth/verifications/resend`, and every other request that names an address only.
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct EmailOnly {
    /// The address.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
}

/// `POST /auth/verifications/verify`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct Verify {
    /// The address that the code went to.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
    /// The code, six digits.
    #[garde(custom(parses_as!(Code::parse)))]
    pub token: Secret,
}

/// `POST /auth/sessions`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct SignIn {
    /// The account's address.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
    /// 6 to 128 characters.
    #[garde(custom(parses_as!(Password::parse)))]
    pub password: Secret,
}

/// `POST /auth/sessions/refresh` and `DELETE /auth/sessions`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct RefreshToken {
    /// The newest refresh token of the login.
    #[garde(custom(is_presentable))]
    pub refresh_token: Secret,
}

/// What whoever signed in gets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer …`.
    pub access_token: Secret,
    /// For the next access token, once.
    pub refresh_token: Secret,
    /// Seconds until the access token expires.
    #[schema(example = 3600)]
    pub expires_in: u64,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Who signed in.
    pub user: TokenUser,
}

/// The account that tokens are for.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenUser {
    /// Its UUID.
    pub id: String,
    /// Its address.
    pub email: String,
}

impl Tokens {
    /// The tokens of `account`; `expires_in` in seconds.
    #[must_use]
    pub fn of(account: &Account, access: String, refresh: String, expires_in: u64) -> Self {
        Self {
            access_token: access.into(),
            refresh_token: refresh.into(),
            expires_in,
            token_type: "bearer",
            user: TokenUser {
                id: account.uuid.to_string(),
                email: account.email.clone(),
            },
        }
    }
}

/// `GET /auth/users`: an account by its address.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountByEmail {
    /// Its UUID.
    pub id: String,
    /// Its address.
    pub email: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When a code sent to the address came back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub email_confirmed_at: Option<Timestamp>,
}

impl From<Account> for AccountByEmail {
    fn from(account: Account) -> Self {
        Self {
            id: account.uuid.to_string(),
            email: account.email,
            created_at: account.created_at,
            email_confirmed_at: account.email_confirmed_at,
        }
    }
}

/// `GET /users/me` and `GET /users/{username}`: what an account shows of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
    /// Its UUID.
    pub id: String,
    /// Its name.
    pub username: String,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// What it says of itself.
    pub bio: Option<String>,
}

impl From<Account> for Profile {
    fn from(account: Account) -> Self {
        Self {
            id: account.uuid.to_string(),
            username: account.username,
            avatar_url: account.avatar_url,
            bio: account.bio,
        }
    }
}

/// `PATCH /users/me`. What it does not name stays; null removes what may be missing.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
pub struct ProfileChange {
    /// A new name; null leaves it.
    #[serde(default)]
    #[garde(custom(parses_as_if_any!(Username::parse)))]
    pub username: Option<String>,
    /// An `http` or `https` URL.
    #[serde(default)]
    #[garde(custom(changes_as!(AvatarUrl::parse)))]
    #[schema(value_type = Option<String>)]
    pub avatar_url: Change<String>,
    /// At most 200 characters.
    #[serde(default)]
    #[garde(custom(changes_as!(Bio::parse)))]
    #[schema(value_type = Option<String>)]
    pub bio: Change<String>,
}
