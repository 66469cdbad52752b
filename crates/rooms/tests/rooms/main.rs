//! Rooms on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod crashes;
mod deleting;
mod interleavings;
mod lasting;
mod limits;
mod reader;
mod slow_readers;
