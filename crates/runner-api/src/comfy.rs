//! Sockets of ComfyUI services, which the runner holds open for as long as somebody reads.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/comfy/follow` with [`Follow`] | 200 once the socket is open, and a stream of [`FollowLine`]; 403 an address that must not be connected to, 502 no socket there, 503 too many are open, 504 none in time |
//!
//! The runner checks the address where it connects, follows no redirect and knows nothing of what
//! the frames say. Whoever stops reading closes the socket.

use serde::{Deserialize, Serialize};

/// Opens a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Its address: `ws://` or `wss://`, with the client's id in the query.
    pub url: String,
}

/// A line of what is heard. It has one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowLine {
    /// A text frame, as it came. Binary ones (pictures of what is being made) are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
    /// Nothing was heard for a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beat: bool,
    /// The socket is closed, and why. The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}
