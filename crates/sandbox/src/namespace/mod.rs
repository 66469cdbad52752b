//! The backend that needs no daemon: namespaces of the kernel, made by `sandbox-init hold`.
//!
//! A keeper process stands for each sandbox. It is in a session of its own and outlives the
//! runner; it is found again by its command line, which names the runner's state folder.
//! Invariant: nothing is remembered here. What runs is what `/proc` shows.

mod cgroup;
mod find;
mod keeper;
mod network;
mod probe;

use crate::backend::{Backend, BackendError, BoxFuture, Plan, Running, SandboxId};
use cgroup::Groups;
use std::{io, path::PathBuf, sync::Arc};

/// The backend of namespaces.
#[derive(Debug)]
pub struct Namespaces {
    settings: Settings,
    groups: Arc<Groups>,
}

/// What it is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The binary of `sandbox-init`, which needs no library.
    pub init: PathBuf,
    /// The runner's state folder, absolute: what its sandboxes are known by.
    pub state: PathBuf,
    /// After how many seconds without a runner a sandbox ends by itself.
    pub unattended_secs: u64,
}

impl Namespaces {
    /// A backend with these settings. The state folder exists.
    ///
    /// # Errors
    /// [`BackendError::Failed`] when it cannot be seen where control groups can be made.
    pub fn new(settings: Settings) -> Result<Self, BackendError> {
        let groups = Groups::detect(&settings.state);
        let groups = groups.map_err(failed("looking for control groups"))?;
        Ok(Self {
            settings,
            groups: Arc::new(groups),
        })
    }

    /// Whether sandboxes can be made here: makes one for that user and ends it.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] with the reason and what helps.
    pub async fn probe(&self, user: (u32, u32)) -> Result<(), BackendError> {
        probe::probe(self, user).await
    }

    async fn find(&self, id: Option<SandboxId>) -> Result<Vec<find::Found>, BackendError> {
        let state = self.settings.state.clone();
        let found = tokio::task::spawn_blocking(move || find::all(&state));
        let found = found.await.unwrap_or_else(|error| Err(error.into()));
        let mut found = found.map_err(failed("looking for sandboxes"))?;
        found.retain(|found| id.is_none_or(|id| found.id == id));
        Ok(found)
    }

    async fn end(&self, id: SandboxId) -> Result<(), BackendError> {
        for found in self.find(Some(id)).await? {
            found.end().await.map_err(failed("ending a sandbox"))?;
        }
        self.with_groups("removing control groups", move |groups| groups.remove(id))
            .await
    }

    async fn with_groups<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnOnce(&Groups) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BackendError> {
        let groups = self.groups.clone();
        let done = tokio::task::spawn_blocking(move || work(&groups)).await;
        done.unwrap_or_else(|error| Err(error.into()))
            .map_err(failed(doing))
    }
}

impl Backend for Namespaces {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn start<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Running, BackendError>> {
        Box::pin(async move {
            let pasta = network::program(plan)?;
            let started = match keeper::start(self, plan).await {
                Ok(running) => network::connect(pasta.as_deref(), plan, &running)
                    .await
                    .map(|()| running),
                Err(error) => Err(error),
            };
            if started.is_err() {
                self.end(plan.id).await?;
            }
            started
        })
    }

    fn adopt<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Option<Running>, BackendError>> {
        Box::pin(async move {
            let found = self.find(Some(plan.id)).await?;
            let init = found.iter().find_map(|found| found.init);
            Ok(init.map(|init| Running {
                socket: keeper::socket(plan),
                init,
            }))
        })
    }

    fn stop(&self, id: SandboxId) -> BoxFuture<'_, Result<(), BackendError>> {
        Box::pin(self.end(id))
    }

    fn running(&self) -> BoxFuture<'_, Result<Vec<SandboxId>, BackendError>> {
        Box::pin(async move {
            let found = self.find(None).await?;
            let ids: Vec<SandboxId> = found.into_iter().map(|found| found.id).collect();
            let running = ids.clone();
            let remove = move |groups: &Groups| groups.remove_others(&running);
            self.with_groups("removing old control groups", remove)
                .await?;
            Ok(ids)
        })
    }
}

/// Names what was being done beside why it failed.
fn failed<E: std::error::Error + Send + Sync + 'static>(
    doing: &str,
) -> impl FnOnce(E) -> BackendError {
    let doing = doing.to_owned();
    move |source| BackendError::Failed {
        doing,
        source: Box::new(source),
    }
}
