//! The `workspace` contract: an agent team works in a sandbox ("Backend API Overview"). Here its
//! "Authentication", in the modules the rest.

pub mod branches;
pub mod chat;
pub mod files;
pub mod sandbox;
pub mod sessions;

pub mod frames;

use crate::operation::{Access, Answer, Body, Method, Operation, Query, operation};
use crate::{Contract, Secret};
use domain::{Account, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// `TokenResponse`, for whoever signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenResponse {
    /// For `Authorization: Bearer …`.
    pub access_token: Secret,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
}

impl TokenResponse {
    /// The answer that carries `token`.
    #[must_use]
    pub fn of(token: String) -> Self {
        Self {
            access_token: token.into(),
            token_type: "bearer",
        }
    }
}

/// `UserProfile`, the account that a token is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserProfile {
    /// Its UUID.
    pub id: String,
    /// Its address.
    pub email: String,
    /// Its name.
    pub username: String,
    /// What it wants to be called.
    pub display_name: Option<String>,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// `ADMIN` or `USER`.
    #[schema(example = "USER")]
    pub role: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Account> for UserProfile {
    fn from(account: Account) -> Self {
        Self {
            id: account.uuid.to_string(),
            email: account.email,
            username: account.username,
            display_name: account.display_name,
            avatar_url: account.avatar_url,
            role: account.role.as_str(),
            created_at: account.created_at,
        }
    }
}

/// The contract's operations.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        Contract::Workspace,
        Access::Open,
        (Method::Post, "/api/v1/auth/login"),
        "Sign in by address",
    )
    .body("Login")
    .answers(&[
        Answer::new(200, "With `email`: the token.", Body::Json("TokenResponse")),
        Answer::problem(401, "The name, the address or the password is wrong."),
        Answer::problem(429, "Too many tries; `Retry-After` says how long."),
    ]),
    // The token may stand in the query, so none is asked for elsewhere.
    operation(
        Contract::Workspace,
        Access::Open,
        (Method::Get, "/api/v1/auth/me"),
        "Get the account that a token is for",
    )
    .query(&[Query::text(
        "token",
        "The access token; it may also stand where it always does.",
        false,
    )])
    .answers(&[
        Answer::new(200, "The account.", Body::Json("UserProfile")),
        Answer::problem(401, "The token is not, or no longer, good."),
    ]),
];
