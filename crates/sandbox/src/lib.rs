//! Sandboxes: where agents' commands run.
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | what a backend is: makes, finds and ends sandboxes |
//! | [`namespace`] | the backend that needs no daemon |
//! | [`control`] | the line to a sandbox's process 1 |
//! | [`exec`] | commands: their output, their end, those of the background |

pub mod backend;
pub mod control;
pub mod exec;
pub mod namespace;
