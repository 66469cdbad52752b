//! One connection to an init.
//!
//! Invariant: when the connection is over, every request that waits learns it, and so does
//! whoever waits for a command's end.

use super::ControlError;
use crate::backend::Running;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::{
    fs::{Mode, OFlags, open},
    net::{
        AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, shutdown,
        socket_with,
    },
};
use sandbox_init::{
    packet,
    protocol::{Exit, Reply, Request, Tagged},
};
use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::Interest,
    net::UnixStream,
    sync::{oneshot, watch},
};

/// How often connecting is tried while others connect, and how long apart.
const TRIES: usize = 50;
const APART: Duration = Duration::from_millis(10);

/// A reply with what came along.
#[derive(Debug)]
pub struct Answer {
    /// The reply, never a refusal.
    pub reply: Reply,
    /// Its descriptors.
    pub fds: Vec<OwnedFd>,
    /// Where the command's end is told, if the reply is about a command that runs.
    pub end: Option<watch::Receiver<End>>,
}

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It runs.
    NotYet,
    /// It ended.
    Exited(Exit),
    /// It was killed and does not end: the sandbox has to.
    Unkillable,
}

#[derive(Debug)]
pub(super) struct Link {
    socket: UnixStream,
    last_tag: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    asked: HashMap<u64, Asked>,
    ends: HashMap<u64, watch::Sender<End>>,
}

#[derive(Debug)]
struct Asked {
    /// The command that the request is about.
    about: Option<u64>,
    answer: oneshot::Sender<Answer>,
}

impl Link {
    pub(super) async fn connect(running: &Running) -> io::Result<Arc<Self>> {
        let socket = dial(running).await?;
        let peer = getsockopt(&socket, PeerCredentials)?.pid();
        if u32::try_from(peer) != Ok(running.init) {
            let text = format!("process {peer} listens, and not {}", running.init);
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let link = Arc::new(Self {
            socket: watched(socket)?,
            last_tag: AtomicU64::new(0),
            state: Mutex::default(),
        });
        let socket = watched(link.socket.as_fd().try_clone_to_owned()?)?;
        tokio::spawn(listen(Arc::downgrade(&link), socket));
        Ok(link)
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.state().over
    }

    pub(super) async fn ask(
        &self,
        request: Request,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Answer, ControlError> {
        let tag = self.next_tag();
        let about = match &request {
            Request::Take { id } => Some(*id),
            _ => None,
        };
        let message = Tagged { tag, body: request };
        let bytes = serde_json::to_vec(&message).map_err(|_| ControlError::TooLong)?;
        if bytes.len() > packet::MAX_PACKET {
            return Err(ControlError::TooLong);
        }
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.state();
            if state.over {
                return Err(ControlError::Broken);
            }
            let asked = Asked {
                about,
                answer: sender,
            };
            state.asked.insert(tag, asked);
        }
        let sent = self.socket.async_io(Interest::WRITABLE, || {
            packet::send_bytes(&self.socket, &bytes, fds)
        });
        if sent.await.is_err() {
            self.state().asked.remove(&tag);
            return Err(ControlError::Broken);
        }
        receiver.await.map_err(|_| ControlError::Broken)
    }

    /// Sends without waiting for a reply. If the socket takes no more the line is of no use.
    pub(super) fn post(&self, request: Request) {
        let message = Tagged {
            tag: self.next_tag(),
            body: request,
        };
        if packet::send(&self.socket, &message, &[]).is_err() {
            self.hang_up();
        }
    }

    fn next_tag(&self) -> u64 {
        self.last_tag.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hang_up(&self) {
        // One that is over already cannot be shut down.
        let _over = shutdown(&self.socket, Shutdown::Both);
        *self.state() = State {
            over: true,
            ..State::default()
        };
    }

    fn heard(&self, message: Tagged<Reply>, fds: Vec<OwnedFd>) {
        let mut state = self.state();
        match message.body {
            Reply::Exited { id, exit } => {
                if let Some(end) = state.ends.remove(&id) {
                    end.send_replace(End::Exited(exit));
                }
            }
            Reply::Unkillable { id } => {
                if let Some(end) = state.ends.get(&id) {
                    end.send_replace(End::Unkillable);
                }
            }
            reply => {
                let Some(asked) = state.asked.remove(&message.tag) else {
                    return;
                };
                let end = match (&reply, asked.about) {
                    (Reply::Started { id }, _) => Some(*id),
                    (Reply::Taken { exit: None, .. }, about) => about,
                    _ => None,
                };
                let end = end.map(|id| {
                    let entry = state.ends.entry(id);
                    entry
                        .or_insert_with(|| watch::Sender::new(End::NotYet))
                        .subscribe()
                });
                let started = match &reply {
                    Reply::Started { id } => Some(*id),
                    _ => None,
                };
                let answer = Answer { reply, fds, end };
                // Whoever asked has left: nobody would ever end what was started for it.
                if asked.answer.send(answer).is_err()
                    && let Some(id) = started
                {
                    drop(state);
                    self.post(Request::Kill { id });
                }
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// Hears what init says until the connection or its last user is gone. It has a descriptor of
/// its own, so as not to keep the link from being dropped.
async fn listen(link: Weak<Link>, socket: UnixStream) {
    let hear = async {
        loop {
            let got = socket.async_io(Interest::READABLE, || packet::receive::<Reply>(&socket));
            let (Some((message, fds)), Some(link)) = (got.await?, link.upgrade()) else {
                return Ok::<_, io::Error>(());
            };
            link.heard(message, fds);
        }
    };
    if let Err(error) = hear.await {
        tracing::debug!(%error, "the connection to a sandbox broke");
    }
    if let Some(link) = link.upgrade() {
        link.hang_up();
    }
}

/// Has the runtime watch a socket. It is no stream, but nothing reads or writes it as one: of
/// all that is safe here only this type says when a descriptor is ready.
fn watched(socket: OwnedFd) -> io::Result<UnixStream> {
    UnixStream::from_std(socket.into())
}

async fn dial(running: &Running) -> io::Result<OwnedFd> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    let folder = running.socket.parent().ok_or_else(missing)?;
    let name = running.socket.file_name().ok_or_else(missing)?;
    // By the folder's descriptor: the path of a socket may be 107 bytes long and no longer.
    let folder = open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let path = std::path::Path::new("/proc/self/fd");
    let path = path.join(folder.as_fd().as_raw_fd().to_string()).join(name);
    let address = SocketAddrUnix::new(&path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let mut tries = 0;
    loop {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        match connect(&socket, &address) {
            Ok(()) => return Ok(socket),
            // Others are waiting to be accepted.
            Err(rustix::io::Errno::AGAIN) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(APART).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
