//! Sandboxes: where agents' commands run.
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | what a backend is: makes, finds and ends sandboxes |
//! | [`docker`] | the backend over a container engine |
//! | [`namespace`] | the backend that needs no daemon |
//! | [`projects`] | folders of the host that may be workspaces |
//! | [`registry`] | which sandboxes there are, and for how long |
//! | [`control`] | the line to a sandbox's process 1 |
//! | [`exec`] | commands: their output, their end, those of the background |

pub mod backend;
pub mod control;
pub mod docker;
pub mod exec;
pub mod namespace;
pub mod projects;
pub mod registry;
