//! What the edge and the runner say to each other about sandboxes, files, rooms and runs.
//!
//! | module | direction |
//! |---|---|
//! | [`sandboxes`], [`commands`], [`files`], [`checkpoints`], [`projects`], [`rooms`], [`blobs`] | the edge asks the runner, below `/v1` |
//! | [`runs`] | the edge asks the runner to drive one, the runner asks the edge to execute it |
//! | [`comfy`] | the edge has the runner listen to a ComfyUI service |
//! | [`mail`] | the edge hands the runner letters |
//! | [`edge`] | the runner asks the edge, below `/internal` |
//!
//! [`Client`] is the edge's end of it.
//!
//! Both sides send the runner's token as a bearer token. A session is named by its UUID, a user by
//! its number. Every refusal is `application/problem+json`, and its `detail` is fit for the person
//! who asked. The version is the first segment of the path; members are only ever added to one.

pub mod blobs;
pub mod checkpoints;
mod client;
pub mod comfy;
pub mod commands;
pub mod edge;
pub mod files;
pub mod mail;
pub mod projects;
pub mod rooms;
pub mod runs;
pub mod sandboxes;

pub use client::{
    Archive, Beginning, Client, Coming, ExecEvents, FollowLines, Raw, RunLines, TreeQuery,
};
