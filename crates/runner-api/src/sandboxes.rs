//! Sandboxes: one a session.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/sandboxes/{session}` with [`Launch`] | 200 [`Launched`] |
//! | `GET /v1/sandboxes/{session}` | 200 [`Sandbox`], 404 |
//! | `DELETE /v1/sandboxes/{session}` | 200 [`Destroyed`], also where there was none |
//! | `GET /v1/users/{user}/sandboxes` | 200 [`OfUser`] |
//! | `DELETE /v1/sessions/{session}` | 200 [`Destroyed`]: the session is no more, its room neither |
//! | `DELETE /v1/users/{user}/sandboxes` | 200 [`Destroyed`] |
//! | `GET /v1/sandboxes/{session}/previews` | 200 [`Previews`], 404 |

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Launches a session's sandbox, or says that it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Whose it is.
    pub user: i64,
    /// Whether it shall have the network. 403 where the operator does not allow it.
    #[serde(default)]
    pub network: bool,
    /// A folder of the runner's host that is to be its workspace; see [`crate::projects`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether commands may change nothing in its workspace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Launch {
    /// One with a workspace of its own that may be written.
    #[must_use]
    pub fn of(user: i64, network: bool) -> Self {
        Self {
            user,
            network,
            project: None,
            read_only: false,
        }
    }
}

/// How a sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being made or started again.
    Starting,
    /// Running.
    Running,
    /// Not running; its files are kept, and the next command starts it again.
    Stopped,
}

/// A sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// How it is.
    pub status: Status,
    /// `docker` or `namespace`.
    pub backend: String,
    /// Whether it has the network.
    pub network: bool,
    /// When it was launched, in milliseconds since 1970, as all times here.
    pub created_at: i64,
    /// When it was used last.
    pub last_used_at: i64,
    /// When it will be destroyed unless it is used.
    pub expires_at: i64,
}

/// The answer to [`Launch`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// Whether it was made by this request.
    pub created: bool,
    /// The sandbox.
    pub sandbox: Sandbox,
}

/// A user's sandboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfUser {
    /// All of them, in any order.
    pub sandboxes: Vec<OfSession>,
}

/// A session's sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfSession {
    /// The session.
    pub session: Uuid,
    /// Its sandbox.
    pub sandbox: Sandbox,
}

/// How many sandboxes are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destroyed {
    /// How many there were.
    pub destroyed: u64,
}

/// Where a sandbox's servers can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previews {
    /// One for each port that may be seen, by number.
    pub ports: Vec<Preview>,
}

/// Where one port of a sandbox can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The port in the sandbox.
    pub container_port: u16,
    /// The port on the host's loopback, if the sandbox has the network.
    pub host_port: Option<u16>,
    /// Where a browser opens it: on an origin of its own, with an entry that ends soon.
    pub url: String,
    /// Whether something listens there now.
    pub listening: bool,
}
