//! The processes of sandboxes as the host sees them: by parentage, which no sandbox can leave.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// How many open files of one sandbox are looked at.
const MOST_FILES: usize = 65_536;

/// All processes of the machine, at one moment.
#[derive(Debug, Default)]
pub(super) struct Processes {
    children: HashMap<u32, Vec<u32>>,
    /// Resident memory in bytes, pages that are shared counted in each.
    resident: HashMap<u32, u64>,
}

impl Processes {
    /// Reads them. It blocks, for some ten microseconds a process.
    pub(super) fn now() -> io::Result<Self> {
        let page = rustix::param::page_size() as u64;
        let mut all = Self::default();
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // It may have ended meanwhile.
            let Ok(stat) = fs::read(entry.path().join("stat")) else {
                continue;
            };
            if let Some((parent, pages)) = parent_and_pages(&stat) {
                all.children.entry(parent).or_default().push(pid);
                all.resident.insert(pid, pages.saturating_mul(page));
            }
        }
        Ok(all)
    }

    /// A sandbox's: its init, and all that descend from it.
    pub(super) fn of(&self, init: u32) -> Vec<u32> {
        let mut found = vec![init];
        let mut next = 0;
        while let Some(parent) = found.get(next) {
            found.extend(self.children.get(parent).into_iter().flatten().copied());
            next += 1;
        }
        found
    }

    /// The memory of these, if it may be over `limit`: what is shared is then counted once, where
    /// the kernel says how much that is.
    pub(super) fn memory_over(&self, pids: &[u32], limit: u64) -> Option<u64> {
        let resident = |pid: &u32| self.resident.get(pid).copied().unwrap_or(0);
        let most: u64 = pids.iter().map(resident).sum();
        if most <= limit {
            return None;
        }
        let share = |pid: &u32| proportional(*pid).unwrap_or_else(|| resident(pid));
        let memory: u64 = pids.iter().map(share).sum();
        Some(memory).filter(|memory| *memory > limit)
    }
}

/// The bytes of files on the folder's file system that these processes hold open and that have no
/// name any longer: they take room, and no walk finds them.
///
/// The runner's own count as well, where they were below the folder: somebody downloads them.
pub(super) fn nameless_bytes(pids: &[u32], folder: &Path) -> io::Result<u64> {
    let device = fs::metadata(folder)?.dev();
    let own = std::process::id();
    let mut seen = HashSet::new();
    let mut bytes = 0_u64;
    let mut looked = 0;
    for pid in pids.iter().chain([&own]) {
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        for file in open.flatten() {
            looked += 1;
            if looked > MOST_FILES {
                return Ok(bytes);
            }
            let elsewhere = || !fs::read_link(file.path()).is_ok_and(|at| at.starts_with(folder));
            if *pid == own && elsewhere() {
                continue;
            }
            let Ok(file) = fs::metadata(file.path()) else {
                continue;
            };
            let nameless = file.is_file() && file.nlink() == 0 && file.dev() == device;
            if nameless && seen.insert(file.ino()) {
                bytes = bytes.saturating_add(file.blocks().saturating_mul(512));
            }
        }
    }
    Ok(bytes)
}

/// The parent and the resident pages in `/proc/PID/stat`. The name in it may hold anything.
fn parent_and_pages(stat: &[u8]) -> Option<(u32, u64)> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let pages = fields.nth(19)?.parse().ok()?;
    Some((parent, pages))
}

/// A process's memory with its share of what it shares.
fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    #[test]
    fn a_name_with_brackets_and_spaces_hides_no_field() {
        let stat =
            b"7 (a) R 1 (b) S 42 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 55 18446 1";
        assert_eq!(parent_and_pages(stat), Some((42, 55)));
        assert_eq!(parent_and_pages(b"7 (a"), None);
    }

    #[test]
    fn a_child_is_found_below_its_parent_with_its_memory() {
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        let all = Processes::now().unwrap();
        let own = all.of(process::id());
        assert!(own.contains(&child.id()));
        assert!(all.memory_over(&own, 1).unwrap() > 1);
        assert_eq!(all.memory_over(&own, u64::MAX), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_is_deleted_and_open_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let open = fs::File::open(&path).unwrap();
        let again = open.try_clone().unwrap();
        let own = [process::id()];
        assert_eq!(nameless_bytes(&own, folder.path()).unwrap(), 0);
        fs::remove_file(&path).unwrap();
        let bytes = nameless_bytes(&own, folder.path()).unwrap();
        assert!((1 << 20..2 << 20).contains(&bytes), "{bytes}");
        drop((open, again));
        assert_eq!(nameless_bytes(&own, folder.path()).unwrap(), 0);
    }
}
