//! How long to wait for a ComfyUI server.

use std::time::Duration;

/// How long to wait for a ComfyUI server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection. 5 s.
    pub connect: Duration,
    /// From asking to the last byte of an answer that is JSON. 60 s: `/object_info` looks through
    /// all folders of models, and may take so long to its first byte and from there to its last.
    pub answer: Duration,
    /// Between two pieces of a file. 30 s.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            silence: Duration::from_secs(30),
        }
    }
}
