//! The events of a room on disk: files to which is only appended, each begun when the one before
//! is full, the oldest removed when there are too many or they are too old.
//!
//! Invariant: [`Log::append`] returns after the events are in the file (in the kernel, not
//! necessarily on the disk). A file's torn end was never shown to anybody and is cut off. What
//! cannot be trusted is dropped whole, and a new epoch begins.

mod record;
mod replay;
mod segment;

pub(crate) use replay::{Replay, Replayed};

use crate::{Settings, entry::Stored, id::new_epoch, told::Told};
use domain::{Event, Timestamp};
use segment::{Segment, Tail};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The events of one room, as their one writer has them.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    pub(crate) epoch: u64,
    /// The number of the next event.
    pub(crate) next: u64,
    /// The last mark of an event that tells a step of a run.
    pub(crate) told: Option<Told>,
    /// Oldest first; the last is being written.
    segments: Vec<Segment>,
    current: Option<File>,
    /// The last file's end is torn: nothing more goes into it.
    torn: bool,
    unsynced: bool,
}

/// An event as the file has it.
pub(crate) fn encode(
    seq: u64,
    at: Timestamp,
    event: &Event,
    told: Option<Told>,
) -> serde_json::Result<Vec<u8>> {
    let at = at.0;
    serde_json::to_vec(&Stored {
        seq,
        at,
        event,
        told,
    })
}

impl Log {
    /// Finds what an earlier writer left in `folder`, which need not be there. Nothing is made.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        let mut log = Self {
            segments: Vec::new(),
            epoch: new_epoch().map_err(io::Error::other)?,
            next: 1,
            told: None,
            current: None,
            torn: false,
            unsynced: false,
            folder,
        };
        let mut segments = match segment::list(&log.folder) {
            Ok(segments) => segments,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(log),
            Err(error) => return Err(error),
        };
        while let Some(last) = segments.last_mut() {
            match segment::scan(last)? {
                Tail::Sound {
                    epoch,
                    next,
                    bytes,
                    told,
                } => {
                    if last.bytes != bytes {
                        let file = OpenOptions::new().append(true).open(&last.path)?;
                        file.set_len(bytes)?;
                        last.bytes = bytes;
                        log.current = Some(file);
                        // Also where nothing follows, a clean stop must bring it to the disk.
                        log.unsynced = true;
                    }
                    (log.epoch, log.next, log.told) = (epoch, next, told);
                    log.segments = segments;
                    return Ok(log);
                }
                Tail::Stillborn => {
                    fs::remove_file(&last.path)?;
                    segments.pop();
                }
                Tail::Corrupt => {
                    tracing::error!(file = %last.path.display(), "kept events are damaged");
                    break;
                }
            }
        }
        for segment in segments {
            fs::remove_file(segment.path)?;
        }
        Ok(log)
    }

    /// The oldest event that may still be read.
    pub(crate) fn oldest(&self) -> u64 {
        self.segments.first().map_or(self.next, |first| first.first)
    }

    /// Sees to it that the epoch outlasts a restart even without an event, so that an id of it
    /// may be shown.
    pub(crate) fn ensure_kept(&mut self) -> io::Result<()> {
        if self.segments.is_empty() {
            self.begin_segment()?;
        }
        Ok(())
    }

    /// Appends records, in order, the first of which is the event [`next`](Self::next). Either
    /// all of them are in the file afterwards or none.
    pub(crate) fn append(&mut self, records: &[Vec<u8>], limits: &Settings) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(records.iter().map(|one| one.len() + 8).sum());
        for one in records {
            record::put(one, &mut bytes)?;
        }
        let full = |last: &Segment| last.bytes >= limits.segment;
        if self.torn || self.segments.last().is_none_or(full) {
            self.begin_segment()?;
            self.prune(limits)?;
        }
        self.take_up()?;
        let (Some(file), Some(segment)) = (&mut self.current, self.segments.last_mut()) else {
            return Err(io::Error::other("there is no file to append to"));
        };
        if let Err(error) = file.write_all(&bytes) {
            // What is left of it would be in the way of the next. Where it cannot be cut off,
            // the end of this file is torn, and the next event begins another file.
            self.torn = file.set_len(segment.bytes).is_err();
            return Err(error);
        }
        segment.bytes += bytes.len() as u64;
        segment.changed = SystemTime::now();
        self.next += records.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// Removes what is too much or too old. The file being written stays.
    pub(crate) fn prune(&mut self, limits: &Settings) -> io::Result<()> {
        let mut bytes: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        while let [first, _, ..] = self.segments.as_slice() {
            let age = first.changed.elapsed().unwrap_or_default();
            if bytes <= limits.disk && age <= limits.age {
                break;
            }
            bytes -= first.bytes;
            fs::remove_file(&first.path)?;
            self.segments.remove(0);
        }
        Ok(())
    }

    /// Brings everything to the disk and closes the file, until something is appended again.
    pub(crate) fn rest(&mut self) -> io::Result<()> {
        self.sync()?;
        self.current = None;
        Ok(())
    }

    /// Brings everything to the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !self.unsynced {
            return Ok(());
        }
        if let Some(file) = &self.current {
            file.sync_all()?;
        }
        sync_folder(&self.folder)?;
        if let Some(above) = self.folder.parent() {
            sync_folder(above)?;
        }
        self.unsynced = false;
        Ok(())
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the last file again if it was closed.
    fn take_up(&mut self) -> io::Result<()> {
        if let (None, Some(last)) = (&self.current, self.segments.last()) {
            self.current = Some(OpenOptions::new().append(true).open(&last.path)?);
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        if let Some(full) = &self.current {
            full.sync_data()?;
        }
        let title = segment::title(self.epoch, self.next, self.told)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let (path, mut file) = segment::create(&self.folder, self.next)?;
        // Half a title is found stillborn, and this file is made again.
        file.write_all(&title)?;
        self.segments.retain(|segment| segment.first != self.next);
        self.segments.push(Segment {
            path,
            first: self.next,
            bytes: title.len() as u64,
            changed: SystemTime::now(),
        });
        self.current = Some(file);
        self.torn = false;
        self.unsynced = true;
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
