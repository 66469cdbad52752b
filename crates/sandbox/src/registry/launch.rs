//! From a session to a running sandbox.

use super::{
    Change, Inner, Sandbox, Sandboxes, Use,
    entry::{Entry, Live, State, make_folder},
    error::SandboxError,
    journal::{Owner, Phase, Record},
};
use crate::{
    backend::SandboxId,
    projects::{NoProject, Project},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// What is asked of a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// Whose it is.
    pub user: i64,
    /// Whether it shall have the network. One that is there already stays as it is.
    pub network: bool,
    /// The folder of the host that shall be its workspace, if one shall.
    pub project: Option<PathBuf>,
    /// Whether nothing in its workspace may be changed.
    pub read_only: bool,
}

/// A session has its sandbox, and it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// Whether it was made by this call.
    pub created: bool,
    /// The sandbox.
    pub sandbox: Sandbox,
}

/// What there is for a session.
enum Claim {
    /// One that is there already.
    There(Arc<Entry>),
    /// One that is now the session's; nobody else comes to it before the guard goes.
    Mine {
        entry: Arc<Entry>,
        life: OwnedMutexGuard<()>,
        pooled: bool,
    },
}

impl Sandboxes {
    /// Sees to it that the session has a sandbox and that it runs. Any number of calls at once
    /// make one; it goes on also if the caller does not wait.
    ///
    /// # Errors
    /// All of [`SandboxError`] but `NotFound` and `QuotaExceeded`.
    pub async fn launch(&self, session: Uuid, launch: Launch) -> Result<Launched, SandboxError> {
        let inner = self.0.clone();
        detached(async move { inner.launch(session, launch).await }).await
    }

    /// The session's sandbox, to run commands in it; one that is stopped is started again, and one
    /// whose process 1 does not answer too.
    ///
    /// # Errors
    /// [`SandboxError::NotFound`]; [`SandboxError::Unavailable`] and [`SandboxError::Failed`] if
    /// it cannot be started again.
    pub async fn enter(&self, session: Uuid) -> Result<Use, SandboxError> {
        let used = self.wake(session).await?;
        let Err(error) = used.commands().await else {
            return Ok(used);
        };
        // A sandbox can take its own socket away. Its files stay, its processes go.
        tracing::warn!(sandbox = %used.id(), error = ?error, "a sandbox does not answer");
        drop(used);
        self.stop(session).await?;
        let used = self.wake(session).await?;
        match used.commands().await {
            Ok(_) => Ok(used),
            Err(error) => Err(SandboxError::Failed {
                doing: "connecting to it".to_owned(),
                source: Arc::new(error),
            }),
        }
    }

    /// The session's sandbox, running: [`Self::enter`] without regard to whether it answers.
    ///
    /// # Errors
    /// As [`Self::enter`].
    pub async fn wake(&self, session: Uuid) -> Result<Use, SandboxError> {
        let entry = self.0.entry(session)?;
        if let Some(used) = self.0.use_of(&entry) {
            return Ok(used);
        }
        let inner = self.0.clone();
        detached(async move {
            let _life = entry.life.lock().await;
            inner.ensure_runs(&entry).await?;
            inner.use_of(&entry).ok_or_else(ended_at_once)
        })
        .await
    }
}

impl Inner {
    async fn launch(
        self: Arc<Self>,
        session: Uuid,
        launch: Launch,
    ) -> Result<Launched, SandboxError> {
        if launch.network && !self.settings.network {
            return Err(SandboxError::NetworkNotAllowed);
        }
        let project = launch.project.as_deref();
        let project = project.map(|path| self.settings.projects.at(path));
        let project = project.transpose()?;
        loop {
            let (entry, created) = match self.claim(session, &launch, project.as_ref())? {
                Claim::There(entry) => {
                    let _life = entry.life.lock().await;
                    if matches!(entry.now().state, State::Gone(None)) {
                        // Destroyed while we waited.
                        continue;
                    }
                    self.ensure_runs(&entry).await?;
                    entry.now().touch(self.clock.now());
                    (entry.clone(), false)
                }
                Claim::Mine {
                    entry,
                    life: _life,
                    pooled,
                } => {
                    let begun = match pooled {
                        true => self.hand_over(&entry).await,
                        false => self.start(&entry).await.map(drop),
                    };
                    if let Err(error) = begun {
                        self.give_up(&entry, Some(error.clone())).await;
                        return Err(error);
                    }
                    (entry.clone(), true)
                }
            };
            let sandbox = self.show(&entry).ok_or(SandboxError::NotFound)?;
            return Ok(Launched { created, sandbox });
        }
    }

    /// The session's sandbox, or one that is now its own.
    fn claim(
        &self,
        session: Uuid,
        launch: &Launch,
        project: Option<&Project>,
    ) -> Result<Claim, SandboxError> {
        let mut table = self.table();
        if let Some(entry) = table.sessions.get(&session) {
            return Ok(Claim::There(entry.clone()));
        }
        let whose = |entry: &Arc<Entry>| entry.now().owner().map(|owner| owner.user);
        let entries = table.sessions.values();
        let own = entries.filter(|entry| whose(entry) == Some(launch.user));
        if own.count() >= self.settings.per_user {
            return Err(SandboxError::LimitReached {
                whose: "You have",
                limit: self.settings.per_user,
            });
        }
        if table.sessions.len() >= self.settings.total {
            return Err(SandboxError::LimitReached {
                whose: "The runner has",
                limit: self.settings.total,
            });
        }
        // Those in the pool are all alike.
        let special = launch.network || launch.read_only || project.is_some();
        let (entry, pooled) = match special {
            false => table.pool_take(),
            true => None,
        }
        .map_or_else(|| (self.new_entry(), false), |entry| (entry, true));
        // Nobody else knows it.
        let Ok(life) = entry.life.clone().try_lock_owned() else {
            return Err(ended_at_once());
        };
        let mut now = entry.now();
        let at = self.clock.now();
        now.record.owner = Some(Owner {
            session,
            user: launch.user,
        });
        now.record.network = launch.network;
        now.record.read_only = launch.read_only;
        if let Some(project) = project {
            now.record.user = self.user_of(project)?;
            now.record.project = Some(project.clone());
        }
        now.record.created_at = at;
        now.touch(at);
        drop(now);
        table.sessions.insert(session, entry.clone());
        Ok(Claim::Mine {
            entry,
            life,
            pooled,
        })
    }

    /// Whom the processes in a project are: its owner, where the runner can be anybody and that is
    /// not root.
    fn user_of(&self, project: &Project) -> Result<(u32, u32), SandboxError> {
        let own = self.settings.user;
        if !rustix::process::geteuid().is_root() {
            return Ok(own);
        }
        let owner = project.owner();
        Ok(match owner.map_err(|_| NoProject::NoFolder)? {
            (0, _) | (_, 0) => own,
            owner => owner,
        })
    }

    pub(super) fn new_entry(&self) -> Arc<Entry> {
        let id = SandboxId(Uuid::new_v4());
        let record = Record::new(id, self.settings.user, self.clock.now());
        Entry::new(self.journal.folder_of(id), record, State::Starting)
    }

    /// Makes one from the pool the session's.
    async fn hand_over(&self, entry: &Arc<Entry>) -> Result<(), SandboxError> {
        self.taken.notify_one();
        let record = entry.now().record_in(Phase::Active);
        let written = self.journal.write(record).await;
        written.map_err(SandboxError::failed("storing whose it is"))?;
        self.tell_started(entry);
        Ok(())
    }

    /// Sees to it that it runs. The caller holds its `life`.
    async fn ensure_runs(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<(), SandboxError> {
        let state = entry.now().state.clone();
        match state {
            State::Running(live) if live.is_alive() => Ok(()),
            State::Gone(fault) => Err(fault.unwrap_or(SandboxError::NotFound)),
            State::Running(_) => {
                self.end_processes(entry).await?;
                self.start(entry).await.map(drop)
            }
            State::Starting | State::Stopping | State::Stopped => self.start(entry).await.map(drop),
        }
    }

    /// Starts it. The caller holds its `life`.
    pub(super) async fn start(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
    ) -> Result<Arc<Live>, SandboxError> {
        let record = {
            let mut now = entry.now();
            now.state = State::Starting;
            now.record_in(Phase::Active)
        };
        match self.try_start(entry, record).await {
            Ok(live) => {
                {
                    let mut now = entry.now();
                    now.state = State::Running(live.clone());
                    now.touch(self.clock.now());
                    now.dirty = true;
                }
                self.watch(entry.clone(), live.clone());
                self.tell_started(entry);
                Ok(live)
            }
            Err(error) => {
                tracing::warn!(sandbox = %entry.id(), error = ?error, "a sandbox does not start");
                entry.now().state = State::Stopped;
                Err(error)
            }
        }
    }

    async fn try_start(&self, entry: &Entry, record: Record) -> Result<Arc<Live>, SandboxError> {
        let (id, user) = (record.id, record.user);
        let written = self.journal.write(record).await;
        written.map_err(SandboxError::failed("storing that it starts"))?;
        let folder = entry.folder.clone();
        let made = self.journal.on_disk(move |_| make_folder(&folder, user));
        let made = made.await;
        made.map_err(SandboxError::failed("making its folder"))?;
        let running = self
            .backend
            .start(&entry.plan(self.settings.limits))
            .await?;
        match Live::new(running, self.settings.exec) {
            Ok(live) => Ok(Arc::new(live)),
            Err(error) => {
                self.backend.stop(id).await?;
                Err(SandboxError::failed("finding its process 1")(error))
            }
        }
    }

    /// Sees its end, whatever the reason.
    pub(super) fn watch(self: &Arc<Self>, entry: Arc<Entry>, live: Arc<Live>) {
        let inner = self.clone();
        tokio::spawn(async move {
            // An init that nobody speaks to ends some day.
            if let Err(error) = live.commands().await {
                tracing::debug!(sandbox = %entry.id(), error = ?error, "no line to a sandbox yet");
            }
            tokio::select! {
                () = live.ended() => inner.fell(&entry, &live).await,
                () = inner.closing.cancelled() => {}
            }
        });
    }

    pub(super) fn tell_started(&self, entry: &Entry) {
        let workspace = entry.workspace();
        self.tell(entry, Change::Started { workspace });
    }

    fn use_of(self: &Arc<Self>, entry: &Arc<Entry>) -> Option<Use> {
        let mut now = entry.now();
        let live = now.alive()?;
        now.uses += 1;
        now.dirty = true;
        self.stirred.notify_one();
        now.touch(self.clock.now());
        Some(Use {
            inner: self.clone(),
            id: now.record.id,
            entry: entry.clone(),
            live,
        })
    }
}

/// Does it to its end, also when the caller goes away.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, SandboxError>> + Send + 'static,
) -> Result<T, SandboxError> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| {
        Err(SandboxError::failed("working on it")(
            std::io::Error::other(error),
        ))
    })
}

fn ended_at_once() -> SandboxError {
    let error = std::io::Error::other("its process 1 ended at once");
    SandboxError::failed("starting")(error)
}
