//! Reading kept events while others are written and removed.

use super::{
    record::{self, Read1},
    segment::{self, Segment},
};
use crate::{Entry, EventId, entry::Stored};
use domain::{Event, Timestamp};
use std::{
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
    sync::Arc,
};
use uuid::Uuid;

/// A place in a room's files. It needs no lock: events that its user asks for are whole in their
/// file, and a file that is removed meanwhile stays readable while it is open.
#[derive(Debug)]
pub(crate) struct Replay {
    folder: PathBuf,
    session: Uuid,
    epoch: u64,
    /// The next event.
    next: u64,
    file: Option<BufReader<File>>,
}

/// What was read.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// The next events.
    Events(Vec<Arc<Entry>>),
    /// The next event is not there any more.
    Gone,
}

impl Replay {
    /// Reads from the event after `after` on.
    pub(crate) fn new(folder: PathBuf, session: Uuid, after: EventId) -> Self {
        Self {
            folder,
            session,
            epoch: after.epoch,
            next: after.seq + 1,
            file: None,
        }
    }

    /// The next event that it reads.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Reads events up to `last`, which must have been appended, about `bytes` of them.
    pub(crate) fn read(&mut self, last: u64, bytes: usize) -> io::Result<Replayed> {
        let mut entries = Vec::new();
        let mut size = 0;
        while self.next <= last && size < bytes {
            let found = self.file.is_none();
            let file = match &mut self.file {
                Some(file) => file,
                None => match self.find()? {
                    Some(file) => self.file.insert(file),
                    None if entries.is_empty() => return Ok(Replayed::Gone),
                    None => break,
                },
            };
            match record::read(file)? {
                Read1::Whole(record) => {
                    size += record.len();
                    entries.push(Arc::new(self.entry(&record)?));
                    self.next += 1;
                }
                Read1::Corrupt => return Err(damaged()),
                _ if found => return Err(damaged()),
                // The next file has it.
                Read1::End | Read1::Torn => self.file = None,
            }
        }
        Ok(Replayed::Events(entries))
    }

    fn entry(&self, record: &[u8]) -> io::Result<Entry> {
        let stored: Stored<Event> = serde_json::from_slice(record)?;
        if stored.seq != self.next {
            return Err(damaged());
        }
        let id = EventId {
            epoch: self.epoch,
            seq: stored.seq,
        };
        let at = Timestamp(stored.at);
        Ok(Entry::new(id, self.session, at, stored.event, record.len()))
    }

    /// Opens the file that has the next event, at that event.
    fn find(&self) -> io::Result<Option<BufReader<File>>> {
        let segments = match segment::list(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            listed => listed?,
        };
        let at_or_before = |segment: &&Segment| segment.first <= self.next;
        let Some(segment) = segments.iter().rev().find(at_or_before) else {
            return Ok(None);
        };
        let mut file = match segment::open(segment, self.epoch) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        for _ in segment.first..self.next {
            if !matches!(record::read(&mut file)?, Read1::Whole(_)) {
                return Ok(None);
            }
        }
        Ok(Some(file))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "kept events are damaged")
}
