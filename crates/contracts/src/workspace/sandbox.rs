//! "Sandbox Management" of the `workspace` document.

mod commands;
mod operations;

pub(crate) use commands::is_path;
pub use commands::{
    BACKGROUND_MAX_SECONDS, BackgroundCommand, EXEC_MAX_SECONDS, ExecRequest, ExecResult,
};
pub(crate) use operations::OPERATIONS;

use crate::validation::parses_as_if_any;
use domain::{SessionKey, SessionTitle, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /sandbox/launch`. It may be left out as a whole.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
pub struct LaunchRequest {
    /// The session, by its UUID or its number; without, a new one is made.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    #[garde(skip)]
    pub session_id: Option<SessionKey>,
    /// What a new session is called.
    #[serde(default)]
    #[garde(custom(parses_as_if_any!(SessionTitle::parse)))]
    pub title: Option<String>,
    /// Whether the sandbox shall have the network; the operator must allow it.
    #[serde(default)]
    #[garde(skip)]
    pub network: bool,
}

/// The answer to [`LaunchRequest`].
#[derive(Debug, Serialize, ToSchema)]
pub struct Launched {
    /// The session's UUID.
    pub session_id: String,
    /// `starting` or `running`.
    #[schema(example = "running")]
    pub status: &'static str,
    /// Whether the sandbox was made by this request.
    pub created: bool,
}

/// `POST /sandbox/destroy`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct DestroyRequest {
    /// The session, by its UUID or its number.
    #[schema(value_type = String)]
    #[garde(skip)]
    pub session_id: SessionKey,
}

/// The answer to [`DestroyRequest`].
#[derive(Debug, Serialize, ToSchema)]
pub struct Destroyed {
    /// The session's UUID.
    pub session_id: String,
    /// Whether there was a sandbox.
    pub destroyed: bool,
}

/// `POST /sandbox/destroy_all`
#[derive(Debug, Serialize, ToSchema)]
pub struct AllDestroyed {
    /// How many sandboxes there were.
    pub destroyed: u64,
}

/// `GET /sandbox/{session_id}`: how a sandbox is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxState {
    /// The session's UUID.
    pub session_id: String,
    /// `starting`, `running`, or `stopped`: then its files are kept, and the next command starts
    /// it again.
    #[schema(example = "running")]
    pub status: &'static str,
    /// What holds it: `docker` or `namespace`.
    #[schema(example = "docker")]
    pub backend: String,
    /// Whether it has the network.
    pub network: bool,
    /// When it was launched.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was used last.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Timestamp,
    /// When it will be destroyed unless it is used.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// `GET /sandbox/preview/{session_id}`: where a sandbox's servers can be seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The session's UUID.
    pub session_id: String,
    /// One for each port that may be seen.
    pub ports: Vec<PreviewPort>,
}

/// Where one port of a sandbox can be seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewPort {
    /// The port in the sandbox.
    #[schema(example = 8000)]
    pub container_port: u16,
    /// The port on the host's loopback; null where the sandbox has no network.
    pub host_port: Option<u16>,
    /// Where a browser opens it. The entry in it ends soon: ask again for another.
    pub url: String,
    /// Whether something listens there now.
    pub listening: bool,
}
