//! Every SQL statement of the platform, a module per aggregate, and the migrations.
//!
//! Invariants: no SQL stands anywhere else; an operation that must be atomic is one statement
//! (a remote database makes each a round trip, and nothing holds between two).

pub mod accounts;
pub mod agents;
pub mod answers;
pub mod api_keys;
pub mod branches;
pub mod codex;
pub mod conversations;
pub mod executions;
pub mod files;
pub mod health;
pub mod logins;
pub mod messages;
pub mod migrations;
pub mod models;
pub mod open_users;
pub mod providers;
pub mod runs;
pub mod search;
pub mod services;
pub mod sessions;
pub mod steps;
pub mod sweep;
pub mod tickets;
pub mod verifications;
pub mod versions;
pub mod workflows;

mod failure;
mod listed;
mod rows;

pub use listed::{Listed, Window};
