//! Sandboxes that wait for their sessions, so that launching is instant.

use super::{Inner, entry::Entry};
use std::{sync::Arc, time::Duration};

/// How long to wait before one that was taken is made up for: whoever took it goes first.
const AFTER: Duration = Duration::from_millis(100);

/// How long to wait after one could not be made; doubled each time.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest of these.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Inner {
    /// Keeps the pool filled until the registry is closed.
    pub(super) async fn keep_pool(self: Arc<Self>) {
        let mut pause = PAUSE;
        while !self.closing.is_cancelled() {
            let wait = match self.is_pool_full() {
                true => None,
                false if self.make_one().await => {
                    pause = PAUSE;
                    continue;
                }
                false => {
                    pause = LONGEST_PAUSE.min(pause * 2);
                    Some(pause)
                }
            };
            let woken = async {
                match wait {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => {
                        self.taken.notified().await;
                        tokio::time::sleep(AFTER).await;
                    }
                }
            };
            tokio::select! {
                () = woken => {}
                () = self.closing.cancelled() => {}
            }
        }
    }

    fn is_pool_full(&self) -> bool {
        self.table().pool.len() >= self.settings.pool
    }

    /// Makes one more. Says whether it did.
    async fn make_one(self: &Arc<Self>) -> bool {
        let entry: Arc<Entry> = self.new_entry();
        self.table().making.push(entry.clone());
        let _life = entry.life.lock().await;
        match self.start(&entry).await {
            Ok(_) => {
                let mut table = self.table();
                table.making.retain(|other| !Arc::ptr_eq(other, &entry));
                table.pool.push(entry.clone());
                true
            }
            Err(error) => {
                self.give_up(&entry, Some(error)).await;
                false
            }
        }
    }
}
