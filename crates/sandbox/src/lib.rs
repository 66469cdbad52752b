//! Sandboxes: where agents' commands run.
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | what a backend is: makes, finds and ends sandboxes |
//! | [`docker`] | the backend over a container engine |
//! | [`registry`] | which sandboxes there are, and for how long |

pub mod backend;
pub mod docker;
pub mod registry;
