//! The runner's connection.
//!
//! Invariant: only a process from outside of the sandbox is taken for the runner, and one that
//! does not read is let go: what waits for it is bounded.

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::event::PollFlags;
use sandbox_init::{
    packet,
    protocol::{Reply, Request, Tagged},
};
use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// How many messages may wait for a runner that does not read.
const MAX_WAITING: usize = 1024;

pub(super) struct Peer {
    socket: OwnedFd,
    waiting: VecDeque<(Tagged<Reply>, Vec<OwnedFd>)>,
}

/// Whether the other side of a socket is no process of this sandbox: such a one has no id in
/// here, and the kernel says 0.
pub(super) fn is_outside(socket: &OwnedFd) -> io::Result<bool> {
    Ok(getsockopt(socket, PeerCredentials)?.pid() == 0)
}

impl Peer {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn interest(&self) -> PollFlags {
        if self.waiting.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        }
    }

    pub(super) fn hear(&self) -> io::Result<Option<(Tagged<Request>, Vec<OwnedFd>)>> {
        packet::receive(&self.socket)
    }

    pub(super) fn queue(&mut self, tag: u64, body: Reply, fds: Vec<OwnedFd>) {
        self.waiting.push_back((Tagged { tag, body }, fds));
    }

    /// Sends what waits, as far as the other side takes it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some((message, fds)) = self.waiting.front() {
            let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
            match packet::send(&self.socket, message, &fds) {
                Ok(()) => drop(self.waiting.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.waiting.len() > MAX_WAITING {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        Ok(())
    }
}
