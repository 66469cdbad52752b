//! The state folder of a local stack, and the lock that keeps a second stack out of it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A log larger than this is put aside when the stack starts.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// A state folder that this process holds.
#[derive(Debug)]
pub(super) struct State {
    /// The folder.
    pub(super) path: PathBuf,
    /// Held as long as the stack runs; the kernel lets go of it however that ends.
    _lock: File,
}

impl State {
    /// Makes the folder if need be, and takes its lock.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = || {
            format!(
                "the state folder {} cannot be used: give another with --state, or make it a \
                 folder that this user can write",
                path.display()
            )
        };
        for folder in [path.to_owned(), path.join("logs"), path.join("outbox")] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .with_context(cannot)?;
        }
        let path = path.canonicalize().with_context(cannot)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The log of a process, ready to be appended to.
    pub(super) fn log(&self, process: &str) -> PathBuf {
        self.path.join("logs").join(format!("{process}.log"))
    }

    /// Opens the log of a process; a large one becomes `NAME.log.1` first.
    pub(super) fn open_log(&self, process: &str) -> Result<File> {
        let path = self.log(process);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
            fs::rename(&path, path.with_extension("log.1"))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("writing {}", path.display()))
    }
}

fn lock(path: &Path) -> Result<File> {
    let file = path.join("lock");
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .with_context(|| {
            format!(
                "the state folder cannot be used: writing {}",
                file.display()
            )
        })?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            lock.read_to_string(&mut holder)?;
            bail!(
                "a stack with the state folder {} is running already (process {}): stop it, or \
                 give this one another folder (--state) and port (--port)",
                path.display(),
                holder.trim()
            );
        }
        Err(fs::TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", file.display()));
        }
    }
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(lock)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_stack_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = State::open(&path).unwrap();
        let error = State::open(&path).unwrap_err().to_string();
        assert!(error.contains("running already"), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        State::open(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_a_folder_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let error = State::open(&path).unwrap_err().to_string();
        assert!(error.contains("--state"), "{error}");
    }

    #[test]
    fn large_logs_are_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        state
            .open_log("edge")
            .unwrap()
            .set_len(LOG_LIMIT + 1)
            .unwrap();
        assert_eq!(state.open_log("edge").unwrap().metadata().unwrap().len(), 0);
        assert!(state.path.join("logs/edge.log.1").is_file());
    }
}
