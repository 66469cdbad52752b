//! `spin:variables`.

use super::Interfaces;
use crate::{
    bindings::spin::variables::variables::{Error, Host, HostWithStore},
    guest::View,
};
use wasmtime::component::Accessor;

impl<T> HostWithStore<T> for Interfaces {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        let value = accessor.with(|mut store| store.get().grants.variables.get(&name).cloned());
        Ok(value.ok_or_else(|| Error::Undefined(format!("no variable named {name:?}"))))
    }
}

impl Host for View<'_> {}
