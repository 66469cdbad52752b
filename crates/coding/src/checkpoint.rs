//! What is said where there is no way back.

use domain::{Error, event::WarningEvent};

/// What a session's room is told when no checkpoint could be taken before a `turn` or a `patch`.
#[must_use]
pub fn no_checkpoint(of: &str, why: &Error) -> WarningEvent {
    WarningEvent {
        code: "no_checkpoint".to_owned(),
        agent: None,
        text: format!(
            "This {of} cannot be undone, and its changes are not shown: {}",
            why.detail()
        ),
    }
}
