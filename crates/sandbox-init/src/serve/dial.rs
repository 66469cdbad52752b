//! A connection to a port of the sandbox's loopback, which the runner is given when it stands.
//! No byte that goes through it is touched here.

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt::socket_error},
};
use sandbox_init::protocol::{Fault, Reply};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

/// How long a connection may take to stand.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Dial {
    tag: u64,
    port: u16,
    socket: OwnedFd,
    address: IpAddr,
    pub(super) deadline: Instant,
}

pub(super) enum Step {
    Waits(Dial),
    Done(u64, Reply, Vec<OwnedFd>),
}

impl AsFd for Dial {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Dial {
    pub(super) fn begin(tag: u64, port: u16) -> io::Result<Self> {
        let (socket, address) = match open(Ipv4Addr::LOCALHOST.into(), port) {
            Ok(opened) => opened,
            Err(_) => open(Ipv6Addr::LOCALHOST.into(), port)?,
        };
        Ok(Self {
            tag,
            port,
            socket,
            address,
            deadline: Instant::now() + PATIENCE,
        })
    }

    /// Sees how far it is.
    pub(super) fn step(self, now: Instant) -> Step {
        let state = socket_error(&self.socket).and_then(|result| result);
        match state {
            Ok(()) if rustix::net::getpeername(&self.socket).is_ok() => {
                Step::Done(self.tag, Reply::Connected, vec![self.socket])
            }
            Ok(()) if now < self.deadline => Step::Waits(self),
            // Many programs listen on one of the two only.
            Err(_) if self.address.is_ipv4() => match open(Ipv6Addr::LOCALHOST.into(), self.port) {
                Ok((socket, address)) => Step::Waits(Self {
                    socket,
                    address,
                    ..self
                }),
                Err(_) => self.refused(),
            },
            _ => self.refused(),
        }
    }

    fn refused(self) -> Step {
        Step::Done(self.tag, unreachable(self.port), Vec::new())
    }
}

/// Nobody takes connections on that port.
pub(super) fn unreachable(port: u16) -> Reply {
    Reply::Refused {
        fault: Fault::Unreachable,
        detail: format!("Nothing answers on port {port}"),
    }
}

fn open(address: IpAddr, port: u16) -> io::Result<(OwnedFd, IpAddr)> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &SocketAddr::new(address, port)) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok((socket, address)),
        Err(error) => Err(error.into()),
    }
}
