//! Sandboxes: where agents' commands run.
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | what a backend is: makes, finds and ends sandboxes |
//! | [`docker`] | the backend over a container engine |

pub mod backend;
pub mod docker;
