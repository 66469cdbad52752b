//! The `studio` contract: ComfyUI services and workflows that agents edit ("API 接口设计").

pub mod agents;
pub mod executions;
pub mod files;
pub mod frames;
pub mod messages;
pub mod models;
mod operations;
pub mod providers;
pub mod services;
pub mod sessions;
pub mod workflows;

pub(crate) use operations::OPERATIONS;

use crate::Change;
use crate::operation::Query;
use crate::secret::{Secret, is_presentable};
use crate::validation::{changes_as, parses_as, parses_as_if_any, rules};
use domain::{Account, AvatarUrl, DisplayName, Email, Password};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long a part of a list is where nobody says.
pub const PAGE_DEFAULT: i64 = 50;

/// How long it may be.
pub const PAGE_MOST: i64 = 200;

const LIMIT: Query = Query::number("limit", "How many at most.", PAGE_DEFAULT, PAGE_MOST);
const OFFSET: Query = Query::number("offset", "How many to skip.", 0, i64::MAX);

/// What every success is wrapped in ("响应格式"). Errors are problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<T> {
    /// Always 200, the status.
    pub code: u16,
    /// Always `success`.
    pub message: &'static str,
    /// What the operation answers; null where it answers nothing.
    pub data: T,
}

impl<T> Envelope<T> {
    /// The success that carries `data`.
    pub fn of(data: T) -> Self {
        Self {
            code: 200,
            message: "success",
            data,
        }
    }
}

/// `POST /auth/login`. What it takes is [`crate::Login`].
#[derive(Debug, Serialize, ToSchema)]
pub struct StudioToken {
    /// For `Authorization: Bearer …`.
    pub token: Secret,
    /// Who signed in.
    pub user: StudioUser,
}

/// The account that a token is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudioUser {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub username: String,
    /// What it wants to be called.
    pub display_name: Option<String>,
    /// `ADMIN` or `USER`.
    #[schema(example = "USER")]
    pub role: &'static str,
}

impl StudioToken {
    /// The token of `account`.
    #[must_use]
    pub fn of(account: Account, token: String) -> Self {
        Self {
            token: token.into(),
            user: StudioUser {
                id: account.id.0,
                username: account.username,
                display_name: account.display_name,
                role: account.role.as_str(),
            },
        }
    }
}

/// `POST /auth/refresh`
#[derive(Debug, Serialize, ToSchema)]
pub struct NewToken {
    /// For `Authorization: Bearer …`.
    pub token: Secret,
}

/// `GET /users/me`: one's own account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnAccount {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub username: String,
    /// What it wants to be called.
    pub display_name: Option<String>,
    /// Its address.
    pub email: String,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// `ADMIN` or `USER`.
    #[schema(example = "USER")]
    pub role: &'static str,
    /// How many workflows it has.
    pub workflow_count: i64,
    /// How many sessions it has.
    pub session_count: i64,
}

impl OwnAccount {
    /// `account`, and how much it has.
    #[must_use]
    pub fn of(account: Account, workflow_count: i64, session_count: i64) -> Self {
        Self {
            id: account.id.0,
            username: account.username,
            display_name: account.display_name,
            email: account.email,
            avatar_url: account.avatar_url,
            role: account.role.as_str(),
            workflow_count,
            session_count,
        }
    }
}

/// `PUT /users/me`. What it does not name stays; null removes what may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnAccountChange {
    /// 1 to 64 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub display_name: Change<String>,
    /// A new address; it counts from when the code that is sent there is confirmed.
    #[serde(default)]
    pub email: Option<String>,
    /// An `http` or `https` URL.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub avatar_url: Change<String>,
}

rules!(OwnAccountChange {
    display_name as "displayName": changes_as!(DisplayName::parse),
    email as "email": parses_as_if_any!(Email::parse),
    avatar_url as "avatarUrl": changes_as!(AvatarUrl::parse),
});

/// A change was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Always true: what fails is a problem.
    pub success: bool,
    /// The new address, while its code was not confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_pending: Option<String>,
}

impl Changed {
    /// Done; `email_pending` is the address that a code went to.
    #[must_use]
    pub fn of(email_pending: Option<String>) -> Self {
        Self {
            success: true,
            email_pending,
        }
    }
}

/// `PUT /users/me/password`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChange {
    /// The password until now.
    pub old_password: Secret,
    /// 6 to 128 characters.
    pub new_password: Secret,
}

rules!(PasswordChange {
    old_password as "oldPassword": is_presentable,
    new_password as "newPassword": parses_as!(Password::parse),
});
