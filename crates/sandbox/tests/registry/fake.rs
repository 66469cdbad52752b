//! A backend that isolates nothing and can be told to fail, and a registry over it.

use ports::Clock;
use sandbox::{
    backend::{Backend, BackendError, BoxFuture, Plan, Running, SandboxId},
    registry::{Launch, Recovered, Sandboxes, Settings, Status},
};
use std::{
    collections::HashMap,
    process::{Child, Command},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;

/// Its sandboxes survive a registry: that is how a restart is tested.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    processes: Mutex<HashMap<SandboxId, Child>>,
    pub(crate) starts: AtomicUsize,
    pub(crate) refuse_start: AtomicBool,
    pub(crate) refuse_stop: AtomicBool,
    /// How long a start takes.
    pub(crate) slow: Mutex<Duration>,
}

impl Fake {
    pub(crate) fn begin(&self, id: SandboxId) -> u32 {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id();
        self.processes.lock().unwrap().insert(id, child);
        pid
    }

    /// As if its process 1 had been killed.
    pub(crate) fn kill(&self, id: SandboxId) {
        let mut processes = self.processes.lock().unwrap();
        let child = processes.get_mut(&id).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn runs(&self, id: SandboxId) -> bool {
        self.ids().contains(&id)
    }

    pub(crate) fn ids(&self) -> Vec<SandboxId> {
        let mut processes = self.processes.lock().unwrap();
        let living = processes.iter_mut();
        let living = living.filter_map(|(id, child)| match child.try_wait() {
            Ok(None) => Some(*id),
            _ => None,
        });
        living.collect()
    }

    pub(crate) fn started(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        for child in self.processes.lock().unwrap().values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn refused() -> BackendError {
    BackendError::Unavailable("it was told to refuse".to_owned())
}

impl Backend for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn start<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Running, BackendError>> {
        Box::pin(async move {
            let slow = *self.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            assert!(plan.folder.join("workspace").is_dir());
            assert!(plan.folder.join("control").is_dir());
            if self.refuse_start.load(Ordering::SeqCst) {
                return Err(refused());
            }
            self.starts.fetch_add(1, Ordering::SeqCst);
            Ok(Running {
                socket: plan.folder.join("control/init.sock"),
                init: self.begin(plan.id),
            })
        })
    }

    fn adopt<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Option<Running>, BackendError>> {
        Box::pin(async move {
            let runs = self.runs(plan.id);
            let processes = self.processes.lock().unwrap();
            let child = processes.get(&plan.id).filter(|_| runs);
            Ok(child.map(|child| Running {
                socket: plan.folder.join("control/init.sock"),
                init: child.id(),
            }))
        })
    }

    fn stop(&self, id: SandboxId) -> BoxFuture<'_, Result<(), BackendError>> {
        Box::pin(async move {
            if self.refuse_stop.load(Ordering::SeqCst) {
                return Err(refused());
            }
            if let Some(mut child) = self.processes.lock().unwrap().remove(&id) {
                let _ = child.kill();
                let _ = child.wait();
            }
            Ok(())
        })
    }

    fn running(&self) -> BoxFuture<'_, Result<Vec<SandboxId>, BackendError>> {
        Box::pin(async move { Ok(self.ids()) })
    }
}

/// A clock that goes as tokio's does, also while that is paused.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> i64 {
        1_700_000_000_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A state folder with its backend, over which registries come and go.
pub(crate) struct Ground {
    pub(crate) folder: TempDir,
    pub(crate) fake: Arc<Fake>,
    clock: Arc<TokioClock>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            fake: Arc::default(),
            clock: Arc::new(TokioClock(Instant::now())),
        }
    }

    pub(crate) async fn open(&self, change: impl FnOnce(&mut Settings)) -> (Sandboxes, Recovered) {
        // The files belong to whoever runs the test.
        let user = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let mut settings = Settings::new(self.folder.path().to_owned(), user);
        // The test's machine may be fuller than a runner's.
        settings.floor.bytes = 0;
        settings.floor.percent = 0;
        settings.limits.memory = 1 << 40;
        change(&mut settings);
        let opened = Sandboxes::open(settings, self.fake.clone(), self.clock.clone());
        opened.await.unwrap()
    }

    /// The names below `sandboxes/`, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("sandboxes")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "discarded").collect();
        names.sort();
        names
    }
}

pub(crate) const ALONE: Launch = Launch {
    user: 1,
    network: false,
    project: None,
    read_only: false,
};

/// Launches a new session's sandbox.
pub(crate) async fn launched(sandboxes: &Sandboxes) -> (Uuid, SandboxId) {
    let session = Uuid::new_v4();
    let launched = sandboxes.launch(session, ALONE).await.unwrap();
    assert!(launched.created);
    assert_eq!(launched.sandbox.status, Status::Running);
    (session, launched.sandbox.id)
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(600), waited).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}
