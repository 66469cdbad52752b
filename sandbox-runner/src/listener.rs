//! Accepting connections and serving HTTP/1.1 on them, within limits.

use crate::{addresses::Addresses, drain::Drain};
use bytes::Bytes;
use http_body::Body;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

/// The largest request head, in bytes. A larger one is answered with 431.
const HEAD: usize = 64 * 1024;

/// How much is read ahead on a connection, in bytes.
const BUFFER: usize = 2 * HEAD;

/// The most headers that a request may have.
const HEADERS: usize = 100;

/// How many refused connections are told so at a time; beyond, they are only closed.
const REFUSALS: usize = 64;

/// How long a refused connection is kept open to take its answer.
const REFUSAL: Duration = Duration::from_secs(1);

/// Said on a connection that is one too many. Without a request there is no path to name.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\n\
    content-length: 136\r\n\
    retry-after: 1\r\n\
    x-content-type-options: nosniff\r\n\
    referrer-policy: no-referrer\r\n\
    content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
    connection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"Too many connections. Try again in a moment.\",\"instance\":\"/\"}";

/// What one listener allows.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Connections at a time of one address, 0 for no limit.
    pub(crate) per_address: usize,
    /// Proxies whose connections are not counted so.
    pub(crate) proxies: Vec<IpNet>,
    /// How long a request's head may take to arrive, waiting for its first byte included.
    pub(crate) head: Duration,
    /// How long the other end may take nothing of what is sent to it.
    pub(crate) unread: Duration,
}

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({purpose})")]
pub struct ListenError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the listener is for.
    pub purpose: &'static str,
    /// Why not.
    pub source: io::Error,
}

/// Opens a listener at `address`.
pub(crate) async fn open(
    address: SocketAddr,
    purpose: &'static str,
) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ListenError {
            address,
            purpose,
            source,
        })
}

/// Serves connections until the drain begins; `service_for` makes the service of one peer, which
/// may end the connection by the token.
pub(crate) async fn serve<F, S, B>(
    listener: TcpListener,
    limits: Limits,
    drain: Drain,
    service_for: F,
) where
    F: Fn(IpAddr, CancellationToken) -> S,
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let stopping = drain.stopping();
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Addresses::new(limits.per_address, limits.proxies);
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            accepted = accept(&listener) => accepted,
        };
        let place = places.clone().try_acquire_owned();
        if let (Ok(place), Ok(of_address)) = (place, addresses.take(peer)) {
            close_unread(&stream, limits.unread);
            let cut = CancellationToken::new();
            let service = service_for(peer, cut.clone());
            let connection = connection(stream, limits.head, drain.clone(), cut, service);
            drain.spawn(async move {
                connection.await;
                drop((place, of_address));
            });
        } else if let Ok(place) = refusals.clone().try_acquire_owned() {
            drain.spawn(async move {
                refuse(stream).await;
                drop(place);
            });
        }
    }
}

/// Has the kernel close a connection whose other end takes nothing for so long, whatever it is
/// sent: an answer that is not read would be held for ever, and with it what the answer needs.
fn close_unread(stream: &TcpStream, unread: Duration) {
    let milliseconds = u32::try_from(unread.as_millis()).unwrap_or(u32::MAX);
    // It fails only on a dead socket.
    let _dead = rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds);
}

/// The next connection. A failure to accept (usually no file descriptor left) is waited out.
async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection<S, B>(
    stream: TcpStream,
    head: Duration,
    drain: Drain,
    cut: CancellationToken,
    service: S,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    // A small piece of a stream must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_header_size(HEAD)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let stopping = drain.stopping();
    let serving = async {
        tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    let ended = tokio::select! {
        biased;
        ended = serving => ended,
        () = cut.cancelled() => return,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Says that there are too many connections. What the client sent is read until it closes:
/// closing on unread data would reset the connection and lose the answer.
async fn refuse(mut stream: TcpStream) {
    let told = async {
        stream.write_all(BUSY).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    let _ = tokio::time::timeout(REFUSAL, told).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::BUSY;

    #[test]
    fn the_refusal_is_a_whole_answer() {
        let text = std::str::from_utf8(BUSY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        let problem: contracts::Problem = serde_json::from_str(body).unwrap();
        assert_eq!(problem.status, 503);
    }
}
