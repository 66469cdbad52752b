//! Listens, hands each connection's requests to the components, and stops in order.

mod arrival;
mod body;
mod exchange;
mod head;
mod problem;

use crate::{Config, HostError, setup::Setup};
use exchange::Front;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of the head of a request, its URI included.
const HEAD_BYTES: usize = 64 * 1024;

/// Fields in the head of a request.
const HEAD_FIELDS: usize = 100;

/// After a failed accept (no file descriptor left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener with its connections.
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    draining: CancellationToken,
    connections: TaskTracker,
    alive: TaskTracker,
    drain: Duration,
}

impl Server {
    pub(crate) async fn start(config: &Config, setup: Setup) -> Result<Self, HostError> {
        let failed = |reason| HostError::Listen {
            address: config.listen.clone(),
            reason,
        };
        let listener = TcpListener::bind(&config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let draining = setup.draining.clone();
        let alive = setup.alive.clone();
        let connections = TaskTracker::new();
        let listening = Listening {
            listener,
            free: Arc::new(Semaphore::new(config.max_connections)),
            front: Arc::new(Front::new(config, setup)),
            draining: draining.clone(),
            connections: connections.clone(),
        };
        Ok(Self {
            address,
            accepting: tokio::spawn(listening.run()),
            draining,
            connections,
            alive,
            drain: config.drain,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Responses in flight are finished, and so is what guests do after them.
    pub(crate) async fn shutdown(self) {
        self.draining.cancel();
        let drained = async {
            let _ended = self.accepting.await;
            self.connections.close();
            self.connections.wait().await;
            self.alive.close();
            self.alive.wait().await;
        };
        if tokio::time::timeout(self.drain, drained).await.is_err() {
            tracing::warn!("stopped with requests still in flight");
        }
    }
}

struct Listening {
    listener: TcpListener,
    free: Arc<Semaphore>,
    front: Arc<Front>,
    draining: CancellationToken,
    connections: TaskTracker,
}

impl Listening {
    async fn run(self) {
        let stop = self.draining.clone();
        let accept = async {
            loop {
                let Ok(permit) = Arc::clone(&self.free).acquire_owned().await else {
                    return;
                };
                match self.listener.accept().await {
                    Ok((stream, peer)) => {
                        let connection =
                            serve(stream, peer, Arc::clone(&self.front), self.draining.clone());
                        self.connections.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                    Err(error) => pause_after(&error).await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept => {}
        }
    }
}

async fn pause_after(error: &io::Error) {
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!(%error, "cannot accept a connection");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// One connection to its end, which comes after the running response once draining begins.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    front: Arc<Front>,
    draining: CancellationToken,
) {
    // Without it small pieces of a stream wait for one another; it fails only on a dead socket.
    let _dead = stream.set_nodelay(true);
    let (front, peer) = (&*front, &head::peer(peer));
    let service =
        service_fn(|request| async { Ok::<_, Infallible>(front.answer(request, peer).await) });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEAD_FIELDS)
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
