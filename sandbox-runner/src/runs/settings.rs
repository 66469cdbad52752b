//! How runs are driven.

use std::time::Duration;

/// How runs are driven.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many runs are executed at once; more wait. One that waits for somebody's approval is
    /// being executed.
    pub at_once: usize,
    /// How many of them may be one user's.
    pub of_user: usize,
    /// How many runs are driven at once, those that wait included.
    pub waiting: usize,
    /// How many of these may be one user's; as many as are executed at once may be in any case.
    pub waiting_of_user: usize,
    /// The first wait before the edge is asked again.
    pub shortest_wait: Duration,
    /// The longest.
    pub longest_wait: Duration,
    /// How long an execution may be silent: the edge says something every second.
    pub silence: Duration,
    /// How long the edge may be away before a run is left to be found again.
    pub patience: Duration,
    /// How often runs are looked for that nobody drives.
    pub period: Duration,
    /// How old they must be: younger ones are about to be asked for.
    pub age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once: 192,
            of_user: 64,
            waiting: 4096,
            waiting_of_user: 256,
            shortest_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            patience: Duration::from_secs(600),
            period: Duration::from_secs(5),
            age: Duration::from_secs(10),
        }
    }
}
