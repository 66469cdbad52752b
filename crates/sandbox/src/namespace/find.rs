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
    ffi::OsStr,
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
    /// What carries its connections.
    Network,
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
    let (id, part) = claimed(&line, state)?;
    let ids = namespaces(&pid.to_string()).ok()?;
    let is_first_below = ids.len() == depth + 1 && ids.last().is_some_and(|id| id == "1");
    let is_in_place = match part {
        Part::Keeper => ids.len() == depth,
        Part::Init => is_first_below,
        // It moves into a namespace of its own.
        Part::Network => ids.len() == depth || is_first_below,
    };
    is_in_place.then_some((id, part))
}

/// What a command line says that its process is.
fn claimed(line: &[u8], state: &Path) -> Option<(SandboxId, Part)> {
    let id = |text: &[u8]| {
        let id = Uuid::try_parse(std::str::from_utf8(text).ok()?).ok()?;
        Some(SandboxId(id))
    };
    let mut words = line.split(|byte| *byte == 0);
    let part = match (words.next()?, words.next()?) {
        (_, b"hold") => Part::Keeper,
        (_, b"boot") => Part::Init,
        (_, b"--pid") => {
            let file = Path::new(OsStr::from_bytes(words.next()?));
            let name = file.starts_with(state).then_some(file.file_stem()?)?;
            return Some((id(name.as_bytes())?, Part::Network));
        }
        _ => return None,
    };
    if words.next()? != state.as_os_str().as_bytes() {
        return None;
    }
    Some((id(words.next()?)?, part))
}

/// A process's ids in all namespaces from ours on down.
fn namespaces(pid: &str) -> io::Result<Vec<String>> {
    let status = fs::read(format!("/proc/{pid}/status"))?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let line = line.ok_or(io::ErrorKind::Unsupported)?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_same_state_folder_count() {
        let id = SandboxId(Uuid::from_u128(7));
        let state = Path::new("/var/state");
        let cases = [
            (format!("x\0hold\0/var/state\0{id}\0"), Some(Part::Keeper)),
            (format!("x\0boot\0/var/state\0{id}\0"), Some(Part::Init)),
            (
                format!("pasta\0--pid\0/var/state/a/{id}.pid\0--quiet\0"),
                Some(Part::Network),
            ),
            (format!("pasta\0--pid\0/var/state2/{id}.pid\0"), None),
            (format!("x\0hold\0/var/state2\0{id}\0"), None),
            (format!("x\0hold\0/var\0{id}\0"), None),
            ("x\0hold\0/var/state\0nobody\0".to_owned(), None),
            ("x\0hold\0/var/state\0".to_owned(), None),
            ("hold".to_owned(), None),
            (String::new(), None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|part| (id, part));
            assert_eq!(claimed(line.as_bytes(), state), expected, "{line:?}");
        }
    }
}
