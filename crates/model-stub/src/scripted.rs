//! A model server that does what a test tells it, on real sockets.
//!
//! Each request is answered by the next [`Script`] of a queue, or by the function that
//! [`ScriptedModel::answer_with`] set. What was asked, and how each exchange ended, can be looked
//! at and waited for, so that tests need no sleeps.

mod connection;
mod gate;
mod http1;
mod log;
mod script;

pub use gate::Gate;
pub use log::{Outcome, Recorded};
pub use script::Script;

use log::Log;
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

type Answerer = Arc<dyn Fn(&Recorded) -> Script + Send + Sync>;

/// A running server. Dropping it resets every connection, as a killed server would.
pub struct ScriptedModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// What the connections have in common.
struct Shared {
    queue: Mutex<VecDeque<Script>>,
    otherwise: Mutex<Option<Answerer>>,
    log: Log,
    killed: CancellationToken,
}

impl ScriptedModel {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(TcpListener::bind(("127.0.0.1", 0)).await?)
    }

    /// Starts a server on `listener`: so one can come back where another was killed.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start_on(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            otherwise: Mutex::default(),
            log: Log::default(),
            killed: CancellationToken::new(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), tasks.clone()));
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL to configure, ending in `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues the answer to a coming request, whatever it asks.
    pub fn push(&self, script: Script) {
        let queue = self.shared.queue.lock();
        queue
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(script);
    }

    /// Answers every request that finds the queue empty. Without it such a request gets a 500.
    pub fn answer_with(&self, answer: impl Fn(&Recorded) -> Script + Send + Sync + 'static) {
        let mut otherwise = self
            .shared
            .otherwise
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *otherwise = Some(Arc::new(answer));
    }

    /// Every request so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.requests()
    }

    /// The request `number`, counted from 0, when it has come.
    pub async fn request(&self, number: usize) -> Recorded {
        self.shared.log.request(number).await
    }

    /// How the exchange `number` ended, when it has.
    pub async fn outcome(&self, number: usize) -> Outcome {
        self.shared.log.outcome(number).await
    }

    /// Resets every connection and closes the port, as `kill -9` would; returns when it is done.
    pub async fn kill(self) {
        self.shared.killed.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.shared.killed.cancel();
    }
}

impl Shared {
    fn script_for(&self, request: &Recorded) -> Script {
        let next = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let otherwise = || {
            let answer = self
                .otherwise
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            Some(answer?(request))
        };
        next.or_else(otherwise)
            .unwrap_or_else(|| Script::refusal(500, "the test has no script for this request"))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.killed.cancelled() => return,
        };
        match accepted {
            Ok((socket, _)) => {
                tasks.spawn(connection::serve(socket, Arc::clone(&shared)));
            }
            Err(error) => tracing::warn!(%error, "a connection was not accepted"),
        }
    }
}
