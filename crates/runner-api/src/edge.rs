//! What the runner asks of the edge.
//!
//! | request | answer |
//! |---|---|
//! | `POST /internal/rooms/enter` with [`Enter`] | 200 [`Admitted`]; 401, 403 (a page of another origin), 404 |
//! | `POST /internal/sockets/codex`, `POST /internal/sockets/studio` with [`Said`] | 200 [`Replies`]; 401 where the login has ended, 404 where the session is gone |
//! | `POST /internal/logins/ended` with [`Logins`] | 200 [`Logins`]: those of them that are no longer open |
//! | `POST /internal/services/probe` | 200 [`Probed`] |
//! | `POST /internal/files/sweep` | 200, what was cleared up |
//! | `POST /internal/sandboxes/unowned` with [`Sessions`] | 200 [`Sessions`]: those of them that are gone |

use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// What somebody said on a socket. The same may be asked again when the answer was lost: what has
/// an `id` is done once for a session, and answered the same ever after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The session whose socket it is; of a socket of a user there is none.
    #[serde(default)]
    pub session: Option<Uuid>,
    /// Who said it.
    pub user: i64,
    /// By which login. It was open when the socket was opened, and within the last second.
    pub login: i64,
    /// By which the client knows it; `studio`'s have none.
    #[serde(default)]
    pub id: Option<String>,
    /// What is wanted.
    pub payload: Value,
}

/// What is to be sent back on that socket alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replies {
    /// The frames, in their order.
    pub frames: Vec<Value>,
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

/// How many ComfyUI services a round of probes looked at, and what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Those that answered.
    pub online: u32,
    /// Those that did not.
    pub offline: u32,
}
