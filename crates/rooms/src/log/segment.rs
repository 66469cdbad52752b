//! Files of a room, each named by the first event that it may hold.

use super::record::{self, Read1};
use crate::told::Told;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

const SUFFIX: &str = ".log";

/// How much is read at a time.
const READ: usize = 64 * 1024;

/// A file's first record.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    epoch: u64,
    first: u64,
    /// The last mark before this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Whole records up to event `next` - 1, `bytes` long.
    Sound {
        epoch: u64,
        next: u64,
        bytes: u64,
        told: Option<Told>,
    },
    /// Its writer died before it had written the first record: it never held an event.
    Stillborn,
    /// It cannot be trusted.
    Corrupt,
}

/// The bytes that a new file begins with.
pub(super) fn title(epoch: u64, first: u64, told: Option<Told>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let title = Title { epoch, first, told };
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

/// Reads a file to its end.
pub(super) fn scan(segment: &Segment) -> io::Result<Tail> {
    let mut reader = BufReader::with_capacity(READ, File::open(&segment.path)?);
    let title = match record::read(&mut reader)? {
        Read1::Whole(bytes) => bytes,
        Read1::End | Read1::Torn => return Ok(Tail::Stillborn),
        Read1::Corrupt => return Ok(Tail::Corrupt),
    };
    let mut bytes = (record::HEAD + title.len()) as u64;
    let title = serde_json::from_slice::<Title>(&title).ok();
    let Some(title) = title.filter(|title| title.first == segment.first) else {
        return Ok(Tail::Corrupt);
    };
    let mut next = title.first;
    let mut told = title.told;
    loop {
        match record::read(&mut reader)? {
            Read1::Whole(event) => {
                bytes += (record::HEAD + event.len()) as u64;
                next += 1;
                let Ok(marked) = serde_json::from_slice::<Marked>(&event) else {
                    return Ok(Tail::Corrupt);
                };
                told = marked.told.or(told);
            }
            Read1::End | Read1::Torn => {
                let epoch = title.epoch;
                return Ok(Tail::Sound {
                    epoch,
                    next,
                    bytes,
                    told,
                });
            }
            Read1::Corrupt => return Ok(Tail::Corrupt),
        }
    }
}
