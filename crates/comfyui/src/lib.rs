//! ComfyUI's wire: asking a server, following what it does, and reading, converting, checking and
//! changing workflows.
//!
//! - [`Client`] asks a server over [`ports::Http`]; every wait and every answer is bounded.
//! - [`Frame`] reads what the server says over its socket, which whoever uses this crate holds
//!   open; [`Progress`] turns frames into the [`Event`]s of one prompt, also across gaps.
//! - [`Workflow`] reads API format and editor format; [`convert`] makes the first of the second
//!   with the server's [`ObjectInfo`], and [`validate`] says what the server would object to.
//! - [`edit`] patches, compares and searches workflows for agents.
//!
//! Invariants: no input makes it panic or work without bound (see [`limits`]); what users wrote
//! is never changed in place; no text meant for users says more of a server than it should.

mod base_url;
mod client;
mod convert;
pub mod edit;
mod error;
mod frame;
mod lenient;
pub mod limits;
mod object_info;
mod outputs;
mod progress;
mod report;
mod timeouts;
mod validate;
mod workflow;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::{
    Client, ComingClasses, ComingHistory, Device, FileBody, HistoryEntry, Outcome, Probe, Queue,
    QueueItem, QueuePlace, Submission, Submitted, SystemStats, Upload, Uploaded, View,
};
pub use convert::{
    Control, ConvertError, Converted, NodeName, Seed, convert, draw_seeds, widget_names,
};
pub use error::Error;
pub use frame::{Failure, Frame, FrameError, NodeProgress, Picture, PictureFormat};
pub use object_info::{
    Choice, Found, Input, InputSpec, Kind, NodeClass, NodeQuery, ObjectInfo, Output,
};
pub use outputs::{NodeOutput, OutputFile, Outputs};
pub use progress::{Event, Progress};
pub use report::{NodeErrors, NodeProblems, Problem, Refusal};
pub use timeouts::Timeouts;
pub use validate::{Validation, validate, validate_outputs};
pub use workflow::{
    Graph, Link, Mode, Node, Origin, Prompt, PromptNode, Slot, Subgraph, Widgets, Workflow,
    WorkflowError,
};
