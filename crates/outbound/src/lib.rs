//! Which addresses the native programs connect to on somebody's behalf, and how.
//!
//! Invariant: a name is resolved once, every address that it has is checked, and what is connected
//! to is what was checked.

mod addresses;
mod connect;
mod hosts;
mod policy;
mod resolver;
mod tls;

pub use connect::{Refused, connect};
pub use policy::{Policy, PolicyError};
pub use resolver::{Addresses, Resolver, System};
pub use tls::{TlsStream, secure, tls};
