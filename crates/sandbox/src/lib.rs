//! Sandboxes: where agents' commands run.
//!
//! | module | what it is |
//! |---|---|
//! | [`backend`] | what a backend is: makes, finds and ends sandboxes |

pub mod backend;
