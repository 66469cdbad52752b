//! The host's side of the interfaces in `wit/`.

pub(crate) mod atomics;
pub(crate) mod key_value;
pub(crate) mod sqlite;
mod variables;

use crate::{
    bindings::{
        spin::{
            key_value::key_value as spin_key_value, sqlite::sqlite as spin_sqlite,
            variables::variables as spin_variables,
        },
        wasi::keyvalue::{atomics as wasi_atomics, store as wasi_store},
    },
    guest::{Guest, View},
};
use wasmtime::component::{HasData, Linker};

/// Names the host's data for the generated code.
pub(crate) struct Interfaces;

impl HasData for Interfaces {
    type Data<'a> = View<'a>;
}

/// Gives the linker everything that a component may import.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    spin_sqlite::add_to_linker::<_, Interfaces>(linker, Guest::interfaces)?;
    spin_key_value::add_to_linker::<_, Interfaces>(linker, Guest::interfaces)?;
    spin_variables::add_to_linker::<_, Interfaces>(linker, Guest::interfaces)?;
    wasi_store::add_to_linker::<_, Interfaces>(linker, Guest::interfaces)?;
    wasi_atomics::add_to_linker::<_, Interfaces>(linker, Guest::interfaces)
}
