//! A sandbox of namespaces for a test: its folders, its backend, its end.

use sandbox::{
    backend::{Backend, Limits, Plan, Running, SandboxId},
    exec::{Exec, Output, Sandbox, Settings},
    namespace::{self, Namespaces},
};
use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
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

/// The folders and the backend of one test.
pub struct Bench {
    pub state: TempDir,
    pub backend: Namespaces,
}

impl Bench {
    pub fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let backend = Namespaces::new(namespace::Settings {
            init: init_binary(),
            state: state.path().to_owned(),
            unattended_secs: 120,
        })
        .unwrap();
        Self { state, backend }
    }

    /// A plan with folders of its own.
    pub fn plan(&self) -> Plan {
        let id = SandboxId(Uuid::new_v4());
        let folder = self.state.path().join("sandboxes").join(id.to_string());
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
    pub async fn end(self) {
        for id in self.backend.running().await.unwrap() {
            self.backend.stop(id).await.unwrap();
        }
        assert_eq!(self.backend.running().await.unwrap(), []);
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
