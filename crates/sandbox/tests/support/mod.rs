//! A sandbox of namespaces for a test: its folders, its backend, its end.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests, each of which uses a part"
)]

use sandbox::{
    backend::{Backend, Limits, Plan, Running, SandboxId},
    exec::{Exec, Output, Sandbox, Settings},
    namespace::{self, Namespaces},
};
use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};
use tempfile::TempDir;
use uuid::Uuid;

/// Whom sandboxes belong to when root runs the tests.
pub const USER: (u32, u32) = (65532, 65532);

/// The longest that anything may take: for what would else hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The static binary of `sandbox-init`: as the environment says, or built here.
pub fn init_binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY
        .get_or_init(|| {
            if let Some(path) = env::var_os("ATELIER_SANDBOX_INIT") {
                return PathBuf::from(path);
            }
            let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            let folder = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
            let built = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
                .args([
                    "build",
                    "-q",
                    "-p",
                    "sandbox-init",
                    "--profile",
                    "native",
                    "--target",
                    &target,
                ])
                .env("RUSTFLAGS", "-C target-feature=+crt-static")
                .env_remove("CARGO_ENCODED_RUSTFLAGS")
                .env("CARGO_TARGET_DIR", &folder)
                .current_dir(&root)
                .status()
                .expect("cargo runs");
            assert!(built.success(), "sandbox-init cannot be built");
            folder.join(target).join("native/sandbox-init")
        })
        .clone()
}

/// A folder of the test's own, or one that another process has made.
pub enum State {
    Own(TempDir),
    Given(PathBuf),
}

impl State {
    pub fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
}

/// The folders and the backend of one test.
pub struct Bench {
    pub state: State,
    pub backend: Namespaces,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(State::Own(tempfile::tempdir().unwrap()))
    }

    /// With a state folder that is there.
    pub fn at(state: &Path) -> Self {
        Self::with(State::Given(state.to_owned()))
    }

    fn with(state: State) -> Self {
        let backend = Namespaces::new(namespace::Settings {
            init: init_binary(),
            state: state.path().to_owned(),
            unattended_secs: 120,
        })
        .unwrap();
        Self { state, backend }
    }

    pub fn folder(&self, id: SandboxId) -> PathBuf {
        self.state.path().join("sandboxes").join(id.to_string())
    }

    /// A plan with folders of its own.
    pub fn plan(&self) -> Plan {
        let id = SandboxId(Uuid::new_v4());
        let folder = self.folder(id);
        let root = rustix::process::geteuid().is_root();
        let own = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let user = if root { USER } else { own };
        for name in ["workspace", "control"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            if root {
                chown(&path, Some(user.0), Some(user.1)).unwrap();
            }
        }
        Plan {
            id,
            folder,
            user,
            network: false,
            project: None,
            read_only: false,
            limits: Limits {
                memory: 512 * 1024 * 1024,
                processes: 128,
                cpu_millis: 1000,
                file_size: 256 * 1024 * 1024,
                tmpfs: 64 * 1024 * 1024,
            },
        }
    }

    /// A sandbox that runs.
    pub async fn sandbox(&self) -> (Plan, Sandbox) {
        let plan = self.plan();
        let running = self.backend.start(&plan).await.unwrap();
        (plan, connect(running).await)
    }

    /// Ends everything, and sees that nothing is left.
    pub async fn end(&self) {
        for id in self.backend.running().await.unwrap() {
            self.backend.stop(id).await.unwrap();
        }
        assert_eq!(self.backend.running().await.unwrap(), []);
    }
}

/// What a failed test leaves would be in the way of the others.
impl Drop for Bench {
    fn drop(&mut self) {
        let end = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(self.end());
        };
        std::thread::scope(|scope| drop(scope.spawn(end).join()));
    }
}

pub async fn connect(running: Running) -> Sandbox {
    Sandbox::connect(running, Settings::default())
        .await
        .unwrap()
}

/// Runs a command of the shell that has to work.
pub async fn ok(sandbox: &Sandbox, command: &str) -> String {
    let output = sh(sandbox, command).await;
    assert_eq!(output.exit_code, 0, "{command}: {output:?}");
    output.stdout
}

/// Runs a command of the shell.
pub async fn sh(sandbox: &Sandbox, command: &str) -> Output {
    let exec = Exec {
        timeout: Some(PATIENCE),
        ..Exec::shell(command)
    };
    sandbox.exec(&exec).await.unwrap()
}

/// Waits for something that happens by itself.
pub async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    until_async(what, async || happened()).await;
}

/// Waits for something that happens by itself.
pub async fn until_async(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "{what} did not come");
}

/// Waits until a command of the shell works.
pub async fn until_ok(sandbox: &Sandbox, command: &str) {
    until_async(command, async || sh(sandbox, command).await.exit_code == 0).await;
}

pub fn is_there(workspace: &Path, name: &str) -> bool {
    workspace.join(name).exists()
}

/// The most memory that this process has had, in bytes.
pub fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}

/// Runs all tests of this program again as an ordinary user, if it is root who runs them.
pub fn again_as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const NOBODY: u32 = 65534;
    // Where that user can read, whatever the modes of the build's folders are.
    let folder = tempfile::tempdir().unwrap();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    chown(&temporary, Some(NOBODY), Some(NOBODY)).unwrap();
    let (tests, init) = (folder.path().join("tests"), folder.path().join("init"));
    fs::copy(env::current_exe().unwrap(), &tests).unwrap();
    fs::copy(init_binary(), &init).unwrap();
    let output = Command::new(&tests)
        .env("ATELIER_SANDBOX_INIT", &init)
        .env("TMPDIR", &temporary)
        .env("RUST_TEST_THREADS", "2")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "as an ordinary user:\n{text}\n{errors}"
    );
    println!("as an ordinary user:\n{text}");
}
