//! After a start of the runner: what the last one left.

use super::{
    Inner, Sandboxes, Settings, Table,
    entry::{Entry, Live, State},
    error::SandboxError,
    events,
    journal::{Journal, Phase, Record},
};
use crate::backend::{Backend, SandboxId};
use futures::{StreamExt as _, stream};
use ports::Clock;
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// How many are looked at at a time.
const AT_ONCE: usize = 16;

/// What was found at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Sandboxes that run and are known: of sessions and in the pool.
    pub adopted: u64,
    /// Sandboxes of sessions that do not run; their files are there.
    pub stopped: u64,
    /// Sandboxes that ran, or were half made, and are nobody's: ended.
    pub orphans: u64,
    /// Folders that were nobody's: removed.
    pub folders: u64,
    /// Records that cannot be read: kept with their folders, for whoever looks into it.
    pub unreadable: u64,
}

impl Sandboxes {
    /// Opens the registry: adopts what runs and is known, ends what runs and is not, and removes
    /// folders that nobody owns. Then it keeps the pool filled and looks after all of them.
    ///
    /// # Errors
    /// [`SandboxError::Failed`] if the state folder cannot be used, [`SandboxError::Unavailable`]
    /// if the backend does not answer.
    pub async fn open(
        settings: Settings,
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovered), SandboxError> {
        let folder = Inner::sandboxes_folder(&settings.state);
        let journal = Journal::open(folder);
        let journal = journal.map_err(SandboxError::failed("opening the state folder"))?;
        let inner = Arc::new(Inner {
            settings,
            backend,
            clock,
            journal,
            table: Mutex::new(Table::default()),
            events: broadcast::channel(events::BEHIND).0,
            taken: Notify::new(),
            stirred: Notify::new(),
            discarded: Notify::new(),
            closing: CancellationToken::new(),
        });
        let recovered = inner.recover().await?;
        tokio::spawn(inner.clone().keep_pool());
        tokio::spawn(inner.clone().keep_up());
        tokio::spawn(inner.clone().keep_removing());
        Ok((Self(inner), recovered))
    }
}

impl Inner {
    async fn recover(self: &Arc<Self>) -> Result<Recovered, SandboxError> {
        let found = self.journal.read().await;
        let found = found.map_err(SandboxError::failed("reading the state folder"))?;
        let running: HashSet<SandboxId> = self.backend.running().await?.into_iter().collect();
        let mut recovered = Recovered {
            unreadable: found.unreadable,
            ..Recovered::default()
        };
        let records = newest_of_each(found.records);
        let known: HashSet<SandboxId> = records.iter().map(|record| record.id).collect();

        let orphans: Vec<SandboxId> = running.difference(&known).copied().collect();
        recovered.orphans = orphans.len() as u64;
        for orphan in stopped(self, orphans).await {
            orphan?;
        }
        let entries = stream::iter(records).map(|record| {
            let runs = running.contains(&record.id);
            self.take_up(record, runs)
        });
        let entries: Vec<_> = entries.buffer_unordered(AT_ONCE).collect().await;
        for entry in entries {
            self.enlist(entry, &mut recovered);
        }
        self.finish_all().await;
        for folder in found.unowned {
            recovered.folders += u64::from(self.discard_unowned(folder).await);
        }
        Ok(recovered)
    }

    /// What a record stands for now.
    async fn take_up(self: &Arc<Self>, record: Record, runs: bool) -> Arc<Entry> {
        let (id, phase) = (record.id, record.phase);
        let entry = Entry::new(self.journal.folder_of(id), record, State::Stopped);
        match phase {
            Phase::Ending => entry.now().state = State::Gone(None),
            Phase::Stopped if runs => {
                // The runner ended between storing and doing it.
                if let Err(error) = self.backend.stop(id).await {
                    tracing::warn!(sandbox = %id, error = ?error, "a stopped sandbox may run");
                }
            }
            Phase::Stopped => {}
            Phase::Active => match self.adopted(&entry).await {
                Ok(Some(live)) => entry.now().state = State::Running(live),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(sandbox = %id, error = ?error, "a sandbox cannot be adopted");
                }
            },
        }
        entry
    }

    async fn adopted(&self, entry: &Entry) -> Result<Option<Arc<Live>>, SandboxError> {
        let plan = entry.plan(self.settings.limits);
        let Some(running) = self.backend.adopt(&plan).await? else {
            return Ok(None);
        };
        match Live::new(running, self.settings.exec) {
            Ok(live) => Ok(Some(Arc::new(live))),
            // It ended meanwhile.
            Err(_) => self
                .backend
                .stop(plan.id)
                .await
                .map(|()| None)
                .map_err(Into::into),
        }
    }

    fn enlist(self: &Arc<Self>, entry: Arc<Entry>, recovered: &mut Recovered) {
        let (owner, live, gone) = {
            let now = entry.now();
            (now.owner(), now.live(), matches!(now.state, State::Gone(_)))
        };
        let mut table = self.table();
        match (owner, &live) {
            _ if gone => table.ending.push(entry.clone()),
            (Some(owner), _) => {
                table.sessions.insert(owner.session, entry.clone());
                match live {
                    Some(_) => recovered.adopted += 1,
                    None => recovered.stopped += 1,
                }
            }
            (None, Some(_)) if table.pool.len() < self.settings.pool => {
                recovered.adopted += 1;
                table.pool.push(entry.clone());
            }
            (None, _) => {
                recovered.orphans += 1;
                entry.now().state = State::Gone(None);
                table.ending.push(entry.clone());
            }
        }
        drop(table);
        if let Some(live) = live {
            self.watch(entry, live);
        }
    }

    /// Tries again to remove what shall be gone.
    pub(super) async fn finish_all(&self) {
        let ending = self.table().ending.clone();
        let finished = stream::iter(ending).for_each_concurrent(AT_ONCE, |entry| async move {
            // Whoever holds it is at it.
            let Ok(_life) = entry.life.try_lock() else {
                return;
            };
            if let Err(error) = self.finish(&entry).await {
                tracing::warn!(sandbox = %entry.id(), error = ?error, "a sandbox is not gone yet");
            }
        });
        finished.await;
    }

    async fn discard_unowned(&self, folder: PathBuf) -> bool {
        match self.journal.discard(folder.clone()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "a folder of nobody stays");
                false
            }
        }
    }

    /// Ends what runs and is nobody's: what an engine made after we had stopped waiting for it.
    pub(super) async fn sweep(&self) -> Result<(), SandboxError> {
        let running = self.backend.running().await?;
        let known: HashSet<SandboxId> = {
            let table = self.table();
            let others = table.pool.iter().chain(&table.making).chain(&table.ending);
            let all = table.sessions.values().chain(others);
            all.map(|entry| entry.id()).collect()
        };
        let strangers = running.into_iter().filter(|id| !known.contains(id));
        for stranger in stopped(self, strangers.collect()).await {
            stranger?;
        }
        Ok(())
    }
}

async fn stopped(inner: &Inner, ids: Vec<SandboxId>) -> Vec<Result<(), SandboxError>> {
    let stopped = stream::iter(ids).map(|id| async move {
        tracing::warn!(sandbox = %id, "ending a sandbox that is nobody's");
        inner.backend.stop(id).await.map_err(SandboxError::from)
    });
    stopped.buffer_unordered(AT_ONCE).collect().await
}

/// A session has one sandbox. Should there be records of several, the older ones are left on the
/// disk, not run, and reported.
fn newest_of_each(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| std::cmp::Reverse(record.created_at));
    let mut sessions = HashSet::new();
    records.retain(|record| {
        let Some(owner) = record.owner.filter(|_| record.phase != Phase::Ending) else {
            return true;
        };
        let first = sessions.insert(owner.session);
        if !first {
            tracing::error!(sandbox = %record.id, session = %owner.session, "a session has a second sandbox: its files are left where they are");
        }
        first
    });
    records
}
