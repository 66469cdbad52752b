//! Model servers that are none.
//!
//! - [`offline`] answers by fixed rules, says so, and calls tools when asked to: with it the whole
//!   product works without a key. Binary `offline-model`.
//! - [`paced`] sends tokens at a fixed rate, stamped with the time: the bench measures what the
//!   product adds to it. Binary `model-stub`.
//! - [`scripted`] does what a test tells it, faults included, on real sockets.
//!
//! Invariant: all three speak the chat-completions wire as real servers do, byte by byte.

pub mod offline;
pub mod paced;
pub mod process;
pub mod scripted;
mod serve;
mod wire;
