//! End to end, a file per concern.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod accounts;
mod chat;
mod coding;
mod coding_socket;
mod crash;
mod foreign_model;
mod health;
mod isolation;
mod migrations;
mod outbound;
mod problems;
mod run_crash;
mod sandbox_crash;
mod studio;
mod studio_walk;
mod workspace;
