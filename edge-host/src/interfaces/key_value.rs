//! `spin:key-value`, and the stores of `wasi:keyvalue`.

use super::Interfaces;
use crate::{
    bindings::{
        spin::key_value::key_value::{
            Error, Host, HostStore, HostStoreWithStore, Store as StoreResource,
        },
        wasi::keyvalue::store as wasi,
    },
    guest::View,
};
use platform_native::key_value::Store;
use ports::{KeyValue, KeyValueError};
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

/// A store that a guest has open.
#[allow(unreachable_pub, reason = "the generated code exports it")]
pub type OpenStore = Store;

/// Keys that one page of `list-keys` has.
const PAGE: u32 = 1_000;

/// Keys that `get-keys` gives at most.
const KEYS: u32 = 1_000_000;

type Keys = (StreamReader<String>, FutureReader<Result<(), Error>>);

impl View<'_> {
    pub(super) fn store(&mut self, resource: &Resource<OpenStore>) -> wasmtime::Result<Store> {
        Ok(self.table.get(resource)?.clone())
    }
}

impl<T> HostStoreWithStore<T> for Interfaces {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<StoreResource>, Error>> {
        accessor.with(|mut store| {
            let view = store.get();
            match view.grants.stores.get(&label) {
                Some(granted) => Ok(Ok(view.table.push(granted.clone())?)),
                None => Ok(Err(Error::AccessDenied)),
            }
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreResource>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.get(&key).await.map_err(to_spin))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreResource>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.set(&key, value).await.map_err(to_spin))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreResource>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.delete(&key).await.map_err(to_spin))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreResource>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.exists(&key).await.map_err(to_spin))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreResource>,
    ) -> wasmtime::Result<Keys> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        let (keys, complete) = match store.keys_after(None, KEYS).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(to_spin(error))),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let complete = async { wasmtime::error::Ok(complete) };
            Ok((keys, FutureReader::new(&mut access, complete)?))
        })
    }
}

impl Host for View<'_> {}

impl HostStore for View<'_> {
    async fn drop(&mut self, store: Resource<StoreResource>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl wasi::Host for View<'_> {
    async fn open(
        &mut self,
        identifier: String,
    ) -> wasmtime::Result<Result<Resource<wasi::Bucket>, wasi::Error>> {
        match self.grants.stores.get(&identifier) {
            Some(granted) => Ok(Ok(self.table.push(granted.clone())?)),
            None => Ok(Err(wasi::Error::AccessDenied)),
        }
    }
}

impl wasi::HostBucket for View<'_> {
    async fn get(
        &mut self,
        bucket: Resource<wasi::Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, wasi::Error>> {
        Ok(self.store(&bucket)?.get(&key).await.map_err(to_wasi))
    }

    async fn set(
        &mut self,
        bucket: Resource<wasi::Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        Ok(self.store(&bucket)?.set(&key, value).await.map_err(to_wasi))
    }

    async fn delete(
        &mut self,
        bucket: Resource<wasi::Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<(), wasi::Error>> {
        Ok(self.store(&bucket)?.delete(&key).await.map_err(to_wasi))
    }

    async fn exists(
        &mut self,
        bucket: Resource<wasi::Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<bool, wasi::Error>> {
        Ok(self.store(&bucket)?.exists(&key).await.map_err(to_wasi))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<wasi::Bucket>,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<wasi::KeyResponse, wasi::Error>> {
        let keys = match self
            .store(&bucket)?
            .keys_after(cursor.as_deref(), PAGE)
            .await
        {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(to_wasi(error))),
        };
        let full = u32::try_from(keys.len()).is_ok_and(|count| count == PAGE);
        let cursor = keys.last().filter(|_| full).cloned();
        Ok(Ok(wasi::KeyResponse { keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<wasi::Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function in `map_err`"
)]
fn to_spin(error: KeyValueError) -> Error {
    Error::Other(error.0)
}

pub(super) fn to_wasi(error: KeyValueError) -> wasi::Error {
    wasi::Error::Other(error.0)
}
