//! The ports over rusqlite, memory and hyper: tests, `edge-host`, tools.
//!
//! `edge-host` serves `spin:sqlite` and `spin:key-value` from [`sqlite::Database`] and
//! [`key_value::Stores`], so the rules for a database are the same natively and in a component.

mod clock;
mod http;
pub mod key_value;
mod sql;
pub mod sqlite;
mod system;

pub use clock::{ManualClock, SystemClock};
pub use http::HyperHttp;
pub use system::{MapVariables, OsRandom, TokioTasks};

use ports::{Platform, Sql};
use std::{io, sync::Arc};

/// A platform of this machine over `sql`: key-value in memory, real HTTP, time and randomness.
/// Replace a field to change a part of it:
/// `Platform { clock: Arc::new(ManualClock::new(0)), ..platform(database, variables)? }`.
///
/// # Errors
/// When the machine's certificates cannot be read.
pub fn platform(sql: impl Sql + 'static, variables: MapVariables) -> io::Result<Platform> {
    Ok(Platform {
        sql: Arc::new(sql),
        key_value: Arc::new(key_value::MemoryKeyValue::default()),
        http: Arc::new(HyperHttp::new()?),
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
        tasks: Arc::new(TokioTasks),
        variables: Arc::new(variables),
    })
}

/// [`platform`] over a new, empty database in a temporary folder.
///
/// # Errors
/// When there is no place for it, or the machine's certificates cannot be read.
pub fn temporary(variables: MapVariables) -> io::Result<Platform> {
    let database = sqlite::Database::temporary().map_err(io::Error::other)?;
    platform(database, variables)
}
