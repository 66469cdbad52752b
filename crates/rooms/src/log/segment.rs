//! Files of a room, each named by the first event that it may hold.

use super::record::{self, Read1};
use crate::told::{Marks, Told};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

const SUFFIX: &str = ".log";

/// The bytes that an event takes at least.
const LEAST: u64 = 32;

/// How much is read at a time.
const READ: usize = 64 * 1024;

/// A file's first record.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    epoch: u64,
    first: u64,
    /// The last marks before this file.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    runs: Marks,
    /// The last one, in files from before rooms were shared.
    #[serde(default, skip_serializing)]
    told: Option<Told>,
}

/// What of an event's record is looked at when a file is taken up.
#[derive(Debug, Deserialize)]
struct Marked {
    #[serde(default)]
    told: Option<Told>,
}

/// What is known of a file without reading it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The first event that it may hold.
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) changed: SystemTime,
}

/// What the newest file holds.
pub(super) enum Tail {
    /// Whole records.
    Sound(End),
    /// Its writer died before it had written the first record: it never held an event.
    Stillborn,
    /// It cannot be trusted.
    Damaged {
        /// The whole records before the damage; nothing if its title is damaged.
        sound: Option<End>,
        /// No event that it ever held has this number or a higher one.
        above: u64,
    },
}

/// Where whole records end.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) epoch: u64,
    /// The number of the next event.
    pub(super) next: u64,
    /// How many bytes the records take.
    pub(super) bytes: u64,
    pub(super) told: Marks,
}

/// The bytes that a new file begins with.
pub(super) fn title(epoch: u64, first: u64, runs: &Marks) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let title = Title {
        epoch,
        first,
        runs: runs.clone(),
        told: None,
    };
    record::put(&serde_json::to_vec(&title)?, &mut bytes)?;
    Ok(bytes)
}

/// Makes the file whose first event is `first`.
pub(super) fn create(folder: &Path, first: u64) -> io::Result<(PathBuf, File)> {
    let path = folder.join(format!("{first:020}{SUFFIX}"));
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    // It may be left from a writer that died before it had written the first record.
    file.set_len(0)?;
    Ok((path, file))
}

/// The files in `folder`, oldest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let first = name.strip_suffix(SUFFIX).and_then(|name| name.parse().ok());
        let Some(first) = first else { continue };
        // A file may be removed while the folder is read.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        segments.push(Segment {
            path: entry.path(),
            first,
            bytes: metadata.len(),
            changed: metadata.modified()?,
        });
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// Opens a file for reading, after its title; nothing if it is of another epoch or unsound.
pub(super) fn open(segment: &Segment, epoch: u64) -> io::Result<Option<BufReader<File>>> {
    let mut reader = BufReader::with_capacity(READ, File::open(&segment.path)?);
    let title = match record::read(&mut reader)? {
        Read1::Whole(bytes) => serde_json::from_slice::<Title>(&bytes).ok(),
        _ => None,
    };
    let ours = title.is_some_and(|title| title.epoch == epoch && title.first == segment.first);
    Ok(ours.then_some(reader))
}

/// Whether a file holds its title and nothing else.
pub(super) fn is_bare(segment: &Segment) -> io::Result<bool> {
    Ok(match record::read(&mut File::open(&segment.path)?)? {
        Read1::Whole(title) => (record::HEAD + title.len()) as u64 == segment.bytes,
        Read1::End | Read1::Torn | Read1::Corrupt => false,
    })
}

/// Reads a file to its end.
pub(super) fn scan(segment: &Segment) -> io::Result<Tail> {
    let mut reader = BufReader::with_capacity(READ, File::open(&segment.path)?);
    let above = |next: u64, bytes: u64| next + segment.bytes.saturating_sub(bytes) / LEAST;
    let damaged = Tail::Damaged {
        sound: None,
        above: above(segment.first, 0),
    };
    let title = match record::read(&mut reader)? {
        Read1::Whole(bytes) => bytes,
        Read1::End | Read1::Torn => return Ok(Tail::Stillborn),
        Read1::Corrupt => return Ok(damaged),
    };
    let bytes = (record::HEAD + title.len()) as u64;
    let title = serde_json::from_slice::<Title>(&title).ok();
    let Some(title) = title.filter(|title| title.first == segment.first) else {
        return Ok(damaged);
    };
    let mut end = End {
        epoch: title.epoch,
        next: title.first,
        bytes,
        told: title.runs,
    };
    if let Some(told) = title.told {
        end.told.note(told);
    }
    loop {
        let marked = match record::read(&mut reader)? {
            Read1::Whole(event) => {
                let size = (record::HEAD + event.len()) as u64;
                serde_json::from_slice::<Marked>(&event).map(|marked| (marked, size))
            }
            Read1::End | Read1::Torn => return Ok(Tail::Sound(end)),
            Read1::Corrupt => break,
        };
        let Ok((marked, size)) = marked else { break };
        end.bytes += size;
        end.next += 1;
        if let Some(told) = marked.told {
            end.told.note(told);
        }
    }
    Ok(Tail::Damaged {
        above: above(end.next, end.bytes),
        sound: Some(end),
    })
}
