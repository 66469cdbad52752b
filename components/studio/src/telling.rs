//! Tells the user how far a workflow is.

use crate::{desk::Desk, desk::Opened, tools::refused};
use agent::{Caller, ToolError};
use comfyui::Event;
use domain::event::ExecutionProgress;
use ports::Clock;

/// How often a node's progress is told, in milliseconds: samplers count fast, and rooms keep what
/// they are told. The first and the last of a node are always told.
const PAUSE: i64 = 250;

/// Tells one run of a workflow.
pub(crate) struct Telling<'a> {
    caller: &'a Caller,
    clock: &'a dyn Clock,
    workflow: i64,
    /// The number of the turn's execution.
    execution: Option<i64>,
    told_at: i64,
    node: Option<String>,
}

impl<'a> Telling<'a> {
    pub(crate) async fn begin(
        desk: &'a Desk,
        opened: &Opened,
        caller: &'a Caller,
    ) -> Result<Self, ToolError> {
        let execution = store::executions::number(&*desk.platform.sql, desk.run.uuid).await;
        Ok(Self {
            caller,
            clock: &*desk.platform.clock,
            workflow: opened.id.0,
            execution: execution.map_err(|error| refused(&error))?,
            told_at: 0,
            node: None,
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
                let is_due = self.clock.now().saturating_sub(self.told_at) >= PAUSE;
                if is_due || value >= max || self.node.as_ref() != Some(node) {
                    self.node = Some(node.clone());
                    self.say("RUNNING", Some(node), Some(value), Some(max))
                        .await;
                }
            }
            Event::Succeeded { .. } => self.say("SUCCEEDED", None, None, None).await,
            Event::Interrupted { node } => {
                self.say("CANCELLED", node.as_deref(), None, None).await;
            }
            Event::Failed(failure) => {
                self.say("FAILED", Some(&failure.node), None, None).await;
            }
            Event::Lost => self.failed().await,
        }
    }

    /// It came to no end that the service told.
    pub(crate) async fn failed(&mut self) {
        self.say("FAILED", None, None, None).await;
    }

    async fn say(
        &mut self,
        status: &str,
        node: Option<&str>,
        value: Option<u64>,
        max: Option<u64>,
    ) {
        self.told_at = self.clock.now();
        let progress = ExecutionProgress {
            workflow_id: self.workflow,
            execution_id: self.execution,
            node: node.map(str::to_owned),
            value,
            max,
            status: status.to_owned(),
        };
        let event = domain::Event::ExecutionProgress(progress);
        self.caller.tell_room(event).await;
    }
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
