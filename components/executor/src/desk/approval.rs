//! Asking somebody, and waiting for what is said.

use super::Desk;
use crate::tools::refused;
use agent::{Caller, ToolError};
use domain::{
    Error, Event,
    event::{ApprovalEvent, ApprovalSubject, DecidedEvent, Decision},
};
use std::time::Duration;
use store::codex::approvals::{self, ApprovalKind, NewApproval, Verdict};

/// How often it is looked whether somebody has said something.
const LOOK: Duration = Duration::from_millis(250);

impl Desk {
    /// Asks for leave to do something, and waits. Returns whether nobody had to be asked, because
    /// the same was allowed for the session.
    ///
    /// # Errors
    /// What the model is told where it may not: it was denied, or nobody decided in time.
    pub(super) async fn ask(
        &self,
        caller: &Caller,
        kind: ApprovalKind,
        subject: ApprovalSubject,
        reason: &str,
    ) -> Result<bool, ToolError> {
        let text = serde_json::to_string(&subject).map_err(Error::internal);
        let text = text.map_err(|error| refused(&error))?;
        let now = self.platform.clock.now();
        let patience = i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX);
        let new = NewApproval {
            call_id: caller.call_id(),
            kind,
            subject: &text,
            now,
            expires_at: now.saturating_add(patience),
        };
        let asked = approvals::ask(&*self.platform.sql, self.run.id, &new).await;
        if asked.map_err(|error| refused(&error))?.is_some() {
            return Ok(true);
        }
        let expires_at = new.expires_at;
        // It may be long until somebody says something.
        drop(text);
        let event = ApprovalEvent {
            call_id: caller.call_id().to_owned(),
            subject,
            reason: Some(reason.to_owned()),
        };
        caller.tell_room(Event::ApprovalRequested(event)).await;
        let verdict = self.wait(caller.call_id(), expires_at).await;
        let verdict = verdict.map_err(|error| refused(&error))?;
        let (decision, told) = match verdict {
            Verdict::Approved => (Decision::Approved, Ok(false)),
            Verdict::ApprovedForSession => (Decision::ApprovedForSession, Ok(false)),
            Verdict::Denied => (Decision::Denied, Err(DENIED)),
            Verdict::Expired => (Decision::TimedOut, Err(EXPIRED)),
            Verdict::Withdrawn => (Decision::Withdrawn, Err(EXPIRED)),
        };
        let event = DecidedEvent {
            call_id: caller.call_id().to_owned(),
            decision,
        };
        caller.tell_room(Event::ApprovalDecided(event)).await;
        told.map_err(|why| ToolError(why.to_owned()))
    }

    /// Waits until somebody has decided, or the time is up.
    async fn wait(&self, call_id: &str, until: i64) -> Result<Verdict, Error> {
        let (sql, session) = (&*self.platform.sql, self.run.session);
        loop {
            match approvals::said(sql, session, call_id).await? {
                Some(Some(verdict)) => return Ok(verdict),
                Some(None) => {}
                None => return Err(Error::not_found("The session was deleted")),
            }
            let now = self.platform.clock.now();
            if now >= until {
                // Somebody may have been faster: then what they said counts.
                let verdict = Verdict::Expired;
                approvals::decide(sql, session, call_id, verdict, now).await?;
                continue;
            }
            self.platform.clock.sleep(LOOK).await;
        }
    }
}

const DENIED: &str = "The user denied it. Do not do it in another way; say what you wanted it for, \
    and go on without it, or stop.";

const EXPIRED: &str = "Nobody allowed it in time, so it was not done. Say what you wanted to do, and \
    stop.";
