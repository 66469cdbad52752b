//! The instances of one component: made when they are needed, used again, given up when idle.

use crate::{
    deadline::{self, Running},
    guest::{Grants, Guest},
    outbound::Outbound,
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::Sleep;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use wasmtime::{Engine, Store, StoreContextMut, component::GuestTaskId};
use wasmtime_wasi_http::{
    WasiHttpView,
    handler::{
        HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState,
        WorkerStatus,
    },
    p3::bindings::ServicePre,
};

/// Requests that one instance handles at once, as under Spin.
const CONCURRENT: usize = 16;

/// Requests that one instance handles in all; then it is given up, and with it whatever memory
/// its guest let leak.
const IN_ALL: usize = 100_000;

/// How long an instance without work is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Hands requests to the instances of a component.
pub(crate) type Pool = ProxyHandler<Pooled>;

/// What an instance is made of.
pub(crate) struct Pooled {
    pub(crate) engine: Engine,
    pub(crate) service: ServicePre<Guest>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) outbound: Outbound,
    /// Bytes of an instance's memory.
    pub(crate) memory: usize,
    /// How long a guest may compute without coming to rest.
    pub(crate) longest: Duration,
    /// Tells idle instances to go.
    pub(crate) draining: CancellationToken,
    /// Counts the instances that are there.
    pub(crate) alive: TaskTracker,
}

impl HandlerState for Pooled {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let guest = Guest::new(&self.grants, &self.outbound, self.memory);
        let running = Arc::clone(&guest.running);
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limits);
        let (counted, limit) = (Arc::clone(&running), deadline::ticks(self.longest));
        store.epoch_deadline_callback(move |_| counted.tick(limit));
        store.set_epoch_deadline(1);
        let service = self.service.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration {
                running: Arc::clone(&running),
                idle: None,
                draining: Box::pin(self.draining.clone().cancelled_owned()),
            },
            state: Worker {
                component: Arc::clone(&self.grants),
                running,
                _alive: self.alive.token(),
            },
        })
    }
}

/// When an instance is given up.
pub(crate) struct Expiration {
    running: Arc<Running>,
    idle: Option<Pin<Box<Sleep>>>,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl WorkerExpiration for Expiration {
    /// An instance with requests, or with work after them, stays as long as it takes: a stream
    /// may wait for hours. One that computes without end is stopped by its [`Running`].
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        self.running.polled();
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        if self.draining.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        // The timer is not reset for each request, but looks at its end whether one came.
        let idle = self
            .idle
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(IDLE)));
        while idle.as_mut().poll(context).is_ready() {
            let end = start + IDLE;
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            idle.as_mut().reset(end.into());
        }
        Poll::Pending
    }
}

/// One instance at work.
pub(crate) struct Worker {
    component: Arc<Grants>,
    running: Arc<Running>,
    _alive: TaskTrackerToken,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= IN_ALL {
            ShouldAccept::Never
        } else if concurrent >= CONCURRENT {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.running.progressed();
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            let component = &self.component.component;
            tracing::error!(%component, error = format!("{error:?}"), "an instance failed");
        }
        drop(store);
    }
}
