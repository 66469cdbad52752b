//! The loop of an agent and its team: a transcript goes in; models are asked, tools are called;
//! events come out.
//!
//! [`decide`] says what comes next, as a function of the [`Transcript`]; [`Run::drive`] does it.
//! Every [`Step`] is stored through [`Record`] before a [`Reader`] is told of it, and what is told
//! of a step is a function of the transcript ([`events_of`]): so a run that was cut off anywhere
//! goes on from its steps, and a reader that was cut off is told the rest.
//!
//! Invariants: no recorded call is carried out twice, and one without a result is recorded as
//! interrupted; everything that began ends before the run does ([`order::check`]); every run ends;
//! stopping drops the models' streams and the tools at once.

mod address;
mod arguments;
pub mod builtin;
mod compaction;
mod decide;
mod drive;
mod event;
mod gate;
mod journal;
mod limits;
pub mod order;
mod output;
mod record;
mod recovery;
mod rendering;
mod repetition;
mod retry;
mod run;
pub mod schema;
mod step;
mod team;
mod telling;
mod tool;
mod transcript;
mod usage;
mod view;

pub use address::{addressed, may_address};
pub use compaction::Compaction;
pub use decide::{Next, Situation, decide};
pub use event::{Batch, Event, Kind};
pub use gate::{Gate, Wait};
pub use limits::Limits;
pub use record::{Gone, Reader, Record};
pub use recovery::{Assignments, Missing, missing};
pub use run::{Driven, Run, RunError, World};
pub use step::{
    Answer, Body, Call, CallResult, CallState, End, MessageState, Outcome, Reason, Step,
};
pub use team::{Agent, Model, Team};
pub use telling::{events_of, retell};
pub use tool::{Caller, Output, Spec, Tool, ToolError};
pub use transcript::{Transcript, TranscriptError};
pub use usage::{Cost, Prices, Usage, estimate};
