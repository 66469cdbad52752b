//! What the runner asks of the edge.
//!
//! | request | answer |
//! |---|---|
//! | `POST /internal/rooms/enter` with [`Enter`] | 200 [`Admitted`]; 401, 403 (a page of another origin), 404 |
//! | `POST /internal/logins/ended` with [`Logins`] | 200 [`Logins`]: those of them that are no longer open |
//! | `POST /internal/sandboxes/unowned` with [`Sessions`] | 200 [`Sessions`]: those of them that are gone |

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// May whoever bears these credentials enter a session's room?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// The session, as the path named it.
    pub session: String,
    /// The path, which says whose words a refusal is in.
    pub path: String,
    /// The header `Authorization`.
    #[serde(default)]
    pub authorization: Option<String>,
    /// The header `Cookie`.
    #[serde(default)]
    pub cookie: Option<String>,
    /// The header `Origin`; a page that may not call is refused.
    #[serde(default)]
    pub origin: Option<String>,
    /// The address that the request was sent to, which is an origin that may always call.
    #[serde(default)]
    pub host: Option<String>,
    /// `?ticket=`: it is used up.
    #[serde(default)]
    pub ticket: Option<String>,
    /// `?token=`.
    #[serde(default)]
    pub token: Option<String>,
}

/// Who entered, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The session.
    pub session: Uuid,
    /// Whose login it is.
    pub user: i64,
    /// The login.
    pub login: i64,
    /// When the token ends, in milliseconds since 1970.
    pub expires_at: i64,
}

/// Logins by number, at most 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logins {
    /// Their numbers.
    pub logins: Vec<i64>,
}

/// Sessions, at most 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Their UUIDs.
    pub sessions: Vec<Uuid>,
}
