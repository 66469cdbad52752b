//! The `KeyValue` port over Spin's default store.

use ports::{BoxFuture, KEYS_MOST, KeyValue, KeyValueError};
use send_wrapper::SendWrapper;
use spin_sdk::key_value::{Error, Store};

mod wit {
    //! `increment` is not in the SDK; Spin and `edge-host` host it.
    #![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]

    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        path: "wit",
        world: "counters",
        generate_all,
    });
}

use wit::wasi::keyvalue::{atomics, store};

/// The component's default store.
pub(crate) struct KeyValueStore;

impl KeyValue for KeyValueStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(SendWrapper::new(async move {
            open().await?.get(key).await.map_err(|error| failed(&error))
        }))
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(SendWrapper::new(async move {
            open()
                .await?
                .set(key, value)
                .await
                .map_err(|error| failed(&error))
        }))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(SendWrapper::new(async move {
            open()
                .await?
                .delete(key)
                .await
                .map_err(|error| failed(&error))
        }))
    }

    fn increment<'a>(
        &'a self,
        key: &'a str,
        delta: i64,
    ) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(SendWrapper::new(async move { increment(key, delta) }))
    }

    fn keys<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        Box::pin(SendWrapper::new(keys(prefix)))
    }
}

async fn open() -> Result<Store, KeyValueError> {
    Store::open_default().await.map_err(|error| failed(&error))
}

/// The host streams all keys; what is beyond the bound is not asked for.
async fn keys(prefix: &str) -> Result<Vec<String>, KeyValueError> {
    let mut all = open().await?.get_keys().await;
    let mut found = Vec::new();
    while let Some(key) = all.next().await {
        if key.starts_with(prefix) {
            found.push(key);
        }
        if found.len() == KEYS_MOST {
            return Ok(found);
        }
    }
    all.result().await.map_err(|error| failed(&error))?;
    Ok(found)
}

fn increment(key: &str, delta: i64) -> Result<i64, KeyValueError> {
    let said = |error: store::Error| KeyValueError(format!("{error:?}"));
    let bucket = store::open("default").map_err(said)?;
    atomics::increment(&bucket, key, delta).map_err(said)
}

fn failed(error: &Error) -> KeyValueError {
    KeyValueError(error.to_string())
}
