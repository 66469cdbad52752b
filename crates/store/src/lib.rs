//! Every SQL statement of the platform, a module per aggregate, and the migrations.
//!
//! Invariants: no SQL stands anywhere else; an operation that must be atomic is one statement
//! (a remote database makes each a round trip, and nothing holds between two).

pub mod answers;
pub mod conversations;
pub mod health;
pub mod messages;
pub mod migrations;
pub mod open_users;

mod failure;

/// How many rows to pass over, and how many to return at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows passed over.
    pub skip: i64,
    /// Rows returned at most.
    pub limit: i64,
}

/// Part of a list, and how long the whole is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// The length of the whole.
    pub total: i64,
}
