//! What the runner and process 1 of a sandbox say to each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`protocol`] | requests, replies and events, and what is given at the start |
//! | [`packet`] | one of them as one packet of a `SOCK_SEQPACKET` socket, with its file descriptors |
//!
//! The binary of this package is process 1 itself.

pub mod packet;
pub mod protocol;
