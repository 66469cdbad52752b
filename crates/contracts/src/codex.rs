//! The `codex` contract: coding sessions ("API 接口规范"). Here its "认证端点", in the modules the
//! rest. What a sign-in takes is [`crate::CodexLogin`].

pub mod events;
pub mod frames;
pub mod patches;
pub mod sessions;
pub mod submissions;

use crate::operation::{Access, Answer, Body, Method, Operation, operation};
use crate::{Contract, Secret};
use domain::{Account, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// `POST /api/login`: the token, which is also set as a cookie.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodexToken {
    /// For `Authorization: Bearer …`.
    pub access_token: Secret,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds until it expires.
    #[schema(example = 86_400)]
    pub expires_in: u64,
}

impl CodexToken {
    /// The answer that carries `token`; `expires_in` in seconds.
    #[must_use]
    pub fn of(token: String, expires_in: u64) -> Self {
        Self {
            access_token: token.into(),
            token_type: "bearer",
            expires_in,
        }
    }
}

/// `GET /api/login/status`
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginStatus {
    /// Whether the request's token is good.
    pub authenticated: bool,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<CodexUser>,
    /// When it expires, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// The account that a token is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodexUser {
    /// Its UUID.
    pub id: String,
    /// Its name.
    pub username: String,
    /// Its address.
    pub email: String,
}

impl LoginStatus {
    /// Nobody is signed in.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            authenticated: false,
            user: None,
            expires_at: None,
        }
    }

    /// `account` is signed in.
    #[must_use]
    pub fn of(account: Account, expires_at: Timestamp) -> Self {
        Self {
            authenticated: true,
            user: Some(CodexUser {
                id: account.uuid.to_string(),
                username: account.username,
                email: account.email,
            }),
            expires_at: Some(expires_at.0),
        }
    }
}

/// The contract's operations.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        Contract::Codex,
        Access::Open,
        (Method::Post, "/api/login"),
        "Sign in by name, address or API key; the token is also set as a cookie",
    )
    .body("CodexLogin")
    .answers(&[
        Answer::new(200, "The token.", Body::Json("CodexToken")),
        Answer::problem(401, "What was given is wrong."),
        Answer::problem(429, "Too many tries; `Retry-After` says how long."),
    ]),
    operation(
        Contract::Codex,
        Access::Open,
        (Method::Get, "/api/login/status"),
        "Whether one is signed in",
    )
    .answers(&[Answer::new(
        200,
        "Who is signed in, if anybody.",
        Body::Json("LoginStatus"),
    )]),
    operation(
        Contract::Codex,
        Access::SignedIn,
        (Method::Post, "/api/logout"),
        "Sign out; the cookie is removed",
    )
    .answers(&[Answer::nothing("The login has ended.")]),
];
