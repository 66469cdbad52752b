//! Starting a keeper, and hearing from it what became of it.

use super::{
    Namespaces, Settings,
    cgroup::{Covered, Groups},
    failed,
    network::NAME_SERVER,
};
use crate::backend::{BackendError, Limits, Plan, Running};
use rustix::process::geteuid;
use sandbox_init::protocol::{Beneath, CommandLimits, Hold, Serve};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// How long a sandbox may take to stand.
const PATIENCE: Duration = Duration::from_secs(20);

/// The socket, below the sandbox's folder.
const SOCKET: &str = "control/init.sock";

/// How many times its memory a process may map, where no group counts what it uses: programs
/// reserve much that they never touch.
const MAPPED: u64 = 4;

/// How many files a command may have open.
const OPEN_FILES: u64 = 4096;

pub(super) fn socket(plan: &Plan) -> PathBuf {
    plan.folder.join(SOCKET)
}

/// Starts a sandbox's keeper and waits until its init listens.
pub(super) async fn start(backend: &Namespaces, plan: &Plan) -> Result<Running, BackendError> {
    let settings = &backend.settings;
    let root = geteuid().is_root();
    if root {
        // Its user has to go through it, and nobody has to read it.
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(&plan.folder, open).map_err(failed("opening the folder"))?;
    }
    let mut keeper = Command::new(&settings.init)
        .arg0("sandbox-init")
        .arg("hold")
        .arg(&settings.state)
        .arg(plan.id.to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed("starting the keeper"))?;
    let pid = keeper.id().unwrap_or_default();
    let (id, limits) = (plan.id, plan.limits);
    let enter = move |groups: &Groups| Ok(groups.enter(id, &limits, pid));
    let covered = backend
        .with_groups("entering control groups", enter)
        .await?;
    let hold = hold(settings, plan, root, covered);
    let told = tell(&mut keeper, &hold);
    let init = match tokio::time::timeout(PATIENCE, told).await {
        Ok(init) => init,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
    };
    if init.is_err() {
        // It may have ended by itself.
        let _gone = keeper.start_kill();
    }
    // Somebody has to take leave of it when it ends.
    tokio::spawn(async move { keeper.wait().await });
    Ok(Running {
        socket: socket(plan),
        init: init.map_err(failed("starting the sandbox"))?,
    })
}

fn hold(settings: &Settings, plan: &Plan, root: bool, covered: Covered) -> Hold {
    let Limits {
        memory, processes, ..
    } = plan.limits;
    // What no group bounds is bounded for each process: worse, but never nothing.
    let each = !covered.memory;
    Hold {
        folder: plan.folder.clone(),
        user: root.then_some(plan.user),
        hostname: "sandbox".to_owned(),
        tmpfs: plan.limits.tmpfs,
        project: plan.project.as_ref().map(|project| Beneath {
            root: project.root.clone(),
            below: project.below.clone(),
        }),
        read_only: plan.read_only,
        name_server: plan.network.then(|| NAME_SERVER.to_owned()),
        serve: Serve {
            socket: Path::new(SOCKET).to_owned(),
            unattended_secs: settings.unattended_secs,
            limits: CommandLimits {
                file_size: Some(plan.limits.file_size),
                open_files: Some(OPEN_FILES),
                processes: (!covered.processes).then_some(processes),
                data: each.then_some(memory),
                address_space: each.then_some(memory.saturating_mul(MAPPED)),
            },
        },
    }
}

/// Gives the plan, and hears the process id of init and that it listens.
async fn tell(keeper: &mut Child, hold: &Hold) -> io::Result<u32> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut stdin = keeper.stdin.take().ok_or_else(gone)?;
    stdin.write_all(&serde_json::to_vec(hold)?).await?;
    drop(stdin);
    let stdout = keeper.stdout.take().ok_or_else(gone)?;
    let mut lines = BufReader::new(stdout).lines();
    let (mut init, mut ready) = (None, false);
    while let Some(line) = lines.next_line().await? {
        match line.split_once(' ') {
            Some(("init", pid)) => init = pid.parse().ok(),
            Some(("fault", text)) => return Err(io::Error::other(text.to_owned())),
            _ if line == "ready" => ready = true,
            _ => {}
        }
        if let (Some(init), true) = (init, ready) {
            return Ok(init);
        }
    }
    Err(gone())
}
