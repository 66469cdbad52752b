//! What an agent can do besides speaking.

use crate::{
    Call, Event, Kind,
    journal::{Closed, Outlet},
    limits,
};
use domain::FileChange;
use ports::BoxFuture;
use serde_json::{Map, Value};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// How a tool is described to models, and handled.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The schema of its arguments, in the words that [`crate::schema`] knows.
    pub parameters: Value,
    /// How long it may take; the run's [`crate::Limits::tool_timeout`] if `None`.
    pub timeout: Option<Duration>,
    /// Whether calls may run at once with those beside them. False for whatever changes
    /// something: models write a file and run it in one answer.
    pub parallel: bool,
}

impl Spec {
    pub(crate) fn offer(&self) -> llm::Tool {
        llm::Tool {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parameters.clone(),
        }
    }
}

/// A tool.
pub trait Tool: Send + Sync {
    /// Its description.
    fn spec(&self) -> &Spec;

    /// Does it. The arguments fit the schema. Dropping the future stops the work: that is how a
    /// call is timed out and a run interrupted.
    fn call<'a>(
        &'a self,
        arguments: Map<String, Value>,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Output, ToolError>>;
}

/// What a tool came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// What the model is told. The beginning and the end of a long one are shown, the rest can be
    /// read on.
    pub text: String,
    /// What readers are told besides, such as `{"exit_code": 0}`. At most 64 KiB of JSON, else it
    /// is left out.
    pub detail: Option<Value>,
}

impl Output {
    /// An output without detail.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            detail: None,
        }
    }

    /// The detail, if it is not too long.
    pub(crate) fn bounded_detail(&self) -> Option<Value> {
        let detail = self.detail.as_ref()?;
        (detail.to_string().len() <= limits::DETAIL).then(|| detail.clone())
    }
}

/// A tool could not do it. The text is for the model, and for readers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

/// Who calls a tool, and the way to tell readers how it goes.
pub struct Caller {
    pub(crate) agent: String,
    pub(crate) thread: Option<String>,
    pub(crate) call: Call,
    pub(crate) outlet: Outlet,
    pub(crate) put_out: AtomicUsize,
}

impl Caller {
    /// The agent's name.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The call's id.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call.id
    }

    /// Tells readers what the tool puts out, as it comes. What goes beyond 256 KiB a call is left
    /// out here; the model gets the tool's [`Output`] either way.
    pub async fn put_out(&self, text: impl Into<String>) {
        let text = text.into();
        let before = self.put_out.fetch_add(text.len(), Ordering::Relaxed);
        if !text.is_empty() && before.saturating_add(text.len()) <= limits::OUTPUT_EVENTS {
            self.tell(Kind::ToolOutput {
                call_id: self.call.id.clone(),
                tool: self.call.tool.clone(),
                text,
            })
            .await;
        }
    }

    /// Tells readers that a file of the workspace changed.
    pub async fn file_changed(&self, change: FileChange) {
        let call_id = self.call.id.clone();
        self.tell(Kind::FileChange { call_id, change }).await;
    }

    /// Tells the session's room something that has no word of its own among a run's events. It is
    /// told once, and not again after a crash.
    pub async fn tell_room(&self, event: domain::Event) {
        self.tell(Kind::Room { event }).await;
    }

    async fn tell(&self, kind: Kind) {
        let event = Event {
            agent: Some(self.agent.clone()),
            thread: self.thread.clone(),
            kind,
        };
        match self.outlet.tell(event).await {
            // The run is over, and this call about to be dropped.
            Ok(()) | Err(Closed) => {}
        }
    }
}
