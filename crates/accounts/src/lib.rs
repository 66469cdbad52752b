//! What accounts can do: sign up, sign in, change, leave. The operations behind the components
//! `auth` and `users`.
//!
//! Invariants: an answer never tells whether an address is known, neither by what it says nor by
//! how long it takes; a try is counted before it is judged; whatever lets somebody in ends with
//! [`Opened`], and there is no other way to a token.

mod address;
mod administrator;
mod api_keys;
mod codes;
mod letters;
mod limits;
mod mail;
mod opening;
mod password;
mod refresh;
mod sign_in;
mod sign_up;

pub use address::{confirm_address, request_address};
pub use api_keys::new_api_key;
pub use codes::Asker;
pub use opening::Opened;
pub use password::{change_password, check_password, confirm_reset, request_reset};
pub use refresh::{end_by_refresh_token, end_by_studio_token, refresh, refresh_studio};
pub use sign_in::{Name, sign_in, sign_in_with_key};
pub use sign_up::{Wanted, confirm_sign_up, resend, sign_up};

use domain::{Error, ErrorKind};
use web::TokenSettings as Settings;

/// Milliseconds of a duration.
fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Nobody may learn more than this of why a code, a password or a token is refused.
fn unauthenticated(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, detail)
}
