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
mod crash;
mod health;
mod migrations;
mod problems;
mod sandbox_crash;
mod workspace;
