//! What is known of each sandbox, on disk: `ID.json` beside the folder `ID`.
//!
//! Invariant: a record is on disk before its sandbox is started, and is removed after its folder.

use super::removal::remove_tree;
use crate::{backend::SandboxId, projects::Project};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The version of records that this code writes, and the only one that it reads.
const VERSION: u32 = 1;

/// What a record is called while it is being written.
const UNFINISHED: &str = ".unfinished";

/// What a record that cannot be read is called: it is kept for whoever looks into it.
const UNREADABLE: &str = ".unreadable";

/// Where discarded folders are until they are removed.
const DISCARDED: &str = "discarded";

/// A record is small: a larger file is none.
const LARGEST: u64 = 64 << 10;

/// One sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    pub(super) id: SandboxId,
    /// Whose it is; nobody's while it waits in the pool.
    pub(super) owner: Option<Owner>,
    pub(super) network: bool,
    /// The folder of the host that is its workspace, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) project: Option<Project>,
    /// Whether nothing in its workspace may be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) read_only: bool,
    /// Whom its processes and files are on the host.
    pub(super) user: (u32, u32),
    /// When it was launched. Times are milliseconds since 1970.
    pub(super) created_at: i64,
    /// When it was used last, a minute more or less.
    pub(super) last_used_at: i64,
    pub(super) phase: Phase,
}

/// Whose a sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) session: Uuid,
    pub(super) user: i64,
}

/// What may be the case with a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It may run.
    Active,
    /// It does not run; its files are kept.
    Stopped,
    /// It shall be gone.
    Ending,
}

impl Record {
    pub(super) fn new(id: SandboxId, user: (u32, u32), now: i64) -> Self {
        Self {
            version: VERSION,
            id,
            owner: None,
            network: false,
            project: None,
            read_only: false,
            user,
            created_at: now,
            last_used_at: now,
            phase: Phase::Active,
        }
    }
}

/// What the journal's folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Folders without a record.
    pub(super) unowned: Vec<PathBuf>,
    /// Records that cannot be read; their folders are left alone.
    pub(super) unreadable: u64,
}

/// The records.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// Makes the folder, for the runner alone.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder.join(DISCARDED))?;
        Ok(Self { folder })
    }

    /// The folder of a sandbox.
    pub(super) fn folder_of(&self, id: SandboxId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    pub(super) async fn write(&self, record: Record) -> io::Result<()> {
        self.on_disk(move |journal| {
            let name = file_of(record.id);
            write_whole(&journal.folder, &name, &serde_json::to_vec(&record)?)
        })
        .await
    }

    pub(super) async fn remove(&self, id: SandboxId) -> io::Result<()> {
        self.on_disk(move |journal| {
            match fs::remove_file(journal.folder.join(file_of(id))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            File::open(&journal.folder)?.sync_all()
        })
        .await
    }

    /// Puts a sandbox's folder out of reach, for [`Self::remove_discarded`]: that takes long.
    pub(super) async fn discard(&self, folder: PathBuf) -> io::Result<()> {
        self.on_disk(move |journal| {
            let name = folder.file_name().unwrap_or_default();
            let out_of_reach = journal.folder.join(DISCARDED).join(name);
            match fs::rename(&folder, out_of_reach) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        })
        .await
    }

    /// Removes what was discarded, as far as it can be: the error is that of the last which cannot.
    pub(super) async fn remove_discarded(&self) -> io::Result<()> {
        self.on_disk(|journal| {
            let mut removed = Ok(());
            for entry in fs::read_dir(journal.folder.join(DISCARDED))? {
                removed = remove_tree(&entry?.path()).and(removed);
            }
            removed
        })
        .await
    }

    pub(super) async fn read(&self) -> io::Result<Found> {
        self.on_disk(Self::find).await
    }

    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let journal = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&journal)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn find(&self) -> io::Result<Found> {
        let mut found = Found::default();
        let mut folders = Vec::new();
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == DISCARDED {
                continue;
            } else if entry.file_type()?.is_dir() {
                folders.push((name, path));
            } else if name.ends_with(UNFINISHED) {
                // Nothing was started on the strength of this one.
                fs::remove_file(&path)?;
            } else if let Some(id) = name.strip_suffix(UNREADABLE) {
                kept.push(id.to_owned());
                found.unreadable += 1;
            } else if let Some(id) = name.strip_suffix(".json") {
                match read(&path) {
                    Ok(record) if record.id.to_string() == id => found.records.push(record),
                    other => {
                        let why = other.err().map_or_else(
                            || "it is another sandbox's".to_owned(),
                            |error| error.to_string(),
                        );
                        tracing::error!(file = %path.display(), why, "a sandbox's record cannot be read: its files are left where they are");
                        fs::rename(&path, self.folder.join(format!("{id}{UNREADABLE}")))?;
                        kept.push(id.to_owned());
                        found.unreadable += 1;
                    }
                }
            }
        }
        let known: Vec<String> = found
            .records
            .iter()
            .map(|record| record.id.to_string())
            .collect();
        let unowned = folders
            .into_iter()
            .filter(|(name, _)| !known.contains(name) && !kept.contains(name));
        found.unowned = unowned.map(|(_, path)| path).collect();
        Ok(found)
    }
}

fn file_of(id: SandboxId) -> String {
    format!("{id}.json")
}

fn read(path: &Path) -> io::Result<Record> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::other("it is too large"));
    }
    let record: Record = serde_json::from_slice(&fs::read(path)?)?;
    if record.version != VERSION {
        let version = record.version;
        return Err(io::Error::other(format!("version {version} is not known")));
    }
    Ok(record)
}

/// Writes `folder/name` so that a crash at any moment leaves the old file or the new one.
fn write_whole(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(name))?;
    File::open(folder)?.sync_all()
}
