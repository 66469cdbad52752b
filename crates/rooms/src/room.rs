//! One room: its file, its newest events, its readers.

use crate::{
    Entry, EventId, PublishError, Published, RunStep, Settings,
    clock::now,
    counts::Counters,
    live::{Closed, Live},
    log::{self, Log},
    told::Told,
};
use domain::Event;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// One room. Whoever changes it holds its log; readers only look at `live`.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) session: Uuid,
    folder: PathBuf,
    pub(crate) log: Arc<tokio::sync::Mutex<Log>>,
    live: Mutex<Live>,
    /// Wakes readers who wait for something new.
    pub(crate) news: Notify,
    pub(crate) settings: Arc<Settings>,
    pub(crate) counters: Arc<Counters>,
}

impl Room {
    /// Reads what is on disk. Blocks.
    pub(crate) fn open(
        session: Uuid,
        folder: PathBuf,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let log = Log::open(folder)?;
        let head = EventId {
            epoch: log.epoch,
            seq: log.next - 1,
        };
        Ok(Self {
            session,
            folder: log.folder().to_owned(),
            live: Mutex::new(Live::new(head, log.oldest())),
            log: Arc::new(tokio::sync::Mutex::new(log)),
            news: Notify::new(),
            settings,
            counters,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes events to the file and shows them. Blocks on the disk.
    pub(crate) fn publish(
        &self,
        log: &mut Log,
        mut events: Vec<Event>,
        step: Option<RunStep>,
    ) -> Result<Published, PublishError> {
        self.refuse_closed()?;
        let at = now();
        let mut marks: Vec<Option<Told>> = match step {
            Some(step) => Told::marks(step, events.len()).map(Some).collect(),
            None => vec![None; events.len()],
        };
        let told_of = |step| log.told.told_of(step, events.len());
        let skipped = step.map_or(0, told_of);
        events.drain(..skipped);
        marks.drain(..skipped);
        let last = marks.last().copied().flatten();
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        let mut total = 0;
        for (seq, (event, told)) in (log.next..).zip(events.into_iter().zip(marks)) {
            let record = log::encode(seq, at, &event, told).map_err(io::Error::from)?;
            if record.len() > self.settings.event {
                return Err(PublishError::TooLarge {
                    size: record.len(),
                    most: self.settings.event,
                });
            }
            total += record.len();
            let epoch = log.epoch;
            let id = EventId { epoch, seq };
            entries.push(Arc::new(Entry::new(
                id,
                self.session,
                at,
                event,
                record.len(),
            )));
            records.push(record);
        }
        if total > self.settings.publication {
            return Err(PublishError::TooLarge {
                size: total,
                most: self.settings.publication,
            });
        }
        if !records.is_empty() {
            log.append(&records, &self.settings)?;
        }
        if let Some(last) = last {
            log.told.note(last);
        }
        let ids = entries.iter().map(|entry| entry.id).collect();
        let count = entries.len() as u64;
        self.live().show(entries, log.oldest(), &self.settings);
        self.counters.published.fetch_add(count, Relaxed);
        self.news.notify_waiters();
        Ok(Published { ids, at, skipped })
    }

    /// Refuses what comes after the room's end.
    pub(crate) fn refuse_closed(&self) -> Result<(), PublishError> {
        match self.live().closed {
            None => Ok(()),
            Some(Closed::Deleted) => Err(PublishError::Deleted),
            Some(_) => Err(PublishError::Stopping),
        }
    }

    /// Says to all readers that this is the end.
    pub(crate) fn close(&self, why: Closed) {
        let mut live = self.live();
        live.closed.get_or_insert(why);
        drop(live);
        self.news.notify_waiters();
    }
}
