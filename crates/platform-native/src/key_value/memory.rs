//! A store in memory, for tests.

use super::add;
use ports::{BoxFuture, KEYS_MOST, KeyValue, KeyValueError};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keeps values in memory; they go with it.
#[derive(Default)]
pub struct MemoryKeyValue {
    values: Mutex<HashMap<String, Vec<u8>>>,
}

impl MemoryKeyValue {
    fn values(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for MemoryKeyValue {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move { Ok(self.values().get(key).cloned()) })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            self.values().insert(key.to_owned(), value);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            self.values().remove(key);
            Ok(())
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a str,
        delta: i64,
    ) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(async move {
            let mut values = self.values();
            let sum = add(key, values.get(key).map(Vec::as_slice), delta)?;
            values.insert(key.to_owned(), sum.to_le_bytes().to_vec());
            Ok(sum)
        })
    }
    fn keys<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        Box::pin(async move {
            let values = self.values();
            let keys = values.keys().filter(|key| key.starts_with(prefix));
            Ok(keys.take(KEYS_MOST).cloned().collect())
        })
    }
}
