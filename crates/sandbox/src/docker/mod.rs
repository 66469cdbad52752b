//! Sandboxes as containers of an engine on this machine: Docker, or Podman by the same interface.
//!
//! Invariants: a container's name and labels follow from the runner's state folder and the
//! sandbox's id, so that a runner finds its own after a crash and touches no other; each question
//! to the engine has a time limit; nothing is ever run with less isolation than `container` says.

mod container;
mod engine;
mod image;

use crate::{
    backend::{Backend, BackendError, BoxFuture, Plan, Running, SandboxId},
    projects::Project,
};
use bollard::{
    errors::Error,
    models::ContainerInspectResponse,
    query_parameters::{
        CreateContainerOptions, InspectContainerOptions, ListContainersOptions,
        RemoveContainerOptions, StartContainerOptions,
    },
};
use container::{LABEL_RUNNER, LABEL_SANDBOX, Shape};
use engine::Engine;
use std::{collections::HashMap, path::PathBuf, time::Duration};
use uuid::Uuid;

/// How long one question to the engine may take.
const QUESTION: Duration = Duration::from_secs(30);

/// How long a container's init may take until it listens.
const LISTENING: Duration = Duration::from_secs(10);

/// How containers are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine's address, `unix:///…`; without, where engines listen by default.
    pub host: Option<String>,
    /// The image.
    pub image: String,
    /// What the image is built from where it is missing; without, a missing image is an error.
    pub dockerfile: Option<String>,
    /// The runner's state folder, which tells its containers from those of other runners.
    pub state: PathBuf,
    /// The static `sandbox-init` on the host.
    pub init: PathBuf,
    /// For how long an init waits for a runner before it ends.
    pub abandoned: Duration,
}

/// An engine's containers.
#[derive(Debug)]
pub struct Docker {
    engine: Engine,
    shape: Shape,
    runner: String,
}

impl Docker {
    /// Finds the engine and its image, which it builds where it is missing: that takes minutes.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] if there is no engine or no image; the text says what helps.
    pub async fn open(settings: Settings) -> Result<Self, BackendError> {
        let engine = Engine::connect(settings.host.as_deref()).await?;
        image::ensure(&engine, &settings.image, settings.dockerfile.as_deref()).await?;
        let state = settings.state.canonicalize();
        let state = state.map_err(failed("finding the state folder"))?;
        let init = settings.init.canonicalize().map_err(|error| {
            let path = settings.init.display();
            BackendError::Unavailable(format!("sandbox-init is not at {path}: {error}"))
        })?;
        let runner = container::runner_label(&state);
        let shape = Shape {
            image: settings.image,
            init,
            abandoned: settings.abandoned,
            keep_id: engine.maps_own_user(),
        };
        Ok(Self {
            engine,
            shape,
            runner,
        })
    }

    fn name_of(&self, id: SandboxId) -> String {
        container::name(&self.runner, id)
    }

    async fn make(&self, plan: &Plan) -> Result<(), BackendError> {
        let name = self.name_of(plan.id);
        let body = self.shape.of(plan, &self.runner)?;
        let options = || CreateContainerOptions {
            name: Some(name.clone()),
            ..CreateContainerOptions::default()
        };
        let client = self.engine.client();
        let made = self.ask("making the container", || {
            client.create_container(Some(options()), body.clone())
        });
        match made.await {
            Err(error) if engine::status(&error) == Some(409) => {
                // Left by a start that was cut off.
                self.remove(&name).await?;
                let again = self.ask("making the container", || {
                    client.create_container(Some(options()), body.clone())
                });
                again.await?;
            }
            other => drop(other?),
        }
        let start = self.ask("starting the container", || {
            client.start_container(&name, None::<StartContainerOptions>)
        });
        start.await
    }

    /// Kills and removes it; when this resolves, the engine knows it no more.
    async fn remove(&self, name: &str) -> Result<(), BackendError> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            link: false,
        };
        let removed = self.ask("removing the container", || {
            let options = Some(options.clone());
            self.engine.client().remove_container(name, options)
        });
        match removed.await {
            Err(error) if engine::status(&error) == Some(404) => return Ok(()),
            // It is being removed already, because it ended by itself.
            Err(error) if engine::status(&error) == Some(409) => {}
            other => other?,
        }
        let gone = async {
            while self.inspect(name).await?.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        };
        let gone = tokio::time::timeout(QUESTION, gone).await;
        gone.map_err(failed("waiting for the container's removal"))?
    }

    async fn inspect(&self, name: &str) -> Result<Option<ContainerInspectResponse>, BackendError> {
        let inspected = self.ask("looking at the container", || {
            let client = self.engine.client();
            client.inspect_container(name, None::<InspectContainerOptions>)
        });
        match inspected.await {
            Ok(found) => Ok(Some(found)),
            Err(error) if engine::status(&error) == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The container's init, if it runs; a container of somebody else by that name is an error.
    async fn found(&self, plan: &Plan) -> Result<Option<Running>, BackendError> {
        let name = self.name_of(plan.id);
        let Some(found) = self.inspect(&name).await? else {
            return Ok(None);
        };
        let labels = found.config.and_then(|config| config.labels);
        let labels = labels.unwrap_or_default();
        if labels.get(LABEL_RUNNER) != Some(&self.runner) {
            return Err(failed("looking at the container")(format!(
                "{name} is not this runner's"
            )));
        }
        let state = found.state.unwrap_or_default();
        let pid = state.pid.and_then(|pid| u32::try_from(pid).ok());
        match pid {
            Some(init) if state.running == Some(true) && init > 0 => Ok(Some(Running {
                socket: plan.folder.join("control").join("init.sock"),
                init,
            })),
            _ => Ok(None),
        }
    }

    async fn ask<T, F>(&self, doing: &str, question: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.engine.ask(doing, QUESTION, question()).await
    }
}

impl Backend for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn bounds_memory(&self) -> bool {
        true
    }

    fn start<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Running, BackendError>> {
        Box::pin(async move {
            let started = async {
                self.make(plan).await?;
                let running = self.found(plan).await?;
                let running = running.ok_or_else(|| {
                    failed("starting the container")("it ended at once: sandbox-init did not run")
                })?;
                self.engine.listens(&running, LISTENING).await?;
                if let Some(project) = &plan.project {
                    check_project(project, running.init)?;
                }
                Ok(running)
            };
            let started = started.await;
            if started.is_err()
                && let Err(error) = self.remove(&self.name_of(plan.id)).await
            {
                tracing::warn!(sandbox = %plan.id, %error, "a half-made container may be left");
            }
            started
        })
    }

    fn adopt<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Option<Running>, BackendError>> {
        Box::pin(async move {
            let running = self.found(plan).await?;
            if running.is_none() {
                self.remove(&self.name_of(plan.id)).await?;
            }
            Ok(running)
        })
    }

    fn stop(&self, id: SandboxId) -> BoxFuture<'_, Result<(), BackendError>> {
        Box::pin(async move { self.remove(&self.name_of(id)).await })
    }

    /// Also containers that were made and never started, or ended: they are there to be stopped.
    fn running(&self) -> BoxFuture<'_, Result<Vec<SandboxId>, BackendError>> {
        Box::pin(async move {
            let label = format!("{LABEL_RUNNER}={}", self.runner);
            let options = ListContainersOptions {
                all: true,
                filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
                ..ListContainersOptions::default()
            };
            let listed = self.ask("listing the containers", || {
                self.engine.client().list_containers(Some(options))
            });
            let listed = listed.await?;
            let ids = listed.into_iter().filter_map(|container| {
                let labels = container.labels?;
                let id = Uuid::try_parse(labels.get(LABEL_SANDBOX)?).ok()?;
                Some(SandboxId(id))
            });
            Ok(ids.collect())
        })
    }
}

/// The engine goes by a path, in which somebody may have put a symlink since it was resolved: what
/// the container really has is looked at before anything runs in it.
fn check_project(project: &Project, init: u32) -> Result<(), BackendError> {
    let seen = PathBuf::from(format!("/proc/{init}/root/workspace"));
    match project.is(&seen) {
        Ok(true) => Ok(()),
        // An engine whose processes we may not look at: then only it can be deceived.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        Ok(false) => Err(failed("mounting the project")("it was replaced meanwhile")),
        Err(error) => Err(failed("looking at the project")(error)),
    }
}

/// A [`BackendError::Failed`] of something that was being done.
fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    doing: &str,
) -> impl FnOnce(E) -> BackendError {
    let doing = doing.to_owned();
    move |source| BackendError::Failed {
        doing,
        source: source.into(),
    }
}
