//! Whether namespaces can be had here, tried and not guessed; and if not, what helps.

use super::Namespaces;
use crate::backend::{Backend, BackendError, Limits, Plan, SandboxId};
use rustix::process::geteuid;
use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};
use uuid::Uuid;

/// Switches of the kernel that forbid it: where, at which value, and what helps.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are turned off: `sysctl user.max_user_namespaces=10000` turns them on",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only: `sysctl kernel.unprivileged_userns_clone=1` opens them",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from programs without a profile: give `sandbox-init` one \
         with `userns,`, or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
    ),
];

const SMALL: Limits = Limits {
    memory: 128 << 20,
    processes: 16,
    cpu_millis: 1000,
    file_size: 1 << 20,
    tmpfs: 1 << 20,
};

pub(super) async fn probe(backend: &Namespaces, user: (u32, u32)) -> Result<(), BackendError> {
    let init = &backend.settings.init;
    if !is_program(init) {
        let text = format!(
            "There is no program {}: set RUNNER_SANDBOX_INIT to where sandbox-init is",
            init.display()
        );
        return Err(BackendError::Unavailable(text));
    }
    let id = SandboxId(Uuid::new_v4());
    let plan = Plan {
        id,
        folder: backend.settings.state.join(format!("probe-{id}")),
        user,
        network: false,
        project: None,
        read_only: false,
        limits: SMALL,
    };
    prepare(&plan).map_err(super::failed("preparing the probe"))?;
    let started = backend.start(&plan).await;
    let stopped = backend.stop(id).await;
    fs::remove_dir_all(&plan.folder).map_err(super::failed("removing the probe"))?;
    match started {
        Ok(_) => stopped,
        Err(error) => Err(explained(error)),
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn prepare(plan: &Plan) -> io::Result<()> {
    for name in ["workspace", "control"] {
        let folder = plan.folder.join(name);
        fs::create_dir_all(&folder)?;
        if geteuid().is_root() {
            chown(&folder, Some(plan.user.0), Some(plan.user.1))?;
        }
    }
    Ok(())
}

/// The failure, with what the machine's switches say about it.
fn explained(error: BackendError) -> BackendError {
    let BackendError::Failed { doing, source } = error else {
        return error;
    };
    let set = SWITCHES.iter().filter(|(path, value, _)| {
        fs::read_to_string(path).is_ok_and(|text| text.trim() == *value)
    });
    let reasons: Vec<&str> = set.map(|(_, _, help)| *help).collect();
    let help = if reasons.is_empty() {
        "in a container its engine may forbid it: use Docker, or run the runner outside of one"
            .to_owned()
    } else {
        reasons.join("; ")
    };
    BackendError::Unavailable(format!(
        "Namespaces do not work here ({doing}: {source}); {help}"
    ))
}
