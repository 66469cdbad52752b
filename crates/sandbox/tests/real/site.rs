//! A registry over a real backend, with a state folder of its own.

use ports::Clock;
use sandbox::{
    backend::Backend,
    docker::{self, Docker},
    exec::{Exec, ExecError, Output},
    namespace::{self, Namespaces},
    registry::{Launch, Quota, Recovered, Sandboxes, Settings},
};
use std::{
    env,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{PATIENCE, USER, init_binary};

/// Held by tests that load the machine, or that say how long something takes.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Which backend a test is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Docker,
    Namespace,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Namespace => "namespace",
        }
    }

    /// Whether the test can run here. Where not, it says so.
    pub(crate) fn is_here(self) -> bool {
        // Root runs all tests once more as an ordinary user, whom no engine obeys.
        let root = rustix::process::geteuid().is_root();
        let here = self == Self::Namespace || engine().is_some() && root;
        if !here && root {
            // Seen also where the output of tests is captured.
            let skipped = "SKIPPED: no ATELIER_DOCKER_HOST, nothing is tested over containers\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), skipped.as_bytes());
        }
        here
    }

    pub(crate) async fn backend(self, state: &Path) -> Arc<dyn Backend> {
        match self {
            Self::Docker => Arc::new(Docker::open(docker_settings(state)).await.unwrap()),
            Self::Namespace => Arc::new(
                Namespaces::new(namespace::Settings {
                    init: init_binary(),
                    state: state.to_owned(),
                    unattended_secs: 120,
                })
                .unwrap(),
            ),
        }
    }
}

/// The engine that tests may use.
pub(crate) fn engine() -> Option<String> {
    env::var("ATELIER_DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())
}

pub(crate) fn docker_settings(state: &Path) -> docker::Settings {
    let image = env::var("ATELIER_DOCKER_IMAGE");
    docker::Settings {
        host: engine(),
        image: image.unwrap_or_else(|_| "atelier-sandbox:test".to_owned()),
        dockerfile: None,
        state: state.to_owned(),
        init: init_binary(),
        abandoned: Duration::from_secs(120),
    }
}

/// The machine's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(crate) async fn open(
    backend: Arc<dyn Backend>,
    state: &Path,
    change: impl FnOnce(&mut Settings),
) -> (Sandboxes, Recovered) {
    let own = rustix::process::geteuid();
    let user = match own.is_root() {
        true => USER,
        false => (own.as_raw(), rustix::process::getegid().as_raw()),
    };
    let mut settings = Settings::new(state.to_owned(), user);
    settings.limits.memory = 256 << 20;
    settings.limits.processes = 64;
    settings.limits.file_size = 64 << 20;
    settings.limits.tmpfs = 32 << 20;
    settings.quota = Quota {
        bytes: 256 << 20,
        files: 20_000,
    };
    change(&mut settings);
    Sandboxes::open(settings, backend, Arc::new(SystemClock))
        .await
        .unwrap()
}

/// A backend with a state folder and a registry.
pub(crate) struct Site {
    pub(crate) state: TempDir,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) sandboxes: Sandboxes,
}

impl Site {
    pub(crate) async fn new(kind: Kind, change: impl FnOnce(&mut Settings)) -> Self {
        let state = tempfile::tempdir().unwrap();
        let backend = kind.backend(state.path()).await;
        let (sandboxes, _) = open(backend.clone(), state.path(), change).await;
        Self {
            state,
            backend,
            sandboxes,
        }
    }

    pub(crate) async fn launch(&self) -> Uuid {
        let session = Uuid::new_v4();
        let launch = Launch {
            user: 1,
            network: false,
            project: None,
            read_only: false,
        };
        self.sandboxes.launch(session, launch).await.unwrap();
        session
    }

    /// Runs a command of the shell. None if the sandbox was stopped under it.
    pub(crate) async fn run(&self, session: Uuid, command: &str) -> Option<Output> {
        let used = self.sandboxes.enter(session).await.unwrap();
        let exec = Exec {
            timeout: Some(PATIENCE),
            ..Exec::shell(command)
        };
        match used.commands().await.unwrap().exec(&exec).await {
            Ok(output) => Some(output),
            Err(ExecError::Gone { .. }) => None,
            Err(error) => panic!("{command}: {error:?}"),
        }
    }

    /// Runs a command that has to work.
    pub(crate) async fn ok(&self, session: Uuid, command: &str) -> String {
        let output = self.run(session, command).await.unwrap();
        assert_eq!(output.exit_code, 0, "{command}: {output:?}");
        output.stdout
    }

    /// Ends everything, and sees that nothing is left.
    pub(crate) async fn end(self) {
        for session in self.sandboxes.sessions() {
            self.sandboxes.destroy(session).await.unwrap();
        }
        assert_eq!(self.backend.running().await.unwrap(), []);
        self.sandboxes.shutdown().await.unwrap();
    }
}
