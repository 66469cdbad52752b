//! What a test wants to go wrong, and what it wants to know.

use serde_json::Value;
use std::time::Duration;

/// An answer that a test gives instead of the right one.
#[derive(Clone, Debug)]
pub enum Canned {
    /// This status and body.
    Response(u16, String),
    /// A redirect to this address.
    Redirect(String),
    /// No answer at all, for as long as the client waits.
    Silence,
    /// A body without end.
    Endless,
}

#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) requests: Vec<String>,
    pub(crate) prompts: Vec<Value>,
    pub(crate) step: Duration,
    pub(crate) hold_at: Option<String>,
    pub(crate) is_held: bool,
    /// Class, exception type, exception message.
    pub(crate) fail_at: Option<(String, String, String)>,
    pub(crate) answers: Vec<(String, Canned)>,
    /// Paths whose answers, and those below, are no JSON.
    pub(crate) spoilt: Vec<String>,
}

impl Faults {
    /// The answer that a test gave for this path, which is then used up.
    pub(crate) fn take_answer(&mut self, path: &str) -> Option<Canned> {
        let path = without_api(path);
        let at = self.answers.iter().position(|(wanted, _)| wanted == path)?;
        Some(self.answers.remove(at).1)
    }

    pub(crate) fn is_spoilt(&self, path: &str) -> bool {
        let path = without_api(path);
        self.spoilt.iter().any(|spoilt| path.starts_with(spoilt))
    }
}

/// Every path is there below `/api` as well.
fn without_api(path: &str) -> &str {
    path.strip_prefix("/api").unwrap_or(path)
}
