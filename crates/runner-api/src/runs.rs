//! Runs: the edge executes them, the runner drives them to their end.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/runs` with [`Drive`] | 202: it is driven; with `Accept: application/x-ndjson` 200 and a stream of [`Passed`], a line each, until it ends, with `?only=end` its signs of life and its end alone; 503 when too many wait, 429 when too many of the user's do |
//! | [`Executor::path`] with [`Execute`] | 200 a stream of [`Line`], of which the last is the end; where the run has ended before, what was not passed on, and the end; 404 where there is none, 409 while somebody else executes it |
//! | `GET /internal/runs?unfinished` | 200 [`UnfinishedRuns`]; with `&ended_within=` also those that ended in so many milliseconds |
//!
//! The first is asked of the runner, the others of the edge. A stream that breaks off without an
//! end says nothing: the runner asks again, naming the last step that it passed on.

use domain::{Event, SessionKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// How long the edge waits at most for the end of a run of which it hears nothing any more: longer
/// than a run may work and the edge be away. Whoever waits for the edge's answer waits longer.
pub const LONGEST_WAIT: Duration = Duration::from_secs(45 * 60);

/// Which part of the edge executes a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// The one whose agents work in sandboxes.
    #[default]
    Sandbox,
    /// The one whose agents work on ComfyUI workflows.
    Studio,
}

impl Executor {
    /// The executor of runs in sessions of that kind.
    #[must_use]
    pub fn of(kind: SessionKind) -> Self {
        match kind {
            SessionKind::Studio => Self::Studio,
            _ => Self::Sandbox,
        }
    }

    /// Where it is asked to execute `run`.
    #[must_use]
    pub fn path(self, run: Uuid) -> String {
        match self {
            Self::Sandbox => format!("/internal/runs/{run}"),
            Self::Studio => format!("/internal/studio/runs/{run}"),
        }
    }
}

/// Drives a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drive {
    /// The run.
    pub run: Uuid,
    /// Its session.
    pub session: Uuid,
    /// Whose it is: each has a share of what is executed at once.
    pub user: i64,
    /// Who executes it.
    #[serde(default)]
    pub executor: Executor,
    /// The room that its events go to, if not its session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Uuid>,
}

impl Drive {
    /// The room that its events go to.
    #[must_use]
    pub fn room(&self) -> Uuid {
        self.room.unwrap_or(self.session)
    }
}

/// What whoever has a run driven wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// All that happens.
    Everything,
    /// That it goes on, and its end: what happened is in the database then.
    End,
}

/// Executes a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execute {
    /// The last step whose events were passed on; 0 for none.
    pub seen: u64,
}

/// Events of a run that go out together, in the words of the edge's agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The step that they tell, if a step does.
    pub step: Option<u64>,
    /// The events.
    pub events: Vec<Value>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// `succeeded`, `failed` or `cancelled`.
    pub outcome: String,
    /// What ended it, in one word.
    pub reason: String,
    /// The same in a sentence.
    pub detail: String,
}

/// A line of an execution. It has one of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The same for the session's room; may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub room: Vec<Event>,
    /// The execution goes on: said every second.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beat: bool,
    /// The run has ended. The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Ending>,
    /// The run was put down, to be executed on at once. The last line.
    #[serde(rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
}

/// An event as its room numbered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// `epoch:seq`
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The event.
    pub event: Event,
}

/// A line of a run as the runner passes it on to whoever asked for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Passed {
    /// Something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The same as the room has it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub room: Vec<Told>,
    /// Nothing happened for a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beat: bool,
    /// The run has ended. The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Ending>,
}

/// A run that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedRun {
    /// The run.
    pub run: Uuid,
    /// Its session.
    pub session: Uuid,
    /// Whose it is.
    pub user: i64,
    /// Who executes it.
    #[serde(default)]
    pub executor: Executor,
    /// The room that its events go to, if not its session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Uuid>,
    /// How long ago it was stored, in milliseconds. Whoever stored it may be about to ask for it.
    pub age: i64,
}

/// Runs that have not ended, at most 1,000: each user's oldest before anybody's second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedRuns {
    /// The runs.
    pub runs: Vec<UnfinishedRun>,
}
