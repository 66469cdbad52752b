//! The line to a sandbox's init: requests, their replies, and the ends of commands.
//!
//! Invariant: the other side is the process that the backend started, as the kernel says, and
//! whatever is sent, a reply is given to its own request only. A line that broke is made anew by
//! the next request; commands of the foreground do not survive that.

mod link;

pub use link::{Answer, End};

use crate::backend::Running;
use link::Link;
use sandbox_init::protocol::{Fault, Reply, Request};
use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    sync::Arc,
};
use tokio::sync::Mutex;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody answers at the socket, or not the right one: the sandbox does not run.
    #[error("the sandbox does not answer")]
    Gone(#[source] io::Error),
    /// The line broke before the reply came. Whether it was done is not known.
    #[error("the connection to the sandbox broke")]
    Broken,
    /// The request is larger than a packet.
    #[error("the request is too long")]
    TooLong,
    /// Init says no.
    #[error("{detail}")]
    Refused {
        /// What the fault is.
        fault: Fault,
        /// Why, in words for a person.
        detail: String,
    },
    /// Init replied what does not belong to the request.
    #[error("the sandbox gave an answer that is none")]
    Nonsense,
}

/// A line to one sandbox.
#[derive(Debug)]
pub struct Control {
    running: Running,
    link: Mutex<Option<Arc<Link>>>,
}

impl Control {
    /// A line to that sandbox. It is made when it is needed.
    #[must_use]
    pub fn new(running: Running) -> Self {
        Self {
            running,
            link: Mutex::new(None),
        }
    }

    /// Which sandbox it leads to.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Asks, with descriptors, and waits for the reply.
    ///
    /// # Errors
    /// [`ControlError`], also for a reply that is a refusal.
    pub async fn ask(
        &self,
        request: Request,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Answer, ControlError> {
        let answer = self.link().await?.ask(request, fds).await?;
        match answer.reply {
            Reply::Refused { fault, detail } => Err(ControlError::Refused { fault, detail }),
            _ => Ok(answer),
        }
    }

    /// Kills a command without waiting, from where nothing can be waited for.
    pub(crate) fn post_kill(&self, id: u64) {
        let link = self.link.try_lock().ok().and_then(|link| link.clone());
        if let Some(link) = link {
            link.post(Request::Kill { id });
        }
    }

    /// A TCP connection to a port of the sandbox's loopback.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] where nobody listens, else as [`Control::ask`].
    pub async fn connect(&self, port: u16) -> Result<tokio::net::TcpStream, ControlError> {
        let mut answer = self.ask(Request::Connect { port }, &[]).await?;
        let socket: OwnedFd = answer.fds.pop().ok_or(ControlError::Nonsense)?;
        let socket = std::net::TcpStream::from(socket);
        let socket = socket
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpStream::from_std(socket));
        socket.map_err(ControlError::Gone)
    }

    async fn link(&self) -> Result<Arc<Link>, ControlError> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| link.is_alive()) {
            return Ok(link.clone());
        }
        let new = Link::connect(&self.running).await;
        let new = new.map_err(ControlError::Gone)?;
        *link = Some(new.clone());
        Ok(new)
    }
}
