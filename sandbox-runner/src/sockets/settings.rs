//! How sockets and streams are treated.

use std::time::Duration;

/// Limits and times of sockets and streams.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sockets and streams at a time, of everybody.
    pub connections: usize,
    /// Sockets at a time of one session of `codex`.
    pub codex_per_session: u32,
    /// How often a sign of life is sent.
    pub beat: Duration,
    /// How long a socket's other end may give none, and how long anything may take to be taken
    /// by a reader.
    pub silence: Duration,
    /// The largest frame, and message, of a client, in bytes.
    pub frame: usize,
    /// How long the edge may take to say who may enter.
    pub admission: Duration,
    /// How long the edge may take for what a client wants over a socket.
    pub answer: Duration,
    /// How often the edge is asked for logins that ended.
    pub logins: Duration,
    /// How long logins may go unchecked before all sockets are closed.
    pub unchecked: Duration,
    /// How long the other end may take to say goodbye.
    pub goodbye: Duration,
    /// How often rooms are swept.
    pub sweep: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 8192,
            codex_per_session: 64,
            beat: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            frame: 64 * 1024,
            admission: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            logins: Duration::from_millis(500),
            unchecked: Duration::from_secs(60),
            goodbye: Duration::from_secs(2),
            sweep: Duration::from_secs(5),
        }
    }
}
