//! What a turn is, to whoever waited for its answer, that ended without one.

use domain::{Error, ErrorKind, event::fault_of};
use store::runs::StoredRun;

/// When another turn may get a place that this one waited for, in seconds: places are counted by the
/// minute.
const A_PLACE: u32 = 60;

/// Why a turn has no answer: its model failed, it came to an end of another kind, or it was stopped.
#[must_use]
pub fn unanswered(run: &StoredRun) -> Error {
    let kind = fault_of(run.reason.as_deref().unwrap_or_default());
    let detail = run.detail.clone().unwrap_or_default();
    let error = match detail.is_empty() {
        true => Error::new(kind, "The turn ended without an answer"),
        false => Error::new(kind, detail),
    };
    match kind {
        ErrorKind::TooManyRequests => error.retry_in(A_PLACE),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{SessionId, SessionKind, Usage, UserId};
    use store::runs::{RunId, RunStatus};
    use uuid::Uuid;

    #[test]
    fn what_it_is_depends_on_what_ended_the_turn() {
        let check = |status, reason: &str, detail: &str, expected: (ErrorKind, &str)| {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let error = unanswered(&StoredRun {
                id: RunId(1),
                uuid: Uuid::nil(),
                session: SessionId(1),
                session_uuid: Uuid::nil(),
                session_kind: SessionKind::Workspace,
                user: UserId(1),
                status,
                reason: text(reason),
                detail: text(detail),
                usage: Usage::default(),
            });
            assert_eq!((error.kind(), error.detail()), expected, "{reason}");
        };
        let nothing = "The turn ended without an answer";
        let (upstream, unavailable) = (ErrorKind::Upstream, ErrorKind::Unavailable);
        check(RunStatus::Failed, "model_failed", "so", (upstream, "so"));
        check(RunStatus::Failed, "step_limit", "so", (unavailable, "so"));
        check(RunStatus::Failed, "", "", (unavailable, nothing));
        let late = ErrorKind::UpstreamTimeout;
        check(RunStatus::Failed, "time_limit", "so", (late, "so"));
        let many = ErrorKind::TooManyRequests;
        check(RunStatus::Failed, "rate_limited", "so", (many, "so"));
        let conflict = ErrorKind::Conflict;
        check(RunStatus::Cancelled, "interrupted", "so", (conflict, "so"));
        check(RunStatus::Succeeded, "completed", "", (conflict, nothing));
    }
}
