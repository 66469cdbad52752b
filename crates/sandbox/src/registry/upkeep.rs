//! Each second: who holds too much, who is idle, who is old.
//!
//! A sandbox over its quota loses all its processes. From then on commands may run only while they
//! make it smaller, and nothing is written from outside, until it is below.

use super::{
    Inner,
    entry::{Entry, Measured, State},
    error::SandboxError,
    processes::{Processes, nameless_bytes},
};
use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::time::Instant;

/// How often it is looked while something goes on.
const TICK: Duration = Duration::from_secs(1);

/// How often it is looked while nothing does.
const QUIET: Duration = Duration::from_secs(15);

/// How often it is looked for what is left over.
const SWEEP: Duration = Duration::from_secs(30);

/// How much older the stored time of the last use may get.
const STORED: Duration = Duration::from_secs(60);

/// How much one that is full may grow between two looks: an editor writes before it deletes.
const GROWTH: u64 = 1 << 20;

impl Inner {
    /// Looks after all sandboxes until the registry is closed.
    pub(super) async fn keep_up(self: Arc<Self>) {
        let mut swept = Instant::now();
        loop {
            let astir = self.look().await.unwrap_or_else(|error| {
                tracing::error!(error = ?error, "sandboxes are not looked after");
                true
            });
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                let inner = self.clone();
                tokio::spawn(async move { inner.tidy().await });
            }
            // Never more often than each tick, however many stir.
            let pause = async {
                tokio::time::sleep(TICK).await;
                if !astir {
                    let quiet = tokio::time::timeout(QUIET - TICK, self.stirred.notified());
                    let _stirred_or_time = quiet.await;
                }
            };
            tokio::select! {
                () = pause => {}
                () = self.closing.cancelled() => return,
            }
        }
    }

    /// One look at all of them; says whether something goes on. What takes long is done beside,
    /// one thing for each at a time.
    async fn look(self: &Arc<Self>) -> Result<bool, SandboxError> {
        let entries: Vec<Arc<Entry>> = {
            let table = self.table();
            table
                .sessions
                .values()
                .chain(&table.pool)
                .cloned()
                .collect()
        };
        let runs = entries.iter().any(|entry| entry.now().live().is_some());
        let processes = match runs {
            true => self.journal.on_disk(|_| Processes::now()).await,
            false => Ok(Processes::default()),
        };
        let processes = processes.map_err(SandboxError::failed("reading the processes"))?;
        let host = self.host_is_full().await;
        let host = host.map_err(SandboxError::failed("looking at the disk"))?;
        let mut astir = false;
        for entry in entries {
            let pids = entry
                .now()
                .live()
                .map(|live| processes.of(live.running.init));
            let pids = pids.unwrap_or_default();
            let memory = match self.backend.bounds_memory() {
                true => None,
                false => processes.memory_over(&pids, self.settings.limits.memory),
            };
            {
                let mut now = entry.now();
                astir |= pids.len() > 1 || now.uses > 0 || now.dirty || now.measured.full.is_some();
                if std::mem::replace(&mut now.tended, true) {
                    continue;
                }
            }
            let (inner, host) = (self.clone(), host.clone());
            tokio::spawn(async move {
                if let Err(error) = inner.tend(&entry, &pids, memory, host).await {
                    tracing::warn!(sandbox = %entry.id(), error = ?error, "a sandbox is not looked after");
                }
                entry.now().tended = false;
            });
        }
        Ok(astir)
    }

    async fn tend(
        &self,
        entry: &Arc<Entry>,
        pids: &[u32],
        memory: Option<u64>,
        host: Option<String>,
    ) -> Result<(), SandboxError> {
        let (owned, busy, unused, old) = {
            let mut now = entry.now();
            // More than init: something runs.
            let busy = pids.len() > 1 || now.uses > 0;
            if pids.len() > 1 {
                now.unused_since = Instant::now();
            }
            now.dirty |= busy;
            let ttl = i64::try_from(self.settings.ttl.as_millis()).unwrap_or(i64::MAX);
            let age = self.clock.now().saturating_sub(now.last_used_at);
            let old = now.uses == 0 && age >= ttl;
            (now.owner().is_some(), busy, now.unused(), old)
        };
        if owned && old {
            return self.destroy(entry).await.map(drop);
        }
        if let Some(memory) = memory {
            tracing::warn!(sandbox = %entry.id(), memory, "a sandbox is stopped: it has too much memory");
            return self.stop(entry, None).await;
        }
        if self.grows_too_large(entry, pids, host).await? {
            tracing::warn!(sandbox = %entry.id(), "a sandbox is stopped: its files are too many");
            return self.stop(entry, None).await;
        }
        if owned && !busy && unused >= self.settings.idle {
            return self.stop(entry, Some(self.settings.idle)).await;
        }
        Ok(())
    }

    /// Measures its files where they may have changed. Says whether its processes have to end.
    async fn grows_too_large(
        &self,
        entry: &Entry,
        pids: &[u32],
        host: Option<String>,
    ) -> Result<bool, SandboxError> {
        let before = {
            let mut now = entry.now();
            let due = now.measured.next.is_none_or(|next| next <= Instant::now());
            if !(now.dirty || now.measured.full.is_some()) || !due {
                return Ok(false);
            }
            now.dirty = false;
            now.measured.clone()
        };
        let started = Instant::now();
        let measured = self.measure(entry, pids).await;
        let (bytes, files) = match measured {
            Ok(measured) => measured,
            // Its folder is gone with it.
            Err(_) if matches!(entry.now().state, State::Gone(_)) => return Ok(false),
            Err(error) => {
                entry.now().dirty = true;
                return Err(SandboxError::failed("measuring its files")(error));
            }
        };
        let full = self.too_much(bytes, files).or(host);
        let grew = bytes > before.bytes.saturating_add(GROWTH) || files > before.files;
        let kill = full.is_some() && (before.full.is_none() || grew);
        entry.now().measured = Measured {
            bytes,
            files,
            full,
            // A large tree takes a fifth of one processor's time at most.
            next: Some(Instant::now() + started.elapsed() * 4),
        };
        Ok(kill)
    }

    async fn measure(&self, entry: &Entry, pids: &[u32]) -> io::Result<(u64, u64)> {
        // Not the workspace alone: a sandbox may write beside its socket too.
        let folder = entry.folder.clone();
        let most = self.settings.quota.files;
        let pids = pids.to_vec();
        let measured = self.journal.on_disk(move |_| {
            let usage = sandbox_files::measure(&folder, most, &AtomicBool::new(false))?;
            let nameless = nameless_bytes(&pids, &folder)?;
            // What hides from being counted is taken for full.
            let files = match usage.unreadable {
                // It was not counted further: there is more.
                0 if usage.partial => most.saturating_add(1),
                0 => usage.files,
                _ => u64::MAX,
            };
            Ok((usage.bytes.saturating_add(nameless), files))
        });
        measured.await
    }

    fn too_much(&self, bytes: u64, files: u64) -> Option<String> {
        let quota = self.settings.quota;
        if bytes > quota.bytes {
            let (has, may) = (bytes >> 20, quota.bytes >> 20);
            return Some(format!(
                "The workspace holds {has} MiB, and {may} MiB are allowed. Delete files"
            ));
        }
        (files > quota.files).then(|| {
            let may = quota.files;
            match files {
                u64::MAX => {
                    "The workspace has directories that cannot be read. Make them readable, \
                             or delete them"
                        .to_owned()
                }
                _ => format!("The workspace holds more than {may} files. Delete some"),
            }
        })
    }

    /// Why nobody may write any longer, if the host's disk is nearly full.
    async fn host_is_full(&self) -> io::Result<Option<String>> {
        let floor = self.settings.floor;
        let folder = Self::sandboxes_folder(&self.settings.state);
        let stat = self
            .journal
            .on_disk(move |_| Ok(rustix::fs::statvfs(&folder)?));
        let stat = stat.await?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let whole = stat.f_blocks.saturating_mul(stat.f_frsize);
        let low = free < floor.bytes || free < whole / 100 * floor.percent;
        Ok(low.then(|| "The machine's disk is nearly full. Delete files".to_owned()))
    }

    /// Tries again what failed, and stores when sandboxes were used.
    async fn tidy(&self) {
        self.finish_all().await;
        for done in [self.sweep().await, self.store_uses(STORED).await] {
            if let Err(error) = done {
                tracing::warn!(error = ?error, "what is left over stays for now");
            }
        }
    }

    /// Stores when sandboxes were used last, where what is stored is older by so much.
    pub(super) async fn store_uses(&self, older: Duration) -> Result<(), SandboxError> {
        let older = i64::try_from(older.as_millis()).unwrap_or(i64::MAX);
        let entries: Vec<Arc<Entry>> = self.table().sessions.values().cloned().collect();
        for entry in entries {
            let _life = entry.life.lock().await;
            let record = {
                let mut now = entry.now();
                if now.uses > 0 {
                    now.last_used_at = self.clock.now();
                }
                let age = now.last_used_at.saturating_sub(now.record.last_used_at);
                if age <= older || matches!(now.state, State::Gone(_)) {
                    continue;
                }
                let phase = now.record.phase;
                now.record_in(phase)
            };
            let written = self.journal.write(record).await;
            written.map_err(SandboxError::failed("storing when it was used"))?;
        }
        Ok(())
    }
}
