//! The sandboxes of sessions, with all that belongs to one: the channel for its commands, its
//! files, the watch on them, and its ports.
//!
//! | part | what it does |
//! |---|---|
//! | `commands` | runs commands, in the words of `runner-api` |
//! | `held` | what is kept of a session's sandbox between requests |
//! | `ports` | the way to servers in sandboxes, for previews |
//! | `unowned` | asks the edge which sessions are gone, and removes what they left, their rooms too |
//! | `watching` | puts what changes in a workspace into the session's room |
//!
//! Where no backend is to be had the runner serves everything else, and launching is refused with
//! the reason.

mod commands;
mod held;
mod ports;
mod settings;
mod start;
mod unowned;
mod watching;

pub(crate) use commands::Followed;
pub use settings::{Choice, Settings};
pub(crate) use start::start;
pub(crate) use unowned::keep_owned;

use crate::admin::Refused;
use crate::drain::Drain;
use crate::metrics::Metrics;
use crate::places::{Place, Places};
use crate::previews::{Previews, Published, Target};
use axum::http::StatusCode;
use held::{Held, Holdings};
use runner_api::sandboxes::{Launch, Launched, OfSession, Preview, Sandbox, Status};
use sandbox::registry::{self, Counts, SandboxError, Sandboxes};
use sandbox_files::{Checkpoints, Watch, Workspace, WorkspacePath};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Instant,
};
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use watching::Watching;

/// The sandboxes of one runner.
#[derive(Debug)]
pub(crate) struct SessionSandboxes {
    registry: Registry,
    holdings: Arc<Holdings>,
    previews: OnceLock<(Arc<Previews>, Arc<Published>)>,
    timeouts: commands::Timeouts,
    metrics: Arc<Metrics>,
    places: Arc<Places<i64>>,
}

/// The registry, or why there is none; at first it is being opened. Clones are the same.
#[derive(Clone, Debug, Default)]
struct Registry(Arc<SetOnce<Result<Open, String>>>);

/// A registry that is open, and who watches its files.
#[derive(Debug)]
struct Open {
    sandboxes: Sandboxes,
    watching: Arc<Watching>,
}

impl Registry {
    fn get(&self) -> Result<&Sandboxes, SandboxError> {
        let reason = match self.0.get() {
            Some(Ok(open)) => return Ok(&open.sandboxes),
            Some(Err(reason)) => reason.clone(),
            None => "they are being prepared. Try again in a moment".to_owned(),
        };
        Err(SandboxError::Unavailable { reason })
    }

    /// The registry when it is there; none where there is none, or the runner stops before.
    async fn opened(&self, stopping: &CancellationToken) -> Option<&Sandboxes> {
        tokio::select! {
            () = stopping.cancelled() => None,
            opened = self.0.wait() => opened.as_ref().ok().map(|open| &open.sandboxes),
        }
    }

    /// The registry, if it is there: otherwise there are no sandboxes to speak of.
    fn open(&self) -> Option<&Sandboxes> {
        self.0.get()?.as_ref().ok().map(|open| &open.sandboxes)
    }

    /// Resolves when the session's files are watched: what is written from then on is told.
    async fn watched(&self, session: Uuid) {
        if let Some(Ok(open)) = self.0.get() {
            open.watching.clone().watch(session).await;
        }
    }
}

/// A session's files, and who tells of their changes.
#[derive(Debug)]
pub(crate) struct SessionFiles {
    pub(crate) workspace: Workspace,
    watch: Option<Watch>,
}

impl SessionFiles {
    /// These were just changed: whoever watches learns it at once.
    pub(crate) fn changed(&self, paths: &[&WorkspacePath]) {
        if let Some(watch) = &self.watch {
            for path in paths {
                watch.changed(path);
            }
        }
    }
}

impl SessionSandboxes {
    /// Shows the sandboxes' ports through these, until they are gone.
    pub(crate) fn show_through(
        &self,
        previews: Arc<Previews>,
        published: Arc<Published>,
        drain: &Drain,
    ) {
        drain.spawn(ports::close_with_sandboxes(
            self.registry.clone(),
            published.clone(),
            drain.stopping(),
        ));
        // It is called once, by whoever starts the runner.
        let _set = self.previews.set((previews, published));
    }

    pub(crate) async fn launch(&self, session: Uuid, launch: &Launch) -> Result<Launched, Refused> {
        let wanted = registry::Launch {
            user: launch.user,
            network: launch.network,
            project: launch.project.as_ref().map(PathBuf::from),
            read_only: launch.read_only,
        };
        let begun = Instant::now();
        let launched = self.registry.get()?.launch(session, wanted).await?;
        self.registry.watched(session).await;
        self.metrics.launches.took(begun.elapsed());
        Ok(Launched {
            created: launched.created,
            sandbox: shown(&launched.sandbox),
        })
    }

    pub(crate) fn status(&self, session: Uuid) -> Result<Sandbox, Refused> {
        Ok(shown(&self.registry.get()?.status(session)?))
    }

    /// All of a user's.
    pub(crate) fn of_user(&self, user: i64) -> Result<Vec<OfSession>, Refused> {
        let sandboxes = self.registry.get()?;
        let all = sandboxes.sessions().into_iter().filter_map(|session| {
            // One that was just destroyed is none.
            let sandbox = sandboxes.status(session).ok()?;
            (sandbox.user == user).then(|| OfSession {
                session,
                sandbox: shown(&sandbox),
            })
        });
        Ok(all.collect())
    }

    /// Whether there was one.
    pub(crate) async fn destroy(&self, session: Uuid) -> Result<bool, Refused> {
        Ok(self.registry.get()?.destroy(session).await?)
    }

    /// How many there were.
    pub(crate) async fn destroy_all(&self, user: i64) -> Result<u64, Refused> {
        Ok(self.registry.get()?.destroy_all(user).await?)
    }

    /// Where the sandbox's servers can be seen. A sandbox that does not run has none.
    pub(crate) async fn previews(&self, session: Uuid) -> Result<Vec<Preview>, Refused> {
        let sandboxes = self.registry.get()?;
        let sandbox = sandboxes.status(session)?;
        let Some((previews, published)) = self.previews.get() else {
            return Ok(Vec::new());
        };
        let ports = previews.ports();
        let listening = match sandbox.status {
            registry::Status::Running => {
                let entered = sandboxes.enter(session).await?;
                entered.commands().await?.listening(ports).await?
            }
            registry::Status::Starting | registry::Status::Stopped => Vec::new(),
        };
        let mut shown = Vec::new();
        for port in ports.iter().copied() {
            let host_port = sandbox.network.then(|| published.open(session, port));
            shown.push(Preview {
                container_port: port,
                host_port: host_port.transpose().map_err(|e| Refused::internal(&e))?,
                url: previews.address(&Target { session, port }),
                listening: listening.contains(&port),
            });
        }
        if let Err(gone) = sandboxes.status(session) {
            // Destroyed meanwhile: its ports may have been opened after they were closed.
            published.close(session);
            return Err(gone.into());
        }
        Ok(shown)
    }

    /// The session's files, to be read or deleted.
    pub(crate) fn files(&self, session: Uuid) -> Result<SessionFiles, Refused> {
        let files = self.registry.get()?.files(session)?;
        self.held(session, &files)
    }

    /// The session's files, to be added to.
    pub(crate) fn files_to_write(&self, session: Uuid) -> Result<SessionFiles, Refused> {
        let files = self.registry.get()?.files_to_write(session)?;
        self.held(session, &files)
    }

    /// The session's files, and what is kept of them.
    pub(crate) fn checkpoints(
        &self,
        session: Uuid,
    ) -> Result<(SessionFiles, Checkpoints), Refused> {
        let files = self.registry.get()?.files(session)?;
        let folder = files.beside.join("checkpoints");
        let checkpoints = self.holdings.checkpoints(folder);
        Ok((self.held(session, &files)?, checkpoints))
    }

    /// The path of a folder of this host, if it may be a workspace.
    pub(crate) fn project(&self, path: &str) -> Result<String, Refused> {
        let project = self.registry.get()?.project(Path::new(path))?;
        Ok(project.path().to_string_lossy().into_owned())
    }

    /// Files were deleted: how much is left is to be measured.
    pub(crate) fn remeasure(&self, session: Uuid) {
        if let Some(sandboxes) = self.registry.open() {
            sandboxes.changed(session);
        }
    }

    /// How many there are, for metrics.
    pub(crate) fn counts(&self) -> Counts {
        let sandboxes = self.registry.open();
        sandboxes.map_or_else(Counts::default, Sandboxes::counts)
    }

    /// `docker` or `namespace`.
    ///
    /// # Errors
    /// Why there is neither.
    pub(crate) fn backend(&self) -> Result<&'static str, SandboxError> {
        self.registry.get().map(Sandboxes::backend)
    }

    /// Lets go of the sandboxes, which run on.
    pub(crate) async fn shutdown(&self) -> Result<(), SandboxError> {
        match self.registry.open() {
            Some(sandboxes) => sandboxes.shutdown().await,
            None => Ok(()),
        }
    }

    fn held(&self, session: Uuid, files: &registry::Files) -> Result<SessionFiles, Refused> {
        let Held {
            workspace, watch, ..
        } = self
            .holdings
            .files(session, files)
            .map_err(|error| Refused::internal(&error))?;
        Ok(SessionFiles { workspace, watch })
    }

    /// A place for one more command that somebody waits for.
    fn place(&self, session: Uuid) -> Result<Place<i64>, Refused> {
        let user = self.registry.get()?.status(session)?.user;
        self.places.take(user).ok_or_else(|| {
            let detail = "You wait for as many commands as you may. Wait for one to end, or run it \
                          in the background";
            Refused::new(StatusCode::TOO_MANY_REQUESTS, detail)
        })
    }

    /// The session's sandbox, to run commands in it; one that is stopped is started again.
    async fn enter(&self, session: Uuid) -> Result<registry::Use, Refused> {
        Ok(self.registry.get()?.enter(session).await?)
    }
}

fn shown(sandbox: &registry::Sandbox) -> Sandbox {
    Sandbox {
        status: match sandbox.status {
            registry::Status::Starting => Status::Starting,
            registry::Status::Running => Status::Running,
            registry::Status::Stopped => Status::Stopped,
        },
        backend: sandbox.backend.to_owned(),
        network: sandbox.network,
        created_at: sandbox.created_at,
        last_used_at: sandbox.last_used_at,
        expires_at: sandbox.expires_at,
    }
}
