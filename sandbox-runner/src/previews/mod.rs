//! Previews: pages that agents write, each on an origin of its own.
//!
//! A page that an agent wrote may do anything that a page can do. So it never shares an origin
//! with the platform: it has a host name for itself, on a listener for previews alone. What the
//! platform knows its users by does not reach it: the platform's tokens are taken out of every
//! request. A visitor needs a pass (see `pass`), which the platform hands out to those who may see
//! the session.
//!
//! The way into the sandbox is a relay: its own process 1 opens the connection, so that it works
//! without a network, and nothing of the host can be reached through it.

mod address;
mod cookies;
mod entrance;
mod forward;
mod page;
mod pass;
mod published;
#[cfg(test)]
mod tests;

pub(crate) use address::Target;
pub use address::{PreviewUrl, PreviewUrlError};
pub(crate) use published::Published;

use crate::{drain::Drain, places::Places, token::Token};
use entrance::Entrance;
use forward::{Forwarded, ToSandbox};
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::{body::Incoming, service::Service};
use page::Fault;
use pass::{Kind, Passes};
use std::{
    convert::Infallible,
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpStream;
use uuid::Uuid;

/// The connections into the sandbox of one session at a time: each holds descriptors of the runner.
const OF_SESSION: usize = 128;

/// Those of all.
const OF_ALL: usize = 1024;

/// The way to a server in a sandbox.
pub(crate) trait Relay: Send + Sync + std::fmt::Debug {
    /// A connection to `port` on the loopback of the session's sandbox. Not found where the
    /// session has no sandbox that runs, refused where nothing listens.
    fn connect(&self, session: Uuid, port: u16) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// What previews are like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers open them. Nothing: below `localhost`, at the listener's port.
    pub url: Option<PreviewUrl>,
    /// The ports of a sandbox that may be seen.
    pub ports: Vec<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            ports: vec![3000, 4173, 4200, 5000, 5173, 8000, 8080, 8888],
        }
    }
}

/// The previews of one runner.
#[derive(Debug)]
pub(crate) struct Previews {
    url: PreviewUrl,
    ports: Vec<u16>,
    passes: Passes,
    relay: Arc<dyn Relay>,
    places: Arc<Places<Uuid>>,
    drain: Drain,
}

impl Previews {
    /// Previews whose listener has `port`.
    pub(crate) fn new(
        settings: &Settings,
        port: u16,
        token: &Token,
        relay: Arc<dyn Relay>,
        drain: Drain,
    ) -> Self {
        Self {
            url: settings
                .url
                .clone()
                .unwrap_or_else(|| PreviewUrl::on_localhost(port)),
            ports: settings.ports.clone(),
            passes: Passes::new(token),
            relay,
            places: Places::new(OF_SESSION, OF_ALL),
            drain,
        }
    }

    /// The ports that may be seen.
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// An address that opens the preview, for a while.
    pub(crate) fn address(&self, target: &Target) -> String {
        let entry = self.passes.make(Kind::Entry, target, now());
        format!(
            "{}/?{}={entry}",
            self.url.origin(target),
            entrance::PARAMETER
        )
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Forwarded> {
        let wants_page = page::wants_page(request.headers());
        match self.answer(request).await {
            Ok(response) => response,
            Err(fault) => fault.answer(wants_page).map(Forwarded::own),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Forwarded>, Fault> {
        let host = forward::host_of(&request).ok_or(Fault::NoSuchPreview)?;
        let target = Target::of_host(&host).ok_or(Fault::NoSuchPreview)?;
        if !self.ports.contains(&target.port) {
            return Err(Fault::NoSuchPreview);
        }
        let secure = self.url.is_secure();
        match entrance::of(&request, &self.passes, &target, secure, now()) {
            Entrance::Closed => Err(Fault::Closed),
            Entrance::Welcome(redirect) => Ok(redirect.map(Forwarded::own)),
            Entrance::Open => {
                let to = ToSandbox {
                    target,
                    host: &host,
                    own_origin: &self.url.origin(&target),
                };
                let place = self.places.take(target.session).ok_or(Fault::TooMany)?;
                let stream = self.relay.connect(target.session, target.port).await?;
                forward::forward(request, stream, &to, place, &self.drain).await
            }
        }
    }
}

/// The previews as one connection sees them.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(crate) Arc<Previews>);

impl Service<Request<Incoming>> for Visitor {
    type Response = Response<Forwarded>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let previews = self.0.clone();
        Box::pin(async move { Ok(previews.handle(request).await) })
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
