//! One sandbox as the registry knows it.

use super::{
    error::SandboxError,
    journal::{Owner, Phase, Record},
    removal::remove_tree,
};
use crate::{
    backend::{Limits, Plan, Running, SandboxId},
    exec::{self, ExecError},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::OnceCell,
    time::Instant,
};

/// One sandbox. `life` is held by whoever starts, stops or destroys it; `now` is only looked at.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) folder: PathBuf,
    pub(super) life: Arc<tokio::sync::Mutex<()>>,
    now: Mutex<Now>,
}

/// What is the case.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) record: Record,
    pub(super) state: State,
    /// How many use it: it is neither idle nor old while somebody does.
    pub(super) uses: usize,
    pub(super) last_used_at: i64,
    /// Since when it is not used.
    pub(super) unused_since: Instant,
    /// Whether files may have changed since they were measured.
    pub(super) dirty: bool,
    pub(super) measured: Measured,
    /// Whether it is being looked after: once at a time.
    pub(super) tended: bool,
}

/// What the last look at its files told.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) files: u64,
    /// Why nothing more may be written, if so.
    pub(super) full: Option<String>,
    /// Not to be measured again before.
    pub(super) next: Option<Instant>,
}

/// Whether it runs.
#[derive(Clone, Debug)]
pub(super) enum State {
    Starting,
    Running(Arc<Live>),
    /// Being stopped: no new use may begin.
    Stopping,
    Stopped,
    /// It is no more, and why if that was a fault.
    Gone(Option<SandboxError>),
}

/// A sandbox while it runs.
#[derive(Debug)]
pub struct Live {
    /// Where its init is.
    pub running: Running,
    init: AsyncFd<OwnedFd>,
    settings: exec::Settings,
    commands: OnceCell<exec::Sandbox>,
}

impl Live {
    /// Holds on to its init, so that its end is seen.
    pub(super) fn new(running: Running, settings: exec::Settings) -> io::Result<Self> {
        let pid = i32::try_from(running.init).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("init has no process id"))?;
        let init = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        Ok(Self {
            running,
            init: watched(init)?,
            settings,
            commands: OnceCell::new(),
        })
    }

    /// Its commands. The connection is made once and stays: without one its init would end.
    ///
    /// # Errors
    /// As [`exec::Sandbox::connect`].
    pub async fn commands(&self) -> Result<&exec::Sandbox, ExecError> {
        let connect = || exec::Sandbox::connect(self.running.clone(), self.settings);
        self.commands.get_or_try_init(connect).await
    }

    pub(super) fn is_alive(&self) -> bool {
        // Asked of the kernel: the runtime learns of an end a little later.
        let mut ended = [PollFd::new(self.init.get_ref(), PollFlags::IN)];
        let now = Timespec::default();
        poll(&mut ended, Some(&now)).is_ok_and(|count| count == 0)
    }

    /// Resolves when its init has ended.
    pub(super) async fn ended(&self) {
        // An error is that of a runtime which is shutting down.
        let _ = self.init.readable().await;
    }
}

impl Entry {
    pub(super) fn new(folder: PathBuf, record: Record, state: State) -> Arc<Self> {
        let last_used_at = record.last_used_at;
        Arc::new(Self {
            folder,
            life: Arc::default(),
            now: Mutex::new(Now {
                record,
                state,
                uses: 0,
                last_used_at,
                unused_since: Instant::now(),
                dirty: true,
                measured: Measured::default(),
                tended: false,
            }),
        })
    }

    /// What is the case. Never held while waiting.
    pub(super) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> SandboxId {
        self.now().record.id
    }

    /// Its files on the host. Whoever asks does not hold `now`.
    pub(super) fn workspace(&self) -> PathBuf {
        let project = self.now().record.project.clone();
        project.map_or_else(|| self.folder.join("workspace"), |project| project.path())
    }

    pub(super) fn plan(&self, limits: Limits) -> Plan {
        let now = self.now();
        Plan {
            id: now.record.id,
            folder: self.folder.clone(),
            user: now.record.user,
            network: now.record.network,
            project: now.record.project.clone(),
            read_only: now.record.read_only,
            limits,
        }
    }
}

impl Now {
    pub(super) fn owner(&self) -> Option<Owner> {
        self.record.owner
    }

    pub(super) fn live(&self) -> Option<Arc<Live>> {
        match &self.state {
            State::Running(live) => Some(live.clone()),
            _ => None,
        }
    }

    /// The same, unless its init has ended meanwhile.
    pub(super) fn alive(&self) -> Option<Arc<Live>> {
        self.live().filter(|live| live.is_alive())
    }

    /// It is used now.
    pub(super) fn touch(&mut self, at: i64) {
        self.last_used_at = at;
        self.unused_since = Instant::now();
    }

    /// How long nobody has used it.
    pub(super) fn unused(&self) -> Duration {
        match self.uses {
            0 => self.unused_since.elapsed(),
            _ => Duration::ZERO,
        }
    }

    /// The record to write when it comes to that phase.
    pub(super) fn record_in(&mut self, phase: Phase) -> Record {
        self.record.phase = phase;
        self.record.last_used_at = self.last_used_at;
        self.record.clone()
    }
}

#[expect(
    unsafe_code,
    reason = "tokio asks for a promise that the descriptor stays what it is"
)]
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and nobody else's until it is dropped, and nothing here replaces
    // the one that is registered.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// Makes a sandbox's folder with what is in it, for its user. The workspace is kept as it is, what
/// else the sandbox left is not: nothing of it may run.
pub(super) fn make_folder(folder: &Path, user: (u32, u32)) -> io::Result<()> {
    use std::{
        fs::DirBuilder,
        os::unix::fs::{DirBuilderExt as _, chown},
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder)?;
    remove_tree(&folder.join("control"))?;
    let own = rustix::process::geteuid().as_raw();
    for name in ["workspace", "control"] {
        let path = folder.join(name);
        builder.create(&path)?;
        if own != user.0 {
            chown(&path, Some(user.0), Some(user.1))?;
        }
    }
    Ok(())
}
