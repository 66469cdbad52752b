//! The five documented APIs: request and response types, problems, and the OpenAPI document.
//!
//! Invariant: pure, and views only. A type here says how a contract writes a thing of the
//! `domain`; what may happen to the thing is decided elsewhere.
//!
//! | module | contract | what it is |
//! |---|---|---|
//! | [`chat`] | `chat` | users, conversations and streamed chat, open |
//! | [`health`] | `runtime`, `codex` | health of the service and of what it stands on |

pub mod chat;
mod contract;
pub mod health;
pub mod openapi;
mod problem;
pub mod studio;
mod validation;

pub use contract::Contract;
pub use problem::{InvalidMember, PROBLEM_JSON, Problem, status_of, to_json};
pub use validation::{Validate, invalid_members};
