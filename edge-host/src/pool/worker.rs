//! One instance at work: takes requests from the queue and runs them side by side.

use super::{Job, Pool, idle::Idle, open::Open, queue::Rest};
use crate::{
    deadline::{Polled, Running},
    guest::Guest,
};
use futures::{
    channel::oneshot,
    stream::{FuturesUnordered, StreamExt},
};
use std::{
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use wasmtime::{
    AsContextMut, Store,
    component::{Accessor, Func},
};
use wasmtime_wasi_http::{
    WasiHttpView,
    handler::{Prepared, Proxy},
};

/// Requests that one instance handles in all; then it is given up, and with it whatever memory
/// its guest let leak.
const IN_ALL: usize = 100_000;

/// Runs the instance until it is given up or fails.
pub(super) async fn run(
    pool: Pool,
    number: usize,
    mut store: Store<Guest>,
    proxy: Proxy,
    running: Arc<Running>,
) {
    let _alive = pool.0.parts.alive.token();
    let place = Place { pool, number };
    let state = State::default();
    let result = {
        let work = store.run_concurrent(async |accessor| {
            let mut work = Work::new(&place.pool, &state, accessor, &proxy);
            poll_fn(|context| work.poll(context)).await
        });
        let mut work = pin!(work);
        let mut idle = Idle::new(&place.pool.0.parts.draining);
        poll_fn(|context| place.poll(work.as_mut(), &state, &running, &mut idle, context)).await
    };
    if let Err(error) = result {
        let component = &place.pool.0.parts.grants.component;
        tracing::error!(%component, error = format!("{error:?}"), "an instance failed");
    }
}

/// What the work inside the store's event loop and its surroundings tell each other.
#[derive(Default)]
struct State {
    /// It may take a request: none was taken since the event loop last came to rest. A request
    /// may turn out to be all computation, and those behind it should find another instance.
    may_take: AtomicBool,
    /// It has room for another request.
    room: AtomicBool,
    /// It has nothing to do.
    idle: AtomicBool,
}

/// An instance's place in the pool's bookkeeping.
struct Place {
    pool: Pool,
    number: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let then = self.pool.queue().gone(self.number);
        self.pool.then(then);
    }
}

impl Place {
    /// Polls the instance's work until it has to wait and no request waits for it.
    fn poll(
        &self,
        mut work: Pin<&mut impl Future<Output = wasmtime::Result<wasmtime::Result<()>>>>,
        state: &State,
        running: &Running,
        idle: &mut Idle,
        context: &mut Context<'_>,
    ) -> Poll<wasmtime::Result<()>> {
        self.pool.queue().enter(self.number);
        loop {
            state.may_take.store(true, Relaxed);
            state.room.store(false, Relaxed);
            state.idle.store(false, Relaxed);
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(result.flatten());
            }
            let rest = match running.polled() {
                Polled::Amid => Rest::Amid,
                Polled::AtRest if state.room.load(Relaxed) => Rest::Room,
                Polled::AtRest => Rest::Full,
            };
            let then = self.pool.queue().leave(self.number, rest, context.waker());
            let Some(then) = then else {
                continue;
            };
            self.pool.then(then);
            if !state.idle.load(Relaxed) {
                idle.end();
                return Poll::Pending;
            }
            // A request may have come for it in the meantime; then it stays for that one.
            if idle.poll(context).is_ready() && self.pool.queue().retire(self.number) {
                return Poll::Ready(Ok(()));
            }
            return Poll::Pending;
        }
    }
}

/// The work inside the store's event loop.
struct Work<'a> {
    pool: &'a Pool,
    state: &'a State,
    accessor: &'a Accessor<Guest>,
    proxy: &'a Proxy,
    handle: Func,
    exchanges: FuturesUnordered<Exchange<'a>>,
    /// The exchanges, and the bodies of responses that are not at their end.
    open: Open,
    taken: usize,
}

/// A request on its way through the guest, until its response is there.
type Exchange<'a> = Pin<Box<dyn Future<Output = wasmtime::Result<bool>> + Send + 'a>>;

impl<'a> Work<'a> {
    fn new(
        pool: &'a Pool,
        state: &'a State,
        accessor: &'a Accessor<Guest>,
        proxy: &'a Proxy,
    ) -> Self {
        let Proxy::P3(service) = proxy;
        Self {
            pool,
            state,
            accessor,
            proxy,
            handle: *service.wasi_http_handler().func_handle().func(),
            exchanges: FuturesUnordered::new(),
            open: Open::default(),
            taken: 0,
        }
    }

    /// The event loop calls this at every one of its turns, many times a request.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        loop {
            match self.exchanges.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(_responded))) => continue,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) | Poll::Pending => {}
            }
            let retiring = self.taken >= IN_ALL;
            let room = !retiring
                && self.open.poll_room(context).is_ready()
                && self
                    .accessor
                    .poll_ready_for_concurrent_call(self.handle, context)
                    .is_ready();
            if room
                && self.state.may_take.load(Relaxed)
                && let Some(job) = self.pool.take()
            {
                self.state.may_take.store(false, Relaxed);
                self.begin(job)?;
                continue;
            }
            self.state.room.store(room, Relaxed);
            let idle = self.exchanges.is_empty()
                && self.accessor.poll_no_interesting_tasks(context).is_ready();
            self.state.idle.store(idle, Relaxed);
            if idle && retiring {
                return Poll::Ready(Ok(()));
            }
            return Poll::Pending;
        }
    }

    fn begin(&mut self, job: Job) -> wasmtime::Result<()> {
        self.taken += 1;
        let Job { request, reply } = job;
        let (sender, response) = oneshot::channel();
        let prepared = self.accessor.with(|mut store| {
            Prepared::new(
                store.as_context_mut(),
                self.proxy,
                request,
                Guest::http,
                sender,
            )
        })?;
        // A request has no time limit of its own here: a stream may last for hours.
        let running = prepared.run(self.accessor, pending());
        let opened = self.open.begin();
        let exchange = async move {
            let responded = running.await;
            if let Ok(response) = response.await {
                // Whoever asked may have left: then the body is dropped here, and is open no more.
                let _gone = reply.send(response.map(|response| (response, opened)));
            }
            responded
        };
        self.exchanges.push(Box::pin(exchange));
        Ok(())
    }
}
