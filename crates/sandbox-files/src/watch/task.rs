//! The task of one watch: it waits for reports, looks, and tells what differs.

use super::{
    WatchError, WatchSettings,
    fold::fold,
    inotify::Instance,
    pending::Pending,
    snapshot::{Gone, Snapshot},
};
use crate::workspace::Workspace;
use domain::FileChange;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

/// After polling took some time, it is done again when so many times as long have passed.
const REST: u32 = 20;

/// The same after everything was looked at because reports were lost: who floods the queue that
/// workspaces share costs the others a part of a processor, not all of it.
const REST_AFTER_ALL: u32 = 4;

/// But no longer than this.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// What a watch is made of.
pub(super) struct Task {
    pub(super) workspace: Workspace,
    pub(super) instance: Arc<Instance>,
    pub(super) pending: Arc<Pending>,
    pub(super) polled: Arc<AtomicUsize>,
    pub(super) settings: WatchSettings,
    pub(super) changes: mpsc::Sender<Vec<FileChange>>,
}

/// When what is costly may be done again.
struct Times {
    poll_at: Instant,
    all_again_at: Instant,
}

/// What there is to do.
enum Due {
    /// What somebody says that they changed.
    Looks,
    /// What the kernel reported.
    Reports,
    /// What cannot be watched.
    Poll,
}

impl Task {
    /// Looks at everything for the first time, then goes on by itself.
    pub(super) async fn begin(self) -> Result<(), WatchError> {
        let mut snapshot = Snapshot::new(
            self.workspace.clone(),
            self.instance.clone(),
            self.pending.clone(),
            &self.settings,
        );
        let first = spawn_blocking(move || {
            let first = snapshot.begin();
            (snapshot, first)
        });
        let (snapshot, first) = first.await.map_err(std::io::Error::other)?;
        first.map_err(std::io::Error::from)?;
        self.polled.store(snapshot.polled(), Ordering::Relaxed);
        tokio::spawn(self.run(snapshot));
        Ok(())
    }

    async fn run(self, mut snapshot: Snapshot) {
        let mut times = Times {
            poll_at: Instant::now() + self.settings.poll,
            all_again_at: Instant::now(),
        };
        loop {
            self.polled.store(snapshot.polled(), Ordering::Relaxed);
            let Some(due) = self.wait(&times, snapshot.polled() > 0).await else {
                break;
            };
            let polls = matches!(due, Due::Poll);
            let all = matches!(due, Due::Reports) && self.pending.waiting().everything;
            let begun = Instant::now();
            let pending = self.pending.clone();
            let looked = spawn_blocking(move || {
                let found = match due {
                    Due::Looks => snapshot.look(pending.take_looks()),
                    Due::Reports => snapshot.apply(pending.take()),
                    Due::Poll => snapshot.poll(),
                };
                (snapshot, found)
            });
            let found = match looked.await {
                Ok((back, found)) => {
                    snapshot = back;
                    found
                }
                Err(error) => {
                    tracing::error!(%error, "a watch failed");
                    return;
                }
            };
            let took = begun.elapsed();
            if polls {
                times.poll_at = Instant::now() + self.settings.poll.max(took * REST);
            }
            if all {
                times.all_again_at = Instant::now() + LONGEST_REST.min(took * REST_AFTER_ALL);
            }
            let (changes, gone) = match found {
                Ok(changes) => (changes, false),
                Err(Gone(changes)) => (changes, true),
            };
            let changes = fold(changes, self.settings.most_changes);
            if !changes.is_empty() && self.changes.send(changes).await.is_err() || gone {
                break;
            }
        }
        // Ending many watches takes a while.
        spawn_blocking(move || drop(snapshot));
    }

    /// Waits until there is something to do; `None` when nobody wants to hear of it any more.
    async fn wait(&self, times: &Times, polls: bool) -> Option<Due> {
        loop {
            let now = Instant::now();
            let waiting = self.pending.waiting();
            if waiting.looks {
                return Some(Due::Looks);
            }
            let mut until = polls.then_some(times.poll_at);
            if let Some(since) = waiting.since {
                let mut end = since + self.settings.window;
                if waiting.everything {
                    end = end.max(times.all_again_at);
                }
                if end <= now {
                    return Some(Due::Reports);
                }
                until = Some(until.map_or(end, |until| until.min(end)));
            }
            if polls && times.poll_at <= now {
                return Some(Due::Poll);
            }
            let time_up = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time_up => {}
                () = self.pending.wake.notified() => {}
                () = self.changes.closed() => return None,
            }
        }
    }
}
