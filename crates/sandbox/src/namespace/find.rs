//! Sandboxes that run, as `/proc` shows them.
//!
//! A command line alone proves nothing: what runs in a sandbox is seen from here too and can
//! call itself what it likes. Its place does: a keeper is in our own namespace of processes, and
//! an init is the first process of one right below it. Invariant: nothing that is started in a
//! sandbox is ever taken for one of these.

use crate::backend::SandboxId;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use std::{
    collections::BTreeMap,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    time::Duration,
};
use uuid::Uuid;

/// How long the kernel may take to end a sandbox that was killed.
const DYING: Duration = Duration::from_secs(10);

/// What runs of one sandbox.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: SandboxId,
    /// Its init's process id, if that runs.
    pub(super) init: Option<u32>,
    processes: Vec<OwnedFd>,
}

impl Found {
    /// Kills it, and waits until nothing of it is left.
    pub(super) async fn end(self) -> io::Result<()> {
        for process in &self.processes {
            match pidfd_send_signal(process, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let gone = tokio::task::spawn_blocking(move || wait_for(&self.processes));
        gone.await.unwrap_or_else(|error| Err(error.into()))
    }
}

/// An init that is gone has taken all its namespace along: the kernel waits for that.
fn wait_for(processes: &[OwnedFd]) -> io::Result<()> {
    let dying = Timespec::try_from(DYING).unwrap_or_default();
    for process in processes {
        let mut fds = [PollFd::new(process, PollFlags::IN)];
        if poll(&mut fds, Some(&dying))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Keeper,
    Init,
}

/// All sandboxes whose command lines name that state folder.
pub(super) fn all(state: &Path) -> io::Result<Vec<Found>> {
    let depth = namespaces("self")?.len();
    let mut found: BTreeMap<SandboxId, Found> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if part(pid, state, depth).is_none() {
            continue;
        }
        let Some(handle) = Pid::from_raw(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()))
        else {
            continue;
        };
        let handle = match handle {
            Ok(handle) => handle,
            Err(Errno::SRCH) => continue,
            Err(error) => return Err(error.into()),
        };
        // Once more, now that the number cannot be given to another process unnoticed.
        let Some((id, part)) = part(pid, state, depth) else {
            continue;
        };
        let sandbox = found.entry(id).or_insert_with(|| Found {
            id,
            init: None,
            processes: Vec::new(),
        });
        sandbox.processes.push(handle);
        if part == Part::Init {
            sandbox.init = Some(pid.cast_unsigned());
        }
    }
    Ok(found.into_values().collect())
}

/// What that process is, if it is one of ours.
fn part(pid: i32, state: &Path, depth: usize) -> Option<(SandboxId, Part)> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0);
    let (_, kind) = (words.next()?, words.next()?);
    if words.next()? != state.as_os_str().as_bytes() {
        return None;
    }
    let id = std::str::from_utf8(words.next()?).ok()?;
    let id = SandboxId(Uuid::try_parse(id).ok()?);
    let ids = namespaces(&pid.to_string()).ok()?;
    match kind {
        b"hold" if ids.len() == depth => Some((id, Part::Keeper)),
        b"boot" if ids.len() == depth + 1 && ids.last().is_some_and(|id| id == "1") => {
            Some((id, Part::Init))
        }
        _ => None,
    }
}

/// A process's ids in all namespaces from ours on down.
fn namespaces(pid: &str) -> io::Result<Vec<String>> {
    let status = fs::read(format!("/proc/{pid}/status"))?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let line = line.ok_or(io::ErrorKind::Unsupported)?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}
