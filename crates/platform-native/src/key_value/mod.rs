//! `ports::KeyValue`: durable over SQLite, or in memory for tests.

mod durable;
mod memory;

pub use durable::{Store, Stores};
pub use memory::MemoryKeyValue;

use ports::KeyValueError;

/// The counter that `value` holds: eight bytes, little-endian, as Spin's `increment` keeps it.
fn counter(key: &str, value: &[u8]) -> Result<i64, KeyValueError> {
    value
        .try_into()
        .map(i64::from_le_bytes)
        .map_err(|_| KeyValueError(format!("the value of `{key}` is no counter")))
}

fn add(key: &str, value: Option<&[u8]>, delta: i64) -> Result<i64, KeyValueError> {
    let current = value.map_or(Ok(0), |value| counter(key, value))?;
    current
        .checked_add(delta)
        .ok_or_else(|| KeyValueError(format!("the counter `{key}` is at its limit")))
}
