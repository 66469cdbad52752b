//! What people expect of accounts besides the documents: a forgotten password, another address,
//! the list of logins, keys for programs, leaving. In the manner of `runtime`.

mod operations;

pub(crate) use operations::OPERATIONS;

use crate::secret::{Secret, is_presentable};
use crate::validation::parses_as;
use domain::{ApiKeyName, Code, Email, Password, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /auth/password-resets/confirm`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct PasswordReset {
    /// The address that the code went to.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
    /// The code, six digits.
    #[garde(custom(parses_as!(Code::parse)))]
    pub token: Secret,
    /// The new password, 6 to 128 characters.
    #[garde(custom(parses_as!(Password::parse)))]
    pub password: Secret,
}

/// `POST /users/me/email`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct EmailChange {
    /// The new address, which the code goes to.
    #[garde(custom(parses_as!(Email::parse)))]
    pub email: String,
    /// The account's password.
    #[garde(custom(is_presentable))]
    pub password: Secret,
}

/// `POST /users/me/email/confirm`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct EmailConfirm {
    /// The code, six digits.
    #[garde(custom(parses_as!(Code::parse)))]
    pub token: Secret,
    /// The account's password: a token alone, which may be stolen, does not give it away.
    #[garde(custom(is_presentable))]
    pub password: Secret,
}

/// `DELETE /users/me`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct AccountDelete {
    /// The account's password.
    #[garde(custom(is_presentable))]
    pub password: Secret,
}

/// A place where the account is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenLogin {
    /// Its UUID.
    pub id: String,
    /// The contract that it was opened on.
    #[schema(example = "runtime")]
    pub audience: &'static str,
    /// Whether this very request belongs to it.
    pub current: bool,
    /// What the program called itself.
    pub user_agent: Option<String>,
    /// The address it was opened from.
    pub address: Option<String>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was opened or last refreshed.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl OpenLogin {
    /// As its account sees it; `current` is the login that asks.
    #[must_use]
    pub fn of(login: domain::Login, current: domain::LoginId) -> Self {
        Self {
            id: login.uuid.to_string(),
            audience: login.audience.as_str(),
            current: login.id == current,
            user_agent: login.user_agent,
            address: login.address,
            created_at: login.created_at,
            last_used_at: login.last_used_at,
            expires_at: login.expires_at,
        }
    }
}

/// `POST /users/me/api-keys`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct ApiKeyCreate {
    /// What the key is called: 1 to 64 characters.
    #[garde(custom(parses_as!(ApiKeyName::parse)))]
    pub name: String,
    /// The account's password: a key lives longer than the token that asks for it.
    #[garde(custom(is_presentable))]
    pub password: Secret,
}

/// A key that programs sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its UUID.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When somebody last signed in with it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl From<domain::ApiKey> for ApiKey {
    fn from(key: domain::ApiKey) -> Self {
        Self {
            id: key.uuid.to_string(),
            name: key.name,
            prefix: key.prefix,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A new key, the only time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKey {
    /// What is known of it later.
    #[serde(flatten)]
    pub known: ApiKey,
    /// The key.
    pub key: Secret,
}

/// `POST /auth/tickets`: what a page shows as `?ticket=` in place of its token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ticket {
    /// Good for one socket or stream.
    pub ticket: Secret,
    /// For how many seconds.
    #[schema(example = 30)]
    pub expires_in: u64,
}
