//! The runner over real sockets, in front of edges that the tests play themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod admin;
mod binary;
mod blobs;
mod browsers;
mod client;
mod codex_attacks;
mod codex_client;
mod codex_sockets;
mod codex_submissions;
mod comfy;
mod edge;
mod edge_faults;
mod gone_sessions;
mod internal_paths;
mod limits;
mod mail;
mod migration;
mod passing_through;
mod room_edge;
mod room_restarts;
mod run_edge;
mod runs;
mod smtp_server;
mod smuggling;
mod socket_attacks;
mod socket_ends;
mod sockets;
mod stack;
mod stopping;
mod streams;
mod studio_sockets;
mod sweeping;
mod what_the_edge_learns;
mod wire;
