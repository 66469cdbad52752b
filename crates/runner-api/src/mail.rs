//! Letters.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/mail` with [`Letter`] | 202 once it is stored |

use serde::Serialize;

/// A letter that is to be sent.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Letter<'a> {
    /// Whom it is to: one address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// What it says.
    pub text: &'a str,
    /// Whether it is dropped where it would be sent.
    pub discard: bool,
}
