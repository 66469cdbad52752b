//! How long to wait for a model.

use std::time::Duration;

/// How long to wait for a model, in three phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection. 10 s.
    pub connect: Duration,
    /// For anything of the answer, from the moment of asking. 60 s.
    pub first_token: Duration,
    /// Between two pieces of the answer, from the first token on. 120 s.
    pub silence: Duration,
    /// How long keep-alives alone can put off the other two. A server that queues requests sends
    /// comments or empty chunks meanwhile, and a proxy does so for a model that is dead. 10 min.
    pub kept_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(60),
            silence: Duration::from_secs(120),
            kept_alive: Duration::from_secs(600),
        }
    }
}
