//! The host interfaces, generated from `wit/`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "atelier:host/imports",
    imports: {
        "spin:sqlite/sqlite.[static]connection.open": trappable,
        "spin:sqlite/sqlite.[method]connection.last-insert-rowid": async | trappable,
        "spin:sqlite/sqlite.[method]connection.changes": async | trappable,
        default: async | trappable,
    },
    with: {
        "spin:sqlite/sqlite.connection": crate::interfaces::sqlite::OpenConnection,
        "spin:key-value/key-value.store": crate::interfaces::key_value::OpenStore,
        "wasi:keyvalue/store.bucket": crate::interfaces::key_value::OpenStore,
        "wasi:keyvalue/atomics.cas": crate::interfaces::atomics::Compared,
    },
});
