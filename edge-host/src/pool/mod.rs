//! The instances of one component: made when they are needed, used again, given up when idle.
//!
//! Each instance has a task of its own ([`worker`]) and takes requests from one queue
//! ([`queue`]), several at once while they wait for something.

mod idle;
mod open;
mod queue;
mod worker;

pub(crate) use open::Opened;

use crate::{
    deadline::{Computing, Running},
    guest::{Grants, Guest},
    outbound::Outbound,
};
use futures::channel::oneshot;
use http::{Request, Response};
use queue::{Queue, Then};
use std::{
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::{
    WasiBody,
    handler::{self, Proxy},
    p3::bindings::ServicePre,
};

/// What a component is made of, and with what its instances are.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) service: ServicePre<Guest>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) outbound: Outbound,
    /// Bytes of an instance's memory.
    pub(crate) memory: usize,
    /// How long a guest may compute without coming to rest.
    pub(crate) longest: Duration,
    /// Whose turn it is among guests that compute for long, of all components.
    pub(crate) computing: Computing,
    /// Tells idle instances to go.
    pub(crate) draining: CancellationToken,
    /// Counts the instances that are there.
    pub(crate) alive: TaskTracker,
}

/// Hands requests to the instances of a component. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    parts: Parts,
    queue: Mutex<Queue<Job>>,
}

/// A request, and who waits for its response.
struct Job {
    request: Request<WasiBody>,
    reply: oneshot::Sender<Reply>,
}

/// A response, and what counts it among those of its instance while its body is there.
type Reply = Result<(Response<WasiBody>, Opened), wasmtime::Error>;

/// Too many requests wait for the component.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many requests wait for the component")]
pub(crate) struct Overloaded;

/// An instance could not be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no instance could be made: {0}")]
pub(crate) struct NotStarted(Arc<wasmtime::Error>);

impl Pool {
    pub(crate) fn new(parts: Parts) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, NonZero::get);
        Self(Arc::new(Shared {
            parts,
            queue: Mutex::new(Queue::new(processors)),
        }))
    }

    /// The component's response to `request`. What comes with it is to be dropped with its body.
    ///
    /// # Errors
    /// [`Overloaded`]; [`NotStarted`]; the guest's own `error-code`; [`handler::TrapOrPanicError`] when the
    /// instance failed under it.
    pub(crate) async fn handle(&self, request: Request<WasiBody>) -> Reply {
        let (reply, answer) = oneshot::channel();
        let then = self.queue().push(Job { request, reply });
        self.then(then.map_err(|_refused| Overloaded)?);
        answer.await.map_err(|_| handler::TrapOrPanicError)?
    }

    /// The next request whose sender still waits for it.
    fn take(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            let job = queue.take()?;
            if !job.reply.is_canceled() {
                return Some(job);
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        // Bookkeeping does not panic; if it did, its numbers would still be numbers.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn then(&self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Wake(waker) => waker.wake(),
            Then::Start => {
                tokio::spawn(self.clone().start());
            }
        }
    }

    /// Makes an instance and runs it to its end.
    async fn start(self) {
        let running = Arc::new(Running::new(&self.0.parts.computing, self.0.parts.longest));
        match self.instance(&running).await {
            Ok((store, proxy)) => {
                let number = self.queue().started();
                running.announce_by({
                    let pool = self.clone();
                    move || {
                        let then = pool.queue().computing(number);
                        pool.then(then);
                    }
                });
                worker::run(self, number, store, proxy, running).await;
            }
            Err(error) => {
                let component = &self.0.parts.grants.component;
                tracing::error!(%component, error = format!("{error:?}"), "no instance");
                let error = NotStarted(Arc::new(error));
                for job in self.queue().not_started() {
                    // Who no longer waits needs no answer.
                    let _gone = job.reply.send(Err(error.clone().into()));
                }
            }
        }
    }

    async fn instance(&self, running: &Arc<Running>) -> wasmtime::Result<(Store<Guest>, Proxy)> {
        let parts = &self.0.parts;
        let guest = Guest::new(&parts.grants, &parts.outbound, parts.memory);
        let mut store = Store::new(&parts.engine, guest);
        store.limiter(|guest| &mut guest.limits);
        let running = Arc::clone(running);
        store.epoch_deadline_callback(move |_| running.tick());
        store.set_epoch_deadline(1);
        let service = parts.service.instantiate_async(&mut store).await?;
        Ok((store, Proxy::P3(service)))
    }
}
