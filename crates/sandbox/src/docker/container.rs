//! What a sandbox's container is: all of its isolation stands here.

use super::failed;
use crate::{
    backend::{BackendError, Plan, SandboxId},
    projects::Project,
};
use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, Mount,
    MountBindOptions, MountBindOptionsPropagationEnum, MountType, ResourcesUlimits,
};
use sandbox_init::protocol::{CommandLimits, Serve};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _, os::unix::ffi::OsStrExt as _, path::Path};
use std::{path::PathBuf, time::Duration};

/// The label that names the runner.
pub(super) const LABEL_RUNNER: &str = "dev.atelier.runner";

/// The label that names the sandbox.
pub(super) const LABEL_SANDBOX: &str = "dev.atelier.sandbox";

/// Where the container has its init.
const INIT: &str = "/sandbox-init";

/// Where commands have their settings and caches: gone when the sandbox stops.
const HOME: &str = "/home/agent";

/// How many files a command may have open. Not a limit of the container: an engine may not be
/// allowed to give as many.
const OPEN_FILES: u64 = 4096;

/// Files and folders that a temporary folder may hold: each costs the kernel memory.
const TEMPORARY_FILES: u32 = 100_000;

/// What all containers of a runner have in common.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) image: String,
    pub(super) init: PathBuf,
    pub(super) abandoned: Duration,
    /// Whether the engine has to be told that users have the same number inside.
    pub(super) keep_id: bool,
}

/// What tells this runner's containers from others': its state folder.
pub(super) fn runner_label(state: &Path) -> String {
    let hash = Sha256::digest(state.as_os_str().as_bytes());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name of a sandbox's container.
pub(super) fn name(runner: &str, id: SandboxId) -> String {
    format!("atelier-{runner}-{id}")
}

impl Shape {
    pub(super) fn of(
        &self,
        plan: &Plan,
        runner: &str,
    ) -> Result<ContainerCreateBody, BackendError> {
        let (user, group) = plan.user;
        if user == 0 || group == 0 {
            return Err(failed("making the container")("a sandbox is never root"));
        }
        let labels = [
            (LABEL_RUNNER.to_owned(), runner.to_owned()),
            (LABEL_SANDBOX.to_owned(), plan.id.to_string()),
        ];
        Ok(ContainerCreateBody {
            image: Some(self.image.clone()),
            user: Some(format!("{user}:{group}")),
            hostname: Some("sandbox".to_owned()),
            working_dir: Some("/workspace".to_owned()),
            entrypoint: Some(vec![INIT.to_owned()]),
            cmd: Some(vec!["serve".to_owned(), self.serve(plan)?]),
            env: Some(vec![format!("HOME={HOME}")]),
            labels: Some(HashMap::from(labels)),
            // Its output goes nowhere; what commands put out goes over init's socket.
            attach_stdout: Some(false),
            attach_stderr: Some(false),
            network_disabled: Some(!plan.network),
            host_config: Some(self.host_config(plan)?),
            ..ContainerCreateBody::default()
        })
    }

    /// What init is told, as JSON.
    fn serve(&self, plan: &Plan) -> Result<String, BackendError> {
        let serve = Serve {
            socket: PathBuf::from("/run/atelier/init.sock"),
            unattended_secs: self.abandoned.as_secs(),
            // Memory and processes are bounded for the container as a whole.
            limits: CommandLimits {
                file_size: Some(plan.limits.file_size),
                open_files: Some(OPEN_FILES),
                ..CommandLimits::default()
            },
        };
        serde_json::to_string(&serve).map_err(failed("writing what init is told"))
    }

    fn host_config(&self, plan: &Plan) -> Result<HostConfig, BackendError> {
        let limits = plan.limits;
        let memory = number(limits.memory)?;
        let (user, group) = plan.user;
        let home = format!("exec,uid={user},gid={group},mode=700");
        let tmpfs = |options: &str, size: u64| {
            format!("rw,nosuid,nodev,{options},size={size},nr_inodes={TEMPORARY_FILES}")
        };
        Ok(HostConfig {
            network_mode: Some(if plan.network { "bridge" } else { "none" }.to_owned()),
            privileged: Some(false),
            cap_drop: Some(vec!["ALL".to_owned()]),
            // The engine's own seccomp profile applies, because no other is named.
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            ipc_mode: Some("private".to_owned()),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            userns_mode: self.keep_id.then(|| "keep-id".to_owned()),
            memory: Some(memory),
            // As much as memory alone: no swap.
            memory_swap: Some(memory),
            nano_cpus: Some(number(limits.cpu_millis.saturating_mul(1_000_000))?),
            pids_limit: Some(number(limits.processes)?),
            shm_size: Some(number(limits.tmpfs)?),
            ulimits: Some(vec![
                ulimit("core", 0),
                ulimit("fsize", number(limits.file_size)?),
            ]),
            // Where memory of the whole machine is short, a sandbox goes before the runner.
            oom_score_adj: Some(500),
            tmpfs: Some(HashMap::from([
                // Compilers and installers run what they put there.
                ("/tmp".to_owned(), tmpfs("exec,mode=1777", limits.tmpfs)),
                (HOME.to_owned(), tmpfs(&home, limits.tmpfs)),
                ("/run".to_owned(), tmpfs("noexec,mode=755", 1 << 20)),
            ])),
            mounts: Some(vec![
                bind(&workspace(plan), "/workspace", plan.read_only),
                bind(&plan.folder.join("control"), "/run/atelier", false),
                bind(&self.init, INIT, true),
            ]),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: None,
            }),
            auto_remove: Some(true),
            ..HostConfig::default()
        })
    }
}

/// What the container sees as its workspace.
fn workspace(plan: &Plan) -> PathBuf {
    let own = || plan.folder.join("workspace");
    plan.project.as_ref().map_or_else(own, Project::path)
}

fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    }
}

fn ulimit(name: &str, limit: i64) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(limit),
        hard: Some(limit),
    }
}

fn number(limit: u64) -> Result<i64, BackendError> {
    i64::try_from(limit).map_err(failed("reading a sandbox's limits"))
}
