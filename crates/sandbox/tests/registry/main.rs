//! The registry's own rules, over a backend whose sandboxes are mere processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod fake;
mod launching;
mod recovering;
mod upkeep;
