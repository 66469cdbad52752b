//! Control groups: what bounds all processes of a sandbox together.
//!
//! Whether they can be had depends on the machine: as root nearly always, as an ordinary user
//! where somebody (systemd) has delegated a part of version 2. What cannot be had is told by
//! [`Covered`], and limits of each process take its place. Invariant: groups are only made
//! below the runner's own, or beside it where the kernel wants it so.

mod hierarchy;

use crate::backend::{Limits, SandboxId};
use hierarchy::{Hierarchy, Version};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

/// Processes that are none of the commands': the keeper, init and supervisors.
const OWN_PROCESSES: u64 = 16;

/// The period in which processor time is dealt out, in microseconds.
const PERIOD: u64 = 100_000;

/// How long the kernel may take to see that a group is empty.
const EMPTYING: Duration = Duration::from_secs(2);

/// Which limits a sandbox's groups hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) memory: bool,
    pub(super) processes: bool,
}

/// The places where this runner's groups are.
#[derive(Debug)]
pub(super) struct Groups {
    prefix: String,
    hierarchies: Vec<Hierarchy>,
    /// Held while a group is made and entered: an empty one might be taken for a left one.
    entering: Mutex<()>,
}

impl Groups {
    /// Looks where groups can be made. They are known by the state folder's place on the disk.
    pub(super) fn detect(state: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(state)?;
        let prefix = format!("atelier-{:x}-{:x}-", metadata.dev(), metadata.ino());
        let hierarchies = hierarchy::usable(&format!("{prefix}probe"))?;
        Ok(Self {
            prefix,
            hierarchies,
            entering: Mutex::new(()),
        })
    }

    /// Makes a sandbox's groups and puts its keeper there, before that starts anything.
    pub(super) fn enter(&self, id: SandboxId, limits: &Limits, keeper: u32) -> Covered {
        let _alone = self.entering.lock();
        let mut covered = Covered::default();
        for hierarchy in &self.hierarchies {
            let group = self.group(hierarchy, id);
            match make(&group, hierarchy, limits, keeper) {
                Ok(made) => {
                    covered.memory |= made.memory;
                    covered.processes |= made.processes;
                }
                Err(error) => {
                    tracing::warn!(group = %group.display(), %error, "no control group");
                    // It is empty, or was never made.
                    let _not_there = fs::remove_dir(&group);
                }
            }
        }
        covered
    }

    /// Removes a sandbox's groups, when its processes are gone.
    pub(super) fn remove(&self, id: SandboxId) -> io::Result<()> {
        let groups = self.hierarchies.iter();
        let mut groups = groups.map(|hierarchy| self.group(hierarchy, id));
        groups.try_for_each(|group| remove(&group))
    }

    /// Removes the groups of sandboxes that ended without anybody there to see it.
    pub(super) fn remove_others(&self, running: &[SandboxId]) -> io::Result<()> {
        let _alone = self.entering.lock();
        for hierarchy in &self.hierarchies {
            for entry in fs::read_dir(&hierarchy.parent)? {
                let entry = entry?;
                let name = entry.file_name();
                let id = name
                    .to_str()
                    .and_then(|name| name.strip_prefix(&self.prefix));
                let id = id.and_then(|id| uuid::Uuid::try_parse(id).ok());
                if id.is_some_and(|id| !running.contains(&SandboxId(id))) {
                    // One that is being started has its keeper in there: it is busy, and stays.
                    let _busy = fs::remove_dir(entry.path());
                }
            }
        }
        Ok(())
    }

    fn group(&self, hierarchy: &Hierarchy, id: SandboxId) -> PathBuf {
        hierarchy.parent.join(format!("{}{id}", self.prefix))
    }
}

fn make(group: &Path, hierarchy: &Hierarchy, limits: &Limits, keeper: u32) -> io::Result<Covered> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let set = |file: &str, value: String| fs::write(group.join(file), value);
    let has = |name: &str| hierarchy.controllers.iter().any(|has| has == name);
    let processes = limits.processes.saturating_add(OWN_PROCESSES);
    let quota = limits.cpu_millis.saturating_mul(PERIOD / 1000);
    if has("memory") {
        let memory = limits.memory.to_string();
        match hierarchy.version {
            Version::One => {
                set("memory.limit_in_bytes", memory.clone())?;
                if group.join("memory.memsw.limit_in_bytes").exists() {
                    set("memory.memsw.limit_in_bytes", memory)?;
                }
            }
            Version::Two => {
                set("memory.max", memory)?;
                if group.join("memory.swap.max").exists() {
                    set("memory.swap.max", "0".to_owned())?;
                }
            }
        }
    }
    if has("pids") {
        set("pids.max", processes.to_string())?;
    }
    if has("cpu") {
        match hierarchy.version {
            Version::One => {
                set("cpu.cfs_period_us", PERIOD.to_string())?;
                set("cpu.cfs_quota_us", quota.to_string())?;
            }
            Version::Two => set("cpu.max", format!("{quota} {PERIOD}"))?,
        }
    }
    set("cgroup.procs", keeper.to_string())?;
    Ok(Covered {
        memory: has("memory"),
        processes: has("pids"),
    })
}

fn remove(group: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy && begun.elapsed() < EMPTYING =>
            {
                // Blocking is what this thread is for.
                std::thread::park_timeout(Duration::from_millis(2));
            }
            other => return other,
        }
    }
}
