//! What is done about each request of the runner.

use super::{Server, dial, dial::Dial, listening};
use rustix::process::Signal;
use sandbox_init::protocol::{Fault, Reply, Request, Tagged};
use std::os::fd::OwnedFd;

/// The most connections that are being made at once.
const MAX_DIALS: usize = 64;

impl Server {
    pub(super) fn answer(&mut self, request: Tagged<Request>, fds: Vec<OwnedFd>) {
        let tag = request.tag;
        let (reply, fds) = match request.body {
            // Its reply comes when the supervisor has spoken.
            Request::Run(run) => match self.commands.start(tag, run, fds) {
                Ok(()) => return,
                Err((fault, detail)) => (Reply::Refused { fault, detail }, Vec::new()),
            },
            Request::Connect { port } => match self.dial(tag, port) {
                None => return,
                Some(reply) => (reply, Vec::new()),
            },
            Request::Take { id } => match self.commands.take(id) {
                Ok((note, exit, fds)) => (Reply::Taken { note, exit }, fds),
                Err(error) => (failed(Fault::Failed, error.to_string()), Vec::new()),
            },
            request => (self.at_once(request), Vec::new()),
        };
        if let Some(peer) = &mut self.peer {
            peer.queue(tag, reply, fds);
        }
    }

    fn dial(&mut self, tag: u64, port: u16) -> Option<Reply> {
        if self.dials.len() >= MAX_DIALS {
            return Some(failed(Fault::Busy, "Too many connections are being made"));
        }
        match Dial::begin(tag, port) {
            Ok(dial) => {
                self.dials.push(dial);
                None
            }
            Err(_) => Some(dial::unreachable(port)),
        }
    }

    fn at_once(&mut self, request: Request) -> Reply {
        match request {
            Request::Kill { id } => found(self.commands.kill(id)),
            Request::Signal { id, signal } => match Signal::from_named_raw(signal) {
                Some(signal) => found(self.commands.signal(id, signal)),
                None => failed(Fault::Invalid, "There is no such signal"),
            },
            Request::Forget { id } => found(self.commands.forget(id)),
            Request::KillAll => {
                self.commands.kill_all();
                Reply::Done
            }
            Request::List => Reply::Commands {
                ids: self.commands.background(),
            },
            Request::Listening { ports } => match listening::ports(&ports) {
                Ok(ports) => Reply::Ports { ports },
                Err(error) => failed(Fault::Failed, error.to_string()),
            },
            Request::Run(_) | Request::Connect { .. } | Request::Take { .. } => {
                failed(Fault::Failed, "This is answered elsewhere")
            }
        }
    }
}

fn found(is: bool) -> Reply {
    if is {
        Reply::Done
    } else {
        failed(Fault::NotFound, "There is no such command")
    }
}

fn failed(fault: Fault, detail: impl Into<String>) -> Reply {
    Reply::Refused {
        fault,
        detail: detail.into(),
    }
}
