//! From settings to sandboxes.

use super::{
    Open, Registry, SessionSandboxes, Settings, commands::Timeouts, held::Holdings,
    ports::ToSandboxes, watching::Watching,
};
use crate::{drain::Drain, metrics::Metrics, places::Places};
use platform_native::SystemClock;
use rooms::Rooms;
use sandbox::{
    backend::{Backend, BackendError, Limits},
    docker::{self, Docker},
    namespace::{self, Namespaces},
    projects::Projects,
    registry::{self, Quota, Sandboxes, choose},
};
use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::oneshot;

/// After how long without a runner a sandbox ends by itself.
const UNATTENDED: Duration = Duration::from_secs(15 * 60);

/// What a sandbox may keep in its temporary folders, in bytes.
const TMPFS: u64 = 256 << 20;

/// How many files, directories and the like a sandbox may have.
const FILES: u64 = 200_000;

/// The name of process 1's file.
const INIT: &str = "sandbox-init";

/// How long the runner waits for its sandboxes before it serves without them. Building an image
/// takes minutes; all else is a matter of milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the default image is built from.
const DOCKERFILE: &str = include_str!("../../image/Dockerfile");

/// Takes up what an earlier runner left, and watches its files. The way to servers in sandboxes
/// comes with it.
pub(crate) async fn start(
    settings: &Settings,
    state: &Path,
    rooms: &Rooms,
    metrics: Arc<Metrics>,
    drain: &Drain,
) -> io::Result<(Arc<SessionSandboxes>, Arc<ToSandboxes>)> {
    let state = state.canonicalize()?;
    let registry = Registry::default();
    let holdings = Arc::new(Holdings::default());
    let (held, rooms, tasks) = (holdings.clone(), rooms.clone(), drain.clone());
    let watch = move |sandboxes| Arc::new(Watching::new(sandboxes, held, rooms, tasks));
    let opening = registry.clone().fill(settings.clone(), state, watch);
    let tasks = drain.clone();
    let (tell, mut opened) = oneshot::channel();
    drain.spawn(async move {
        if let Some(watching) = opening.await {
            tasks.spawn(watching.keep());
        }
        // Whoever waited for it may have lost patience.
        let _ = tell.send(());
    });
    if tokio::time::timeout(PATIENCE, &mut opened).await.is_err() {
        tracing::warn!("sandboxes are still being prepared");
    }
    let to_sandboxes = Arc::new(ToSandboxes(registry.clone()));
    let sandboxes = SessionSandboxes {
        registry,
        holdings,
        previews: OnceLock::new(),
        timeouts: Timeouts {
            usual: settings.exec_timeout,
            most: settings.exec_most,
        },
        metrics,
        places: Places::new(settings.execs_per_user, usize::MAX),
    };
    Ok((Arc::new(sandboxes), to_sandboxes))
}

impl Registry {
    /// Opens it, or notes why it cannot be opened. Whoever watches its files has yet to begin.
    async fn fill(
        self,
        settings: Settings,
        state: PathBuf,
        watch: impl FnOnce(Sandboxes) -> Arc<Watching>,
    ) -> Option<Arc<Watching>> {
        let opened = open(&settings, &state).await;
        if let Err(reason) = &opened {
            tracing::warn!(reason, "there are no sandboxes");
        }
        let opened = opened.map(|sandboxes| Open {
            watching: watch(sandboxes.clone()),
            sandboxes,
        });
        let watching = opened.as_ref().ok().map(|open| open.watching.clone());
        // Nobody else fills it.
        let _ = self.0.set(opened);
        watching
    }
}

async fn open(settings: &Settings, state: &Path) -> Result<Sandboxes, String> {
    let user = sandbox_user(settings);
    let backend = backend(settings, state, user).await.map_err(reason_of)?;
    let projects = Projects::below(&settings.project_roots)
        .map_err(|error| format!("a folder of RUNNER_PROJECT_ROOTS cannot be used: {error}"))?;
    let settings = registry::Settings {
        limits: Limits {
            memory: settings.memory,
            processes: settings.processes,
            cpu_millis: settings.cpu_millis,
            file_size: settings.disk,
            tmpfs: TMPFS,
        },
        network: settings.network,
        projects,
        per_user: settings.per_user,
        total: settings.total,
        pool: settings.pool,
        ttl: settings.ttl,
        idle: settings.idle,
        quota: Quota {
            bytes: settings.disk,
            files: FILES,
        },
        ..registry::Settings::new(state.to_owned(), user)
    };
    let name = backend.name();
    let opened = Sandboxes::open(settings, backend, Arc::new(SystemClock)).await;
    let (sandboxes, recovered) = opened.map_err(|error| {
        let error = &error as &dyn StdError;
        tracing::error!(error, "what an earlier runner left cannot be taken up");
        error.to_string()
    })?;
    tracing::info!(backend = name, ?recovered, "sandboxes are ready");
    Ok(sandboxes)
}

async fn backend(
    settings: &Settings,
    state: &Path,
    user: (u32, u32),
) -> Result<Arc<dyn Backend>, BackendError> {
    let init = init(settings)?;
    let engine = docker::Settings {
        host: settings.engine.clone(),
        image: settings.image.clone(),
        dockerfile: dockerfile(&settings.image),
        init: init.clone(),
        state: state.to_owned(),
        abandoned: UNATTENDED,
    };
    let kernel = namespace::Settings {
        init,
        state: state.to_owned(),
        unattended_secs: UNATTENDED.as_secs(),
    };
    let docker = async {
        let docker: Arc<dyn Backend> = Arc::new(Docker::open(engine).await?);
        Ok(docker)
    };
    let namespaces = async {
        let namespaces = Namespaces::new(kernel)?;
        namespaces.probe(user).await?;
        let namespaces: Arc<dyn Backend> = Arc::new(namespaces);
        Ok(namespaces)
    };
    choose(settings.backend, docker, namespaces).await
}

/// Process 1 of sandboxes: where it is said to be, or beside this program.
fn init(settings: &Settings) -> Result<PathBuf, BackendError> {
    let beside = || {
        let program = std::env::current_exe().ok()?;
        Some(program.parent()?.join(INIT))
    };
    let init = settings.init.clone().or_else(beside);
    let init = init.filter(|init| init.is_file()).ok_or_else(|| {
        let remedy = "The program sandbox-init is missing: it belongs beside sandbox-runner, or \
                      where RUNNER_SANDBOX_INIT says";
        BackendError::Unavailable(remedy.to_owned())
    })?;
    init.canonicalize().map_err(|source| BackendError::Failed {
        doing: "finding the program sandbox-init".to_owned(),
        source: source.into(),
    })
}

/// What the image is built from where it is missing: only the default one can be.
fn dockerfile(image: &str) -> Option<String> {
    (image == Settings::default().image).then(|| DOCKERFILE.to_owned())
}

/// Whom sandboxes' processes are: not root, and where the runner is not root either, itself.
fn sandbox_user(settings: &Settings) -> (u32, u32) {
    let own = rustix::process::geteuid();
    match own.is_root() {
        true => settings.user,
        false => (own.as_raw(), rustix::process::getegid().as_raw()),
    }
}

fn reason_of(error: BackendError) -> String {
    match error {
        BackendError::Unavailable(reason) => reason,
        BackendError::Failed { doing, source } => format!("{doing}: {source}"),
    }
}
