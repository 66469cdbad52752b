//! How much a run may take.

use crate::Cost;
use std::time::Duration;

/// What ends a run that does not end by itself, and what bounds its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers of models, of all agents together. 100.
    pub steps: u32,
    /// Tokens of questions and answers together. 2,000,000.
    pub tokens: u64,
    /// Time at work; what passes between a crash and the restart does not count. 30 min.
    pub time: Duration,
    /// What all answers may cost; no limit if `None`.
    pub cost: Option<Cost>,
    /// Tool calls at once, in one agent's loop. 4.
    pub parallel: usize,
    /// How long a tool without a limit of its own may take. 2 min.
    pub tool_timeout: Duration,
    /// Bytes of a tool's output that the model is shown at once. 16 KiB; at least 1 KiB.
    pub output_shown: usize,
    /// Bytes of a tool's output that are kept, to be read on with `read_output`. 1 MiB.
    pub output_kept: usize,
    /// How many loops may stand in one another: 1 is an agent that cannot hand on. 2.
    pub depth: u32,
    /// How often a question is asked again when its server is busy or fails; once at most when the
    /// server let it wait in vain. 5.
    pub retries: u32,
    /// The longest wait that a server may ask for before it is asked again. 1 min.
    pub retry_after: Duration,
    /// How long a question may wait in all until its model may be asked. 10 min.
    pub turn: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 100,
            tokens: 2_000_000,
            time: Duration::from_secs(30 * 60),
            cost: None,
            parallel: 4,
            tool_timeout: Duration::from_secs(120),
            output_shown: 16 << 10,
            output_kept: 1 << 20,
            depth: 2,
            retries: 5,
            retry_after: Duration::from_secs(60),
            turn: Duration::from_secs(10 * 60),
        }
    }
}

/// Bytes of the text of one message.
pub(crate) const MESSAGE: usize = 256 << 10;

/// Bytes of the arguments of all calls of one answer.
pub(crate) const ARGUMENTS: usize = 2 << 20;

/// Bytes of memory that the arguments of a call may take once they are read: some are few bytes of
/// JSON and many of memory.
pub(crate) const ARGUMENTS_WEIGHT: usize = 8 << 20;

/// Bytes that one call may put out as events while it runs.
pub(crate) const OUTPUT_EVENTS: usize = 256 << 10;

/// Bytes of what a call tells readers besides its text.
pub(crate) const DETAIL: usize = 64 << 10;

/// Restarts in a row without anything new, after which a run is given up.
pub(crate) const RESTARTS: usize = 5;

/// How often the text of a message under way is stored.
pub(crate) const DRAFT_EVERY: Duration = Duration::from_secs(3);
