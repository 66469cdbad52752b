//! Passwords, tokens, codes and permission rules.
//!
//! Invariants: pure (time, randomness and secrets are arguments), and no two uses share a key
//! ([`Keys`]). What is secret is compared in constant time and is not shown by `Debug`.

mod access_token;
mod api_key;
mod codes;
mod file_address;
mod keys;
mod lifetimes;
pub mod passwords;
pub mod permissions;
mod refresh_token;
pub mod sealing;
mod ticket;

pub use access_token::{AccessToken, IssueError, TokenError, claimed_audience, issue, verify};
pub use api_key::{api_key_hash, api_key_of, api_key_prefix};
pub use codes::{code_hash, code_matches};
pub use file_address::{may_read_file, sign_file};
pub use keys::{KeyError, Keys};
pub use lifetimes::{STUDIO_GRACE, lifetime, login_lifetime};
pub use refresh_token::RefreshToken;
pub use ticket::{ticket_hash, ticket_of};
