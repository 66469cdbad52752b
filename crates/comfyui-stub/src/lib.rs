//! A ComfyUI server that is none: it speaks the wire, validates, queues, reports progress and
//! makes real (small) pictures, and has the faults that a test asks for.
//!
//! Nodes compute sizes and nothing else: a picture has the size that a real server would give it,
//! and one colour. What it does on the wire was compared with a real server, its oddities
//! included: a socket whose client opens another is forgotten and not told, and when it closes
//! it takes the new one with it.
//!
//! Invariant: it listens where it is told, and connects to nothing.

mod executor;
mod faults;
mod files;
mod nodes;
mod picture;
mod prompts;
mod queue;
mod routes;
mod run;
mod socket;
mod state;

pub use faults::Canned;
pub use model_stub::process;
pub use picture::size_of_png;
pub use prompts::text_to_image;
pub use run::serve;

use faults::Faults;
use serde_json::Value;
use state::State;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A running server. Dropping it closes everything, as a killed server would.
pub struct Stub {
    address: SocketAddr,
    state: Arc<State>,
    killed: CancellationToken,
}

impl Stub {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(TcpListener::bind(("127.0.0.1", 0)).await?)
    }

    /// Starts a server on `listener`: so one can come back where another was killed, with an
    /// empty queue and an empty history.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start_on(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let killed = CancellationToken::new();
        tokio::spawn(run::serve_state(
            listener,
            Arc::clone(&state),
            killed.clone(),
        ));
        Ok(Self {
            address,
            state,
            killed,
        })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to configure.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, as `GET /queue`, oldest first; those to `/api/…` as they were.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.faults(|faults| faults.requests.clone())
    }

    /// Every prompt that was taken, oldest first.
    #[must_use]
    pub fn prompts(&self) -> Vec<Value> {
        self.faults(|faults| faults.prompts.clone())
    }

    /// The clients whose sockets the server knows.
    #[must_use]
    pub fn clients(&self) -> Vec<String> {
        self.state.sockets.clients()
    }

    /// Waits so long for each step of each node, from now on.
    pub fn slow(&self, step: Duration) {
        self.faults(|faults| faults.step = step);
    }

    /// Stops at the next node of this class until [`Self::release`].
    pub fn hold_at(&self, class: &str) {
        self.faults(|faults| faults.hold_at = Some(class.to_owned()));
    }

    /// Waits until a node is held.
    pub async fn held(&self) {
        self.state.held().await;
    }

    /// Lets the node that is held go on, and holds none any more.
    pub fn release(&self) {
        self.faults(|faults| faults.hold_at = None);
        self.state.changed();
    }

    /// Lets every node of this class fail.
    pub fn fail_at(&self, class: &str, exception_type: &str, exception_message: &str) {
        self.faults(|faults| {
            faults.fail_at = Some((
                class.to_owned(),
                exception_type.to_owned(),
                exception_message.to_owned(),
            ));
        });
    }

    /// Answers the next request for `path` with this, instead of what is right.
    pub fn answer(&self, path: &str, canned: Canned) {
        self.faults(|faults| faults.answers.push((path.to_owned(), canned)));
    }

    /// Cuts all sockets off, without a close frame; the server forgets them.
    pub fn drop_sockets(&self) {
        self.state.sockets.drop_all();
    }

    /// Sends frames of this type with a number that JSON does not know, from now on.
    pub fn garble(&self, kind: &str) {
        self.state.sockets.garble(kind);
    }

    /// Adds numbers that JSON does not know to what is answered at this path and below it, from now
    /// on.
    pub fn spoil(&self, path: &str) {
        self.faults(|faults| faults.spoilt.push(path.to_owned()));
    }

    /// Forgets what prompts came to, as a server does in time.
    pub fn forget_history(&self) {
        self.state.queue.lock().forget_history();
    }

    /// Closes everything, as `kill -9` would.
    pub fn kill(self) {
        drop(self);
    }

    fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        self.state.faults(change)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.killed.cancel();
    }
}
