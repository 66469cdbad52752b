//! The network of a sandbox that has it, by `pasta`: a program that carries connections out of
//! the namespace as an ordinary process of the sandbox's user, and needs no rights for it.
//!
//! Invariant: nothing of the host's loopback is to be reached through it, and no port of the
//! sandbox is open on the host.

use super::failed;
use crate::backend::{BackendError, Plan, Running};
use rustix::process::geteuid;
use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// Where the sandbox asks for names; `pasta` passes it on to whom the host asks.
pub(super) const NAME_SERVER: &str = "169.254.1.53";

/// Where `pasta` is, for a sandbox that has the network.
pub(super) fn program(plan: &Plan) -> Result<Option<PathBuf>, BackendError> {
    if !plan.network {
        return Ok(None);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("pasta"));
    let mut found = found.filter(|program| program.is_file());
    found.next().map(Some).ok_or_else(|| {
        let text = "A sandbox of namespaces has the network by `pasta`, which is not installed: \
                    install the package `passt`, or use Docker";
        BackendError::Unavailable(text.to_owned())
    })
}

/// Connects a sandbox that runs. `pasta` goes to the background when it is done, and ends with
/// the namespace.
pub(super) async fn connect(
    pasta: Option<&Path>,
    plan: &Plan,
    running: &Running,
) -> Result<(), BackendError> {
    let Some(pasta) = pasta else { return Ok(()) };
    let mut command = Command::new(pasta);
    if geteuid().is_root() {
        let (uid, gid) = plan.user;
        command.arg("--runas").arg(format!("{uid}:{gid}"));
    }
    command
        .args(["--config-net", "--quiet", "--no-map-gw"])
        .args(["-t", "none", "-u", "none", "-T", "none", "-U", "none"])
        .args(["--dns-forward", NAME_SERVER])
        .arg(running.init.to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().map_err(failed("starting pasta"))?;
    let output = child.wait_with_output().await;
    let output = output.map_err(failed("starting pasta"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed("connecting the network")(io::Error::other(said)))
}
