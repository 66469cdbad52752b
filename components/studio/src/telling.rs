//! Tells the user how far a workflow is.
//!
//! Whoever was told that it runs is told an end of it also where the call that tells is dropped:
//! because it took too long, the turn was stopped, the session was deleted, or somebody else executes
//! the turn on.

use crate::{desk::Desk, desk::Opened, tools::refused};
use agent::{Caller, ToolError};
use comfyui::Event;
use domain::{
    Error, UserId,
    event::{ExecutionProgress, OfSession},
};
use ports::Platform;
use runner_api::{Client, rooms::Publish};
use store::{accounts, executions};

/// How often a node's progress is told, in milliseconds: samplers count fast, and rooms keep what
/// they are told. The first and the last of a node are always told.
const PAUSE: i64 = 250;

/// By how much a clock may be behind the timer of a call, in milliseconds.
const BEHIND: i64 = 1_000;

/// Tells one run of a workflow.
pub(crate) struct Telling<'a> {
    desk: &'a Desk,
    caller: &'a Caller,
    workflow: i64,
    /// The number of the turn's execution.
    execution: Option<i64>,
    /// When the call is dropped because it takes too long, in milliseconds since 1970.
    late: i64,
    told_at: i64,
    node: Option<String>,
    /// Whether something of it was told, and no end.
    is_open: bool,
}

impl<'a> Telling<'a> {
    /// Tells of a run whose call takes too long from `late` on.
    pub(crate) async fn begin(
        desk: &'a Desk,
        opened: &Opened,
        caller: &'a Caller,
        late: i64,
    ) -> Result<Self, ToolError> {
        let execution = executions::number(&*desk.platform.sql, desk.run.uuid).await;
        Ok(Self {
            desk,
            caller,
            workflow: opened.id.0,
            execution: execution.map_err(|error| refused(&error))?,
            late,
            told_at: 0,
            node: None,
            is_open: false,
        })
    }

    pub(crate) async fn tell(&mut self, event: &Event) {
        match event {
            Event::Queued { position } => {
                let position = u64::try_from(*position).ok();
                self.say("QUEUED", None, position, None).await;
            }
            Event::Started => self.say("RUNNING", None, None, None).await,
            Event::Cached { .. } | Event::NodeExecuted { .. } => {}
            Event::NodeStarted { node } => {
                self.node = Some(node.clone());
                self.say("RUNNING", Some(node), None, None).await;
            }
            Event::NodeProgress { node, value, max } => {
                let (value, max) = (whole(*value), whole(*max));
                let is_due = self.now().saturating_sub(self.told_at) >= PAUSE;
                if is_due || value >= max || self.node.as_ref() != Some(node) {
                    self.node = Some(node.clone());
                    self.say("RUNNING", Some(node), Some(value), Some(max))
                        .await;
                }
            }
            Event::Succeeded { .. } => self.end("SUCCEEDED", None).await,
            Event::Interrupted { node } => self.end("CANCELLED", node.as_deref()).await,
            Event::Failed(failure) => self.end("FAILED", Some(&failure.node)).await,
            Event::Lost => self.failed().await,
        }
    }

    /// It came to no end that the service told.
    pub(crate) async fn failed(&mut self) {
        self.end("FAILED", None).await;
    }

    async fn end(&mut self, status: &str, node: Option<&str>) {
        self.say(status, node, None, None).await;
        self.is_open = false;
    }

    async fn say(
        &mut self,
        status: &str,
        node: Option<&str>,
        value: Option<u64>,
        max: Option<u64>,
    ) {
        self.told_at = self.now();
        self.is_open = true;
        let progress = ExecutionProgress {
            node: node.map(str::to_owned),
            value,
            max,
            ..self.progress(status)
        };
        let event = domain::Event::ExecutionProgress(progress);
        self.caller.tell_room(event).await;
    }

    /// How far it is, in one word.
    fn progress(&self, status: &str) -> ExecutionProgress {
        ExecutionProgress {
            workflow_id: self.workflow,
            execution_id: self.execution,
            node: None,
            value: None,
            max: None,
            status: status.to_owned(),
        }
    }

    fn now(&self) -> i64 {
        self.desk.platform.clock.now()
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let progress = self.progress(dropped(self.now(), self.late));
        let event = domain::Event::OfSession(OfSession {
            session_id: self.desk.run.session.0,
            message: None,
            turn: None,
            event: Box::new(domain::Event::ExecutionProgress(progress)),
        });
        let (platform, run) = (self.desk.platform.clone(), self.desk.run.clone());
        self.desk.platform.tasks.spawn(Box::pin(async move {
            if let Err(error) = tell_user(&platform, run.user, event).await {
                eprintln!("run {}: an end is not told of: {error}", run.uuid);
            }
        }));
    }
}

/// What a run is whose call was dropped at that time.
fn dropped(now: i64, late: i64) -> &'static str {
    match now.saturating_add(BEHIND) >= late {
        true => "FAILED",
        false => "CANCELLED",
    }
}

/// Tells the room of a user, beside the lines of the turn: nobody may be left who reads them.
async fn tell_user(platform: &Platform, user: UserId, event: domain::Event) -> Result<(), Error> {
    let Some(account) = accounts::by_id(&*platform.sql, user).await? else {
        return Ok(());
    };
    let events = Publish {
        events: vec![event],
    };
    let told = Client::new(platform).publish(account.uuid, &events).await;
    told.map(drop)
}

/// A number of steps. Those of ComfyUI are floating, and could be anything.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what does not fit becomes the nearest that does"
)]
fn whole(steps: f64) -> u64 {
    steps as u64
}

#[cfg(test)]
mod tests {
    use super::{BEHIND, dropped};

    #[test]
    fn a_call_that_takes_too_long_has_failed_and_any_other_was_stopped() {
        let late = 1_500_000;
        for (now, expected) in [
            (0, "CANCELLED"),
            (late - BEHIND - 1, "CANCELLED"),
            (late - BEHIND, "FAILED"),
            (late + 5, "FAILED"),
        ] {
            assert_eq!(dropped(now, late), expected, "{now}");
        }
    }
}
