//! Which sandboxes there are: a session has at most one, and it outlasts the runner.
//!
//! | part | what it does |
//! |---|---|
//! | `launch` | makes a session's sandbox, or takes one from the pool, and starts it again |
//! | `ending` | stops and destroys |
//! | `recovery` | after a start of the runner: adopts what is known, ends what nobody owns |
//! | `pool` | keeps some ready |
//! | `upkeep` | each second: quotas, memory, idleness, age |
//! | `journal` | what is known, on disk |
//!
//! Invariants: a record is on disk before anything runs; whoever begins to start, stop or destroy
//! a sandbox holds its `life`, and is not cut off when those who asked go away; a sandbox that
//! somebody uses is neither stopped for idleness nor destroyed for its age.

mod choice;
mod ending;
mod entry;
mod error;
mod events;
mod journal;
mod launch;
mod pool;
mod processes;
mod recovery;
mod removal;
mod settings;
mod upkeep;

pub use choice::{Choice, choose};
pub use entry::Live;
pub use error::SandboxError;
pub use events::{Change, Lifecycle};
pub use launch::{Launch, Launched};
pub use recovery::Recovered;
pub use settings::{Floor, Quota, Settings};

use crate::{
    backend::{Backend, SandboxId},
    exec::{self, ExecError},
    projects::{NoProject, Project},
};
use entry::{Entry, State};
use journal::Journal;
use ports::Clock;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The sandboxes of a runner. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Sandboxes(Arc<Inner>);

struct Inner {
    settings: Settings,
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    journal: Journal,
    table: Mutex<Table>,
    events: broadcast::Sender<Lifecycle>,
    /// Wakes whoever fills the pool.
    taken: Notify,
    /// Wakes whoever looks after sandboxes, because one begins to be used.
    stirred: Notify,
    /// Wakes whoever removes what was discarded.
    discarded: Notify,
    closing: CancellationToken,
}

/// All sandboxes by what they are for.
#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<Uuid, Arc<Entry>>,
    /// Being made for the pool.
    making: Vec<Arc<Entry>>,
    /// Ready and nobody's.
    pool: Vec<Arc<Entry>>,
    /// No session's any longer, and not yet gone.
    ending: Vec<Arc<Entry>>,
}

/// How a session's sandbox is. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Its own id.
    pub id: SandboxId,
    /// Whose it is.
    pub user: i64,
    /// How it is.
    pub status: Status,
    /// `docker` or `namespace`.
    pub backend: &'static str,
    /// Whether it has the network.
    pub network: bool,
    /// When it was launched.
    pub created_at: i64,
    /// When it was used last.
    pub last_used_at: i64,
    /// When it will be destroyed unless it is used.
    pub expires_at: i64,
}

/// Whether a sandbox runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Being made or started again.
    Starting,
    /// Running.
    Running,
    /// Not running; its files are kept.
    Stopped,
}

/// How many sandboxes there are, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of sessions, running.
    pub running: usize,
    /// Of sessions, being started or stopped.
    pub changing: usize,
    /// Of sessions, stopped.
    pub stopped: usize,
    /// Waiting in the pool.
    pub pooled: usize,
    /// Being destroyed.
    pub ending: usize,
    /// Full: they may only delete.
    pub full: usize,
}

/// A running sandbox that somebody uses: while this is held it does not count as idle.
#[derive(Debug)]
pub struct Use {
    inner: Arc<Inner>,
    entry: Arc<Entry>,
    live: Arc<Live>,
    id: SandboxId,
}

impl Use {
    /// Its own id.
    #[must_use]
    pub fn id(&self) -> SandboxId {
        self.id
    }

    /// It, while it runs.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Its commands.
    ///
    /// # Errors
    /// As [`Live::commands`].
    pub async fn commands(&self) -> Result<&exec::Sandbox, ExecError> {
        self.live.commands().await
    }

    /// Its files on the host.
    #[must_use]
    pub fn workspace(&self) -> PathBuf {
        self.entry.workspace()
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut now = self.entry.now();
        now.uses = now.uses.saturating_sub(1);
        now.touch(self.inner.clock.now());
        // What it did last is still to be measured.
        now.dirty = true;
        self.inner.stirred.notify_one();
    }
}

/// A session's files on the host, which are there also while its sandbox is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The folder.
    pub workspace: PathBuf,
    /// A folder for what is kept beside the files: no sandbox reaches it, and it goes with the
    /// sandbox.
    pub beside: PathBuf,
    /// Whom they belong to, uid and gid.
    pub user: (u32, u32),
}

impl Sandboxes {
    /// How the session's sandbox is.
    ///
    /// # Errors
    /// [`SandboxError::NotFound`].
    pub fn status(&self, session: Uuid) -> Result<Sandbox, SandboxError> {
        let entry = self.0.entry(session)?;
        self.0.show(&entry).ok_or(SandboxError::NotFound)
    }

    /// The session's files, to be read. This is a use.
    ///
    /// # Errors
    /// [`SandboxError::NotFound`].
    pub fn files(&self, session: Uuid) -> Result<Files, SandboxError> {
        let entry = self.0.entry(session)?;
        let workspace = entry.workspace();
        let mut now = entry.now();
        now.touch(self.0.clock.now());
        Ok(Files {
            workspace,
            beside: entry.folder.clone(),
            user: now.record.user,
        })
    }

    /// The session's files, to be written: they are measured afterwards.
    ///
    /// # Errors
    /// [`SandboxError::NotFound`], [`SandboxError::QuotaExceeded`] while they are over the quota;
    /// deleting is then still right, with [`Self::files`] and [`Self::changed`].
    pub fn files_to_write(&self, session: Uuid) -> Result<Files, SandboxError> {
        let entry = self.0.entry(session)?;
        if let Some(detail) = entry.now().measured.full.clone() {
            return Err(SandboxError::QuotaExceeded { detail });
        }
        entry.now().dirty = true;
        self.0.stirred.notify_one();
        self.files(session)
    }

    /// The session's files were changed from outside of the sandbox: they are measured again.
    pub fn changed(&self, session: Uuid) {
        if let Ok(entry) = self.0.entry(session) {
            entry.now().dirty = true;
            self.0.stirred.notify_one();
        }
    }

    /// All sessions that have a sandbox.
    #[must_use]
    pub fn sessions(&self) -> Vec<Uuid> {
        self.0.table().sessions.keys().copied().collect()
    }

    /// How many sandboxes there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let table = self.0.table();
        let mut counts = Counts {
            pooled: table.pool.len(),
            ending: table.ending.len(),
            ..Counts::default()
        };
        for entry in table.sessions.values() {
            let now = entry.now();
            match now.state {
                State::Running(_) => counts.running += 1,
                State::Stopped => counts.stopped += 1,
                State::Starting | State::Stopping => counts.changing += 1,
                State::Gone(_) => {}
            }
            counts.full += usize::from(now.measured.full.is_some());
        }
        counts
    }

    /// The folder of the host at that path, if it may be a workspace.
    ///
    /// # Errors
    /// [`NoProject`]
    pub fn project(&self, path: &Path) -> Result<Project, NoProject> {
        self.0.settings.projects.at(path)
    }

    /// `docker` or `namespace`.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.0.backend.name()
    }

    /// What happens to sandboxes from now on. Whoever lies far behind is told so, and looks at
    /// [`Self::sessions`] again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Lifecycle> {
        self.0.events.subscribe()
    }

    /// Ends the registry's own work. The sandboxes run on, for the next runner to adopt; if none
    /// comes they end by themselves.
    ///
    /// # Errors
    /// [`SandboxError::Failed`] if the times of the last uses cannot be stored.
    pub async fn shutdown(&self) -> Result<(), SandboxError> {
        self.0.closing.cancel();
        self.0.store_uses(std::time::Duration::ZERO).await
    }
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, session: Uuid) -> Result<Arc<Entry>, SandboxError> {
        let found = self.table().sessions.get(&session).cloned();
        found.ok_or(SandboxError::NotFound)
    }

    fn show(&self, entry: &Entry) -> Option<Sandbox> {
        let now = entry.now();
        let status = match now.state {
            State::Starting => Status::Starting,
            State::Running(_) => Status::Running,
            State::Stopping | State::Stopped => Status::Stopped,
            State::Gone(_) => return None,
        };
        let ttl = i64::try_from(self.settings.ttl.as_millis()).unwrap_or(i64::MAX);
        let last_used_at = match now.uses {
            0 => now.last_used_at,
            _ => self.clock.now(),
        };
        Some(Sandbox {
            id: now.record.id,
            user: now.owner()?.user,
            status,
            backend: self.backend.name(),
            network: now.record.network,
            created_at: now.record.created_at,
            last_used_at,
            expires_at: last_used_at.saturating_add(ttl),
        })
    }

    fn tell(&self, entry: &Entry, change: Change) {
        if let Some(owner) = entry.now().owner() {
            let session = owner.session;
            // Nobody listening is no fault.
            let _ = self.events.send(Lifecycle { session, change });
        }
    }

    fn sandboxes_folder(state: &Path) -> PathBuf {
        state.join("sandboxes")
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandboxes")
            .field("settings", &self.settings)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
