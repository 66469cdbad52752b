//! The documents of `docs/contracts/` against the types: every documented route is an operation,
//! every JSON example is one of our bodies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bodies;
mod examples;
mod reading;
mod routes;
mod sandboxes;
