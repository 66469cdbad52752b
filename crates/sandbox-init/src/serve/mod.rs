//! Process 1: it listens for the runner, starts what it asks for, and sees to it that nothing
//! outlives its command.
//!
//! One loop around `poll`: [`Server::turn`]. Invariant: no input, of the runner or of a command,
//! ends the loop; only the kernel, or a runner that stays away, does.

mod command;
mod dial;
mod listening;
mod peer;
mod request;
mod tree;

use command::Commands;
use dial::Dial;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use peer::Peer;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind,
        listen as listen_on, socket_with,
    },
    process::{DumpableBehavior, set_dumpable_behavior},
};
use sandbox_init::protocol::Serve;
use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::Path,
    time::{Duration, Instant},
};

/// How long the loop waits for a thing that should come by itself, while a tree is being killed.
const AGAIN: Duration = Duration::from_millis(5);

/// Opens the socket where the runner is awaited.
pub(crate) fn listen(path: &Path) -> Result<OwnedFd, String> {
    let open = || -> io::Result<OwnedFd> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        bind(&socket, &SocketAddrUnix::new(path)?)?;
        // Root connects whatever the mode is; an ordinary user is the owner.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listen_on(&socket, 4)?;
        Ok(socket)
    };
    open().map_err(|error| format!("listening on {}: {error}", path.display()))
}

/// Serves until the runner stays away for too long.
pub(crate) fn serve(listener: OwnedFd, config: &Serve) -> Result<(), String> {
    let ended = shield().map_err(|error| format!("preparing: {error}"))?;
    let mut server = Server {
        listener,
        ended,
        peer: None,
        commands: Commands::new(config.limits),
        dials: Vec::new(),
        alone_since: Instant::now(),
    };
    let patience = Duration::from_secs(config.unattended_secs);
    loop {
        if let Err(error) = server.turn(patience) {
            // Nothing of this is expected, and ending would take the whole sandbox along. The
            // pause keeps a fault that stays from taking the whole processor.
            eprintln!("sandbox-init: {error}");
            let pause = Timespec::try_from(AGAIN).unwrap_or_default();
            let _ends_by_itself = poll(&mut [], Some(&pause));
        }
        if server.peer.is_none() && server.alone_since.elapsed() >= patience {
            return Ok(());
        }
    }
}

/// Makes this process deaf to signals and closes it to debuggers. Returns where ended children
/// are told.
///
/// The kernel keeps from process 1 of a sandbox only those signals that it has no handler for,
/// and the standard library has handlers for two of them: sent fast enough, these overflow the
/// handlers' stack, and the process dies. What is blocked runs no handler.
fn shield() -> io::Result<SignalFd> {
    SigSet::all().thread_block()?;
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    Ok(SignalFd::with_flags(&children, flags)?)
}

struct Server {
    listener: OwnedFd,
    /// Readable when a child ended.
    ended: SignalFd,
    peer: Option<Peer>,
    commands: Commands,
    dials: Vec<Dial>,
    /// Since when there is no runner, if there is none.
    alone_since: Instant,
}

impl Server {
    fn turn(&mut self, patience: Duration) -> io::Result<()> {
        self.wait(patience)?;
        self.accept()?;
        self.drain_ended();
        self.hear_peer();
        self.commands.hear();
        self.commands.reap();
        self.commands.end_overdue(Instant::now());
        self.commands.sweep()?;
        self.finish_dials();
        self.tell_peer();
        Ok(())
    }

    /// Waits until there is something to do.
    fn wait(&self, patience: Duration) -> io::Result<()> {
        let mut fds = vec![
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::new(&self.ended, PollFlags::IN),
        ];
        if let Some(peer) = &self.peer {
            fds.push(PollFd::new(peer, peer.interest()));
        }
        for channel in self.commands.channels() {
            fds.push(PollFd::from_borrowed_fd(channel, PollFlags::IN));
        }
        for dial in &self.dials {
            fds.push(PollFd::new(dial, PollFlags::OUT));
        }
        let timeout = Timespec::try_from(self.timeout(patience)).unwrap_or_default();
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn timeout(&self, patience: Duration) -> Duration {
        let now = Instant::now();
        let alone = match self.peer {
            None => patience.saturating_sub(self.alone_since.elapsed()),
            Some(_) => patience,
        };
        let dials = self.dials.iter().map(|dial| dial.deadline);
        let next = dials.chain(self.commands.next_deadline()).min();
        let next = next.map_or(alone, |next| next.saturating_duration_since(now));
        let next = next.min(alone);
        if self.commands.are_ending() {
            next.min(AGAIN)
        } else {
            // Rounded up by the kernel's clock, not down to a loop without waiting.
            next.saturating_add(Duration::from_millis(1))
        }
    }

    /// Takes a new runner in place of the old one. Whoever has a process id in here is inside
    /// of the sandbox: no runner.
    fn accept(&mut self) -> io::Result<()> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = match accept_with(&self.listener, flags) {
            Ok(socket) => socket,
            Err(error) if is_passing(error) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if peer::is_outside(&socket)? {
            self.lose_peer();
            self.peer = Some(Peer::new(socket));
        }
        Ok(())
    }

    fn lose_peer(&mut self) {
        if self.peer.take().is_some() {
            self.alone_since = Instant::now();
            self.commands.end_foreground();
            self.dials.clear();
        }
    }

    fn drain_ended(&self) {
        while matches!(self.ended.read_signal(), Ok(Some(_))) {}
    }

    fn hear_peer(&mut self) {
        while let Some(peer) = &self.peer {
            match peer.hear() {
                Ok(Some((request, fds))) => self.answer(request, fds),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(None) | Err(_) => self.lose_peer(),
            }
        }
    }

    fn finish_dials(&mut self) {
        let mut open = Vec::new();
        for dial in self.dials.drain(..) {
            match dial.step(Instant::now()) {
                dial::Step::Waits(dial) => open.push(dial),
                dial::Step::Done(tag, reply, fds) => {
                    if let Some(peer) = &mut self.peer {
                        peer.queue(tag, reply, fds);
                    }
                }
            }
        }
        self.dials = open;
    }

    fn tell_peer(&mut self) {
        let news = self.commands.news();
        if let Some(peer) = &mut self.peer {
            for (tag, reply) in news {
                peer.queue(tag, reply, Vec::new());
            }
            if peer.flush().is_err() {
                self.lose_peer();
            }
        }
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket()
    }
}

/// Whether a failed `accept` says nothing about the listener.
fn is_passing(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::AGAIN, Errno::INTR, Errno::CONNABORTED].contains(&error)
}
