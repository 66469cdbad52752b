//! Ports of sandboxes with the network, published on the host's loopback.
//!
//! The runner listens and relays, for either backend alike. Whoever can use the host's loopback can
//! connect: that is what a published port is.

use super::Relay;
use crate::drain::Drain;
use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use uuid::Uuid;

/// The published ports of one runner.
#[derive(Debug)]
pub(crate) struct Published {
    relay: Arc<dyn Relay>,
    drain: Drain,
    ports: Mutex<HashMap<(Uuid, u16), Port>>,
}

#[derive(Debug)]
struct Port {
    number: u16,
    listening: AbortHandle,
}

impl Published {
    pub(crate) fn new(relay: Arc<dyn Relay>, drain: Drain) -> Self {
        Self {
            relay,
            drain,
            ports: Mutex::default(),
        }
    }

    /// The port on the host's loopback that leads to `port` of the session's sandbox. It is
    /// opened if it is not yet.
    pub(crate) fn open(&self, session: Uuid, port: u16) -> io::Result<u16> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = ports.get(&(session, port)) {
            return Ok(open.number);
        }
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let number = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let (relay, drain) = (self.relay.clone(), self.drain.clone());
        let serving = tokio::spawn(serve(listener, relay, drain, session, port));
        let listening = serving.abort_handle();
        ports.insert((session, port), Port { number, listening });
        Ok(number)
    }

    /// Closes the session's ports. Connections go on until the sandbox ends.
    pub(crate) fn close(&self, session: Uuid) {
        self.keep(|of| of != session);
    }

    /// Closes the ports of all other sessions.
    pub(crate) fn close_all_but(&self, sessions: &[Uuid]) {
        self.keep(|of| sessions.contains(&of));
    }

    fn keep(&self, stays: impl Fn(Uuid) -> bool) {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.retain(|(of, _), port| {
            let keep = stays(*of);
            if !keep {
                port.listening.abort();
            }
            keep
        });
    }
}

async fn serve(
    listener: TcpListener,
    relay: Arc<dyn Relay>,
    drain: Drain,
    session: Uuid,
    port: u16,
) {
    let stopping = drain.stopping();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((visitor, _)) => {
                let (relay, stopping) = (relay.clone(), drain.stopping());
                drain.spawn(async move {
                    tokio::select! {
                        () = stopping.cancelled() => {}
                        () = pass(visitor, relay, session, port) => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to a published port");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn pass(mut visitor: TcpStream, relay: Arc<dyn Relay>, session: Uuid, port: u16) {
    // Where nothing listens, the visitor's connection is closed, as it would be there.
    if let Ok(mut server) = relay.connect(session, port).await {
        let _ = tokio::io::copy_bidirectional(&mut visitor, &mut server).await;
    }
}
