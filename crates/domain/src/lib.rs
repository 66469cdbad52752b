//! Ids, entities, values and the one error type of the platform.
//!
//! Invariant: pure. Nothing here reads a clock, a random source, a file or a socket; what needs
//! one takes its result as an argument.

mod error;
mod id;
mod message;
mod session;
mod timestamp;
mod user;

pub use error::{Error, ErrorKind, FieldError};
pub use id::{MessageId, SessionId, UserId, uuid_at};
pub use message::{Message, MessageStatus, Role};
pub use session::{Session, SessionKind, SessionTitle};
pub use timestamp::Timestamp;
pub use user::{OpenEmail, OpenUser, OpenUsername};
