//! The five documented APIs: request and response types, problems, and the OpenAPI document.
//!
//! Invariant: pure, and views only. A type here says how a contract writes a thing of the
//! `domain`; what may happen to the thing is decided elsewhere.
//!
//! | module | contract | what it is |
//! |---|---|---|
//! | [`runtime`] | `runtime` | accounts: sign-up by code, tokens, profiles |
//! | [`accounts`] | besides them | forgotten passwords, logins, API keys, tickets |
//! | [`workspace`] | `workspace` | signing in, sessions, sandboxes, files |
//! | [`codex`] | `codex` | signing in, by password or by key |
//! | [`studio`] | `studio` | signing in, one's own account, sessions, the envelope |
//! | [`chat`] | `chat` | users, conversations and streamed chat, open |
//! | [`health`] | `runtime`, `codex` | health of the service and of what it stands on |

pub mod accounts;
mod change;
pub mod chat;
pub mod codex;
mod contract;
mod credentials;
pub mod health;
pub mod openapi;
mod operation;
mod problem;
pub mod runtime;
mod secret;
pub mod studio;
mod usage;
mod validation;
pub mod workspace;

pub use change::Change;
pub use contract::Contract;
pub use credentials::{CodexLogin, Credentials, Login};
pub use operation::{Access, Method, Operation};
pub use problem::{InvalidMember, PROBLEM_JSON, Problem, status_of, to_json};
pub use secret::Secret;
pub use usage::Usage;
pub use validation::{Validate, invalid_members};
