//! What the edge and the runner say to each other about sandboxes, files, rooms and runs.
//!
//! | module | direction |
//! |---|---|
//! | [`sandboxes`], [`commands`], [`files`], [`rooms`] | the edge asks the runner, below `/v1` |
//! | [`runs`] | the edge asks the runner to drive one, the runner asks the edge to execute it |
//! | [`mail`] | the edge hands the runner letters |
//! | [`edge`] | the runner asks the edge, below `/internal` |
//!
//! [`Client`] is the edge's end of it.
//!
//! Both sides send the runner's token as a bearer token. A session is named by its UUID, a user by
//! its number. Every refusal is `application/problem+json`, and its `detail` is fit for the person
//! who asked. The version is the first segment of the path; members are only ever added to one.

mod client;
pub mod commands;
pub mod edge;
pub mod files;
pub mod mail;
pub mod rooms;
pub mod runs;
pub mod sandboxes;

pub use client::{Archive, Client, ExecEvents, Raw, RunLines, TreeQuery};
