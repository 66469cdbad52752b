//! `wasi:keyvalue/atomics`: counting. Replacing a value only if it is unchanged is refused,
//! since the store that Spin has in its place does not keep that promise.

use super::key_value::to_wasi;
use crate::{
    bindings::wasi::keyvalue::{
        atomics::{Cas, CasError, Host, HostCas},
        store::{Bucket, Error},
    },
    guest::View,
};
use ports::KeyValue;
use wasmtime::component::Resource;

/// Stands for a value to be replaced; none is ever made.
#[allow(unreachable_pub, reason = "the generated code exports it")]
pub struct Compared;

const REFUSED: &str = "compare-and-swap is not offered: keep locks in the database";

impl Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, Error>> {
        let store = self.store(&bucket)?;
        Ok(store.increment(&key, delta).await.map_err(to_wasi))
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        _: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        self.table.delete(cas)?;
        Ok(Err(CasError::StoreError(Error::Other(REFUSED.to_owned()))))
    }
}

impl HostCas for View<'_> {
    async fn new(
        &mut self,
        _: Resource<Bucket>,
        _: String,
    ) -> wasmtime::Result<Result<Resource<Cas>, Error>> {
        Ok(Err(Error::Other(REFUSED.to_owned())))
    }

    async fn current(
        &mut self,
        cas: Resource<Cas>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.table.get(&cas)?;
        Ok(Err(Error::Other(REFUSED.to_owned())))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
