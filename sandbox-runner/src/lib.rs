//! The native companion of the edge: front door, sandboxes, rooms, mail.
//!
//! | module | what it is |
//! |---|---|
//! | [`front_door`] | the one origin: a streaming proxy to the edge |
//! | `admin` | the runner's own interface (`/v1/*`, `/metrics`), for the edge and the operator |
//! | [`sandboxes`] | the sandboxes of sessions: commands, files, watches, ports |
//! | [`previews`] | what runs in sandboxes, shown on origins of their own |
//! | [`runs`] | turns of agents: each is driven to its end |
//! | [`comfy`] | sockets of ComfyUI services, listened to for the edge |
//! | [`sockets`] | rooms over WebSockets and as server-sent events |
//! | `edge` | what the runner asks of the edge: to migrate its database, to clear up, who may enter |
//! | `blobs` | bytes of files that are too large for the edge's key-value |
//! | [`mail`] | a durable queue of messages, sent by SMTP or put into an outbox |
//!
//! Invariant: the runner owns no business rule and reads no database; it holds what must
//! outlive a request, and asks the edge.

pub mod comfy;
pub mod config;
pub mod front_door;
pub mod mail;
pub mod previews;
pub mod runs;
pub mod sandboxes;
pub mod sockets;
pub mod token;

mod addresses;
mod admin;
mod blobs;
mod disk;
mod drain;
mod edge;
mod histogram;
mod listener;
mod metrics;
mod ndjson;
mod places;
mod room_keeping;
mod runner;

pub use config::{Config, EdgeUrl};
pub use listener::ListenError;
pub use runner::{Runner, StartError};
pub use token::Token;
