//! What the platform gives to the components, as small traits.
//!
//! Invariant: nothing above this crate knows whether it runs under Spin, in `edge-host` or in a
//! test. `platform-spin` and `platform-native` implement the traits; components receive one
//! [`Platform`] and pass it on.
//!
//! The futures are `Send` because axum asks for it; a WebAssembly instance has one thread, so
//! `platform-spin` may promise it for types that are not.

mod http;
mod key_value;
mod sql;
mod system;

pub use crate::http::{ByteStream, ConnectTimeout, Http, HttpError};
pub use key_value::{KEYS_MOST, KeyValue, KeyValueError};
pub use sql::{FromValue, Row, Sql, SqlError, Value};
pub use system::{Clock, Random, Tasks, VariableError, Variables, to_its_end};

use std::{future::Future, pin::Pin, sync::Arc};

/// A boxed future, so that the ports can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything a component can ask of the world. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    /// The relational database: the truth, and every lock or lease.
    pub sql: Arc<dyn Sql>,
    /// The key-value store: caches, small blobs, counters.
    pub key_value: Arc<dyn KeyValue>,
    /// Outbound HTTP.
    pub http: Arc<dyn Http>,
    /// Time, and waiting for it.
    pub clock: Arc<dyn Clock>,
    /// Random bytes fit for secrets.
    pub random: Arc<dyn Random>,
    /// Work that goes on after the response.
    pub tasks: Arc<dyn Tasks>,
    /// The operator's settings.
    pub variables: Arc<dyn Variables>,
}
