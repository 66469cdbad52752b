//! What belongs to one instance of a component, and what it was granted.

use crate::{guest_log::GuestLog, outbound::Outbound};
use platform_native::{key_value::Store, sqlite::Database};
use std::{collections::BTreeMap, sync::Arc};
use wasmtime::{StoreLimits, StoreLimitsBuilder, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Resources that one instance may hold at once.
const RESOURCES: usize = 100_000;

/// Database connections that one instance may hold at once.
const CONNECTIONS: usize = 256;

/// What the manifest gives to a component.
pub(crate) struct Grants {
    pub(crate) component: String,
    pub(crate) databases: BTreeMap<String, Database>,
    pub(crate) stores: BTreeMap<String, Store>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// The host's side of an instance.
pub(crate) struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    grants: Arc<Grants>,
    connections_left: usize,
    pub(crate) limits: StoreLimits,
}

impl Guest {
    /// An instance has no files, sockets, arguments or environment.
    pub(crate) fn new(grants: &Arc<Grants>, outbound: &Outbound, memory: usize) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Self {
            table,
            wasi: WasiCtxBuilder::new()
                .stdout(GuestLog::new(&grants.component))
                .stderr(GuestLog::new(&grants.component))
                .build(),
            http: WasiHttpCtx::new(),
            outbound: outbound.clone(),
            grants: Arc::clone(grants),
            connections_left: CONNECTIONS,
            limits: StoreLimitsBuilder::new().memory_size(memory).build(),
        }
    }

    pub(crate) fn interfaces(&mut self) -> View<'_> {
        View {
            table: &mut self.table,
            grants: &self.grants,
            connections_left: &mut self.connections_left,
        }
    }
}

/// What the host interfaces see of an instance.
pub(crate) struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) grants: &'a Arc<Grants>,
    pub(crate) connections_left: &'a mut usize,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}
