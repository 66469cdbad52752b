//! End to end: real components in edge-host with the real runner in front, over real sockets.
//!
//! What the tests in `tests/` share: a whole stack ([`stack`]), the same as processes that can be
//! killed ([`processes`]), people ([`person`]) and their clients ([`client`], [`events`], [`room`],
//! [`talk`]), a mail server ([`mailbox`]), a search for what was left on the disk ([`traces`]), and
//! waiting ([`polling`]), chance ([`chance`]) and Spin ([`spin`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

pub mod chance;
pub mod client;
pub mod events;
pub mod mailbox;
pub mod person;
pub mod polling;
pub mod processes;
pub mod room;
pub mod spin;
pub mod stack;
pub mod talk;
pub mod traces;

pub use chance::Chance;
pub use client::{Answer, Client, Stream};
pub use events::Events;
pub use person::Person;
pub use polling::eventually;
pub use room::Room;
pub use stack::Stack;
