//! The events of a room on disk: files to which is only appended, each begun when the one before
//! is full, the oldest removed when there are too many or they are too old.
//!
//! Invariant: [`Log::append`] returns after the events are in the file (in the kernel; of a
//! lasting room on the disk). A file's torn end was never shown to anybody and is cut off. What
//! cannot be trusted is dropped whole, and a new epoch begins; of a lasting room its numbers go on.

mod record;
mod replay;
mod segment;

pub(crate) use replay::{Replay, Replayed};

use crate::{
    Settings,
    entry::Stored,
    id::new_epoch,
    told::{Marks, Told},
};
use domain::{Event, Timestamp};
use segment::{Segment, Tail};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
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
    pub(crate) told: Marks,
    /// Oldest first; the last is being written.
    segments: Vec<Segment>,
    current: Option<File>,
    /// The last file's end is torn: nothing more goes into it.
    torn: bool,
    unsynced: bool,
    /// Whether what is appended is on the disk before anybody sees it.
    lasting: bool,
}

/// The file that says that a room is a lasting one.
const LASTING: &str = "lasting";

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

/// What becomes of a room whose newest file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// All of it is dropped.
    Drop,
    /// The same, but numbers go on above all that was ever shown.
    NumberOn,
    /// What is damaged is: it was never shown.
    Cut,
}

impl Log {
    /// Finds what an earlier writer left in `folder`, which need not be there. Nothing is made.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        if !Self::is_lasting(&folder)? {
            return Self::find(folder, Damage::Drop);
        }
        let mut log = Self::find(folder, Damage::NumberOn)?;
        log.lasting = true;
        // Its writer may have died between writing and syncing.
        log.take_up()?;
        log.unsynced = true;
        log.sync()?;
        Ok(log)
    }

    /// Whether the room in `folder` is a lasting one.
    pub(crate) fn is_lasting(folder: &Path) -> io::Result<bool> {
        folder.join(LASTING).try_exists()
    }

    /// Puts a lasting room in order after the machine died.
    pub(crate) fn mend(folder: PathBuf) -> io::Result<()> {
        Self::find(folder, Damage::Cut)?.sync()
    }

    /// Whether the room in `folder` is a lasting one of which nothing is left but its number.
    pub(crate) fn is_forgotten(folder: &Path) -> io::Result<bool> {
        if !Self::is_lasting(folder)? {
            return Ok(false);
        }
        match segment::list(folder)?.as_slice() {
            [] => Ok(true),
            [only] => segment::is_bare(only),
            _ => Ok(false),
        }
    }

    /// Drops the events of a lasting room that nobody has in memory. Its numbers go on.
    pub(crate) fn forget(folder: PathBuf) -> io::Result<()> {
        let mut log = Self::open(folder)?;
        if log
            .segments
            .last()
            .is_some_and(|last| last.first < log.next)
        {
            log.begin_segment()?;
            log.sync()?;
        }
        while let [first, _, ..] = log.segments.as_slice() {
            fs::remove_file(&first.path)?;
            log.segments.remove(0);
        }
        Ok(())
    }

    fn find(folder: PathBuf, damage: Damage) -> io::Result<Self> {
        let mut log = Self {
            segments: Vec::new(),
            epoch: new_epoch().map_err(io::Error::other)?,
            next: 1,
            told: Marks::default(),
            current: None,
            torn: false,
            unsynced: false,
            lasting: false,
            folder,
        };
        let mut segments = match segment::list(&log.folder) {
            Ok(segments) => segments,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(log),
            Err(error) => return Err(error),
        };
        while let Some(last) = segments.last_mut() {
            let end = match segment::scan(last)? {
                Tail::Sound(end) => Some(end),
                Tail::Stillborn => None,
                Tail::Damaged { sound, .. } if damage == Damage::Cut => sound,
                Tail::Damaged { above, .. } => {
                    tracing::error!(file = %last.path.display(), "kept events are damaged");
                    if damage == Damage::NumberOn {
                        log.next = above;
                    }
                    break;
                }
            };
            match end {
                Some(end) => {
                    if last.bytes != end.bytes {
                        let file = OpenOptions::new().append(true).open(&last.path)?;
                        file.set_len(end.bytes)?;
                        last.bytes = end.bytes;
                        log.current = Some(file);
                        // Also where nothing follows, a clean stop must bring it to the disk.
                        log.unsynced = true;
                    }
                    (log.epoch, log.next, log.told) = (end.epoch, end.next, end.told);
                    log.segments = segments;
                    return Ok(log);
                }
                None => {
                    fs::remove_file(&last.path)?;
                    segments.pop();
                }
            }
        }
        if log.next > 1 {
            // Before the others are gone, so that the number is kept whatever happens.
            log.begin_segment()?;
            log.sync()?;
        }
        for old in segments {
            if old.first < log.next {
                fs::remove_file(old.path)?;
            }
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

    /// Makes the room a lasting one: from now on what is shown of it is on the disk.
    pub(crate) fn make_lasting(&mut self) -> io::Result<()> {
        self.ensure_kept()?;
        if self.lasting {
            return Ok(());
        }
        for segment in &self.segments {
            File::open(&segment.path)?.sync_all()?;
        }
        let marker = self.folder.join(LASTING);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(marker)?
            .sync_all()?;
        self.unsynced = true;
        self.sync()?;
        self.lasting = true;
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
        let mut written = file.write_all(&bytes);
        if self.lasting {
            written = written.and_then(|()| file.sync_data());
        }
        if let Err(error) = written {
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
        let title = segment::title(self.epoch, self.next, &self.told)?;
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
        if self.lasting {
            sync_folder(&self.folder)?;
        }
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_there_is_something_to_forget() {
        let folder = tempfile::tempdir().unwrap();
        let room = folder.path().join("room");
        let mut log = Log::open(room.clone()).unwrap();
        log.ensure_kept().unwrap();
        // No number of it was shown: it is removed whole.
        assert!(!Log::is_forgotten(&room).unwrap());
        log.make_lasting().unwrap();
        assert!(Log::is_forgotten(&room).unwrap());
        log.append(&[b"{}".to_vec()], &Settings::default()).unwrap();
        assert!(!Log::is_forgotten(&room).unwrap());
        drop(log);
        Log::forget(room.clone()).unwrap();
        assert!(Log::is_forgotten(&room).unwrap());
        assert_eq!(Log::open(room).unwrap().next, 2);
    }
}
