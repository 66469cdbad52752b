//! Stopping and destroying.

use super::{
    Change, Inner, Sandboxes, Table,
    entry::{Entry, Live, State},
    error::SandboxError,
    journal::Phase,
    launch::detached,
};
use futures::{StreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How many are destroyed at a time.
const AT_ONCE: usize = 8;

impl Sandboxes {
    /// Destroys the session's sandbox with its files; says whether there was one. When this
    /// resolves without an error its processes are gone and its files out of reach; the room that
    /// they took is free a little later. After an error it is no longer the session's, and is
    /// tried again until it is gone.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`], [`SandboxError::Failed`].
    pub async fn destroy(&self, session: Uuid) -> Result<bool, SandboxError> {
        let Ok(entry) = self.0.entry(session) else {
            return Ok(false);
        };
        let inner = self.0.clone();
        detached(async move { inner.destroy(&entry).await }).await
    }

    /// Destroys all sandboxes of a user; says how many there were.
    ///
    /// # Errors
    /// As [`Self::destroy`], after all were tried.
    pub async fn destroy_all(&self, user: i64) -> Result<u64, SandboxError> {
        let sessions: Vec<Uuid> = {
            let table = self.0.table();
            let owners = table
                .sessions
                .values()
                .filter_map(|entry| entry.now().owner());
            let own = owners.filter(|owner| owner.user == user);
            own.map(|owner| owner.session).collect()
        };
        let destroyed = stream::iter(sessions).map(|session| self.destroy(session));
        let destroyed: Vec<_> = destroyed.buffer_unordered(AT_ONCE).collect().await;
        let mut count = 0;
        for done in destroyed {
            count += u64::from(done?);
        }
        Ok(count)
    }

    /// Stops the session's sandbox with all its processes, and keeps its files.
    ///
    /// # Errors
    /// [`SandboxError::NotFound`], [`SandboxError::Unavailable`], [`SandboxError::Failed`].
    pub async fn stop(&self, session: Uuid) -> Result<(), SandboxError> {
        let entry = self.0.entry(session)?;
        let inner = self.0.clone();
        detached(async move { inner.stop(&entry, None).await }).await
    }
}

impl Inner {
    /// Stops it, if it runs and, where a time is given, nobody has used it for so long.
    pub(super) async fn stop(
        &self,
        entry: &Arc<Entry>,
        unused: Option<Duration>,
    ) -> Result<(), SandboxError> {
        let _life = entry.life.lock().await;
        let live = {
            let mut now = entry.now();
            let used = unused.is_some_and(|unused| now.unused() < unused);
            match now.live() {
                Some(live) if !used => {
                    // From here on nobody begins to use it.
                    now.state = State::Stopping;
                    live
                }
                _ => return Ok(()),
            }
        };
        match self.end_processes(entry).await {
            Ok(()) => {
                let record = entry.now().record_in(Phase::Stopped);
                let written = self.journal.write(record).await;
                written.map_err(SandboxError::failed("storing that it is stopped"))
            }
            Err(error) => {
                entry.now().state = State::Running(live);
                Err(error)
            }
        }
    }

    /// Ends all its processes; it is stopped then. The caller holds its `life`.
    pub(super) async fn end_processes(&self, entry: &Entry) -> Result<(), SandboxError> {
        let id = entry.id();
        self.backend.stop(id).await?;
        entry.now().state = State::Stopped;
        self.tell(entry, Change::Stopped);
        Ok(())
    }

    /// Its init ended, without our doing or with it.
    pub(super) async fn fell(self: &Arc<Self>, entry: &Arc<Entry>, live: &Arc<Live>) {
        let _life = entry.life.lock().await;
        let current = entry.now().live();
        if !current.is_some_and(|current| Arc::ptr_eq(&current, live)) {
            return;
        }
        tracing::warn!(sandbox = %entry.id(), "a sandbox ended by itself");
        if entry.now().owner().is_none() {
            self.table().pool_forget(entry);
            self.give_up(entry, None).await;
            self.taken.notify_one();
        } else if let Err(error) = self.end_processes(entry).await {
            tracing::warn!(sandbox = %entry.id(), error = ?error, "what a sandbox left stays for now");
        }
    }

    pub(super) async fn destroy(&self, entry: &Arc<Entry>) -> Result<bool, SandboxError> {
        let _life = entry.life.lock().await;
        if matches!(entry.now().state, State::Gone(_)) {
            return Ok(false);
        }
        self.retire(entry, None);
        self.finish(entry).await.map(|()| true)
    }

    /// It is no more; what is left of it goes now, or later. The caller holds its `life`.
    pub(super) async fn give_up(&self, entry: &Arc<Entry>, fault: Option<SandboxError>) {
        self.retire(entry, fault);
        if let Err(error) = self.finish(entry).await {
            tracing::warn!(sandbox = %entry.id(), error = ?error, "a sandbox is not gone yet");
        }
    }

    /// It is nobody's any longer.
    fn retire(&self, entry: &Arc<Entry>, fault: Option<SandboxError>) {
        let mut table = self.table();
        table.forget(entry);
        table.ending.push(entry.clone());
        entry.now().state = State::Gone(fault);
    }

    /// Removes all that is left of one that shall be gone. The caller holds its `life`.
    pub(super) async fn finish(&self, entry: &Arc<Entry>) -> Result<(), SandboxError> {
        let id = entry.id();
        let record = entry.now().record_in(Phase::Ending);
        let written = self.journal.write(record).await;
        written.map_err(SandboxError::failed("storing that it ends"))?;
        self.backend.stop(id).await?;
        let discarded = self.journal.discard(entry.folder.clone()).await;
        discarded.map_err(SandboxError::failed("removing its files"))?;
        self.discarded.notify_one();
        let removed = self.journal.remove(id).await;
        removed.map_err(SandboxError::failed("removing its record"))?;
        self.table()
            .ending
            .retain(|other| !Arc::ptr_eq(other, entry));
        self.tell(entry, Change::Destroyed);
        Ok(())
    }
}

impl Inner {
    /// Removes what was discarded, until the registry is closed.
    pub(super) async fn keep_removing(self: Arc<Self>) {
        while !self.closing.is_cancelled() {
            if let Err(error) = self.journal.remove_discarded().await {
                tracing::error!(%error, "files of destroyed sandboxes cannot be removed");
            }
            tokio::select! {
                () = self.discarded.notified() => {}
                () = self.closing.cancelled() => {}
            }
        }
    }
}

impl Table {
    /// One that is ready, and alive.
    pub(super) fn pool_take(&mut self) -> Option<Arc<Entry>> {
        let ready =
            |entry: &Arc<Entry>| entry.now().alive().is_some() && entry.life.try_lock().is_ok();
        let index = self.pool.iter().position(ready)?;
        Some(self.pool.remove(index))
    }

    pub(super) fn pool_forget(&mut self, entry: &Arc<Entry>) {
        self.pool.retain(|other| !Arc::ptr_eq(other, entry));
    }

    fn forget(&mut self, entry: &Arc<Entry>) {
        self.pool_forget(entry);
        self.making.retain(|other| !Arc::ptr_eq(other, entry));
        self.sessions.retain(|_, other| !Arc::ptr_eq(other, entry));
    }
}
