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
mod browsers;
mod edge;
mod edge_faults;
mod internal_paths;
mod limits;
mod mail;
mod migration;
mod passing_through;
mod smtp_server;
mod smuggling;
mod stack;
mod stopping;
mod sweeping;
mod what_the_edge_learns;
mod wire;
