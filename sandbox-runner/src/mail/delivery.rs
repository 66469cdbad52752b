//! Emptying the queue: what is due is tried, what was refused waits or is given up.

use super::{
    Counters, Retry,
    queue::{self, Message, Queue},
    transport::{SendError, Transport},
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    error::Error as StdError,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// How many messages are under way at a time.
const AT_ONCE: usize = 4;

/// How often old files are looked for.
const PRUNE: Duration = Duration::from_secs(3600);

/// A message that waits, by the time at which it is to be tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    pub(super) id: String,
}

/// What a delivery needs.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) queue: Queue,
    pub(super) transport: Transport,
    pub(super) retry: Retry,
    pub(super) counters: Arc<Counters>,
}

/// Delivers what `waits` and what comes in, until `stopping`; what is under way then is ended.
pub(super) async fn deliver(
    delivery: Arc<Delivery>,
    waits: Vec<Due>,
    mut incoming: mpsc::UnboundedReceiver<Due>,
    stopping: CancellationToken,
) {
    let mut waiting: BinaryHeap<Reverse<Due>> = waits.into_iter().map(Reverse).collect();
    let mut under_way: JoinSet<Option<Due>> = JoinSet::new();
    let mut prune = tokio::time::interval(PRUNE);
    loop {
        let wait = waiting.peek().map(|Reverse(due)| until(due.at));
        let free = wait.is_some() && under_way.len() < AT_ONCE;
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(due) = incoming.recv() => waiting.push(Reverse(due)),
            Some(ended) = under_way.join_next() => {
                waiting.extend(ended.ok().flatten().map(Reverse));
            }
            () = tokio::time::sleep(wait.unwrap_or_default()), if free => {
                if let Some(Reverse(due)) = waiting.pop() {
                    let delivery = delivery.clone();
                    under_way.spawn(async move { delivery.attempt(due.id).await });
                }
            }
            _ = prune.tick() => delivery.prune().await,
        }
    }
    while under_way.join_next().await.is_some() {}
}

fn until(at: u64) -> Duration {
    Duration::from_millis(at.saturating_sub(queue::now()))
}

impl Delivery {
    /// Tries one message. Returns when it is due again, if it is.
    async fn attempt(&self, id: String) -> Option<Due> {
        let mut message = match self.queue.load(&id).await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(
                    id,
                    error = &error as &dyn StdError,
                    "a message cannot be read"
                );
                self.counters.queued.fetch_sub(1, Relaxed);
                return None;
            }
        };
        if message.discard {
            self.done(message).await;
            return None;
        }
        message.attempts += 1;
        match self.transport.send(&message).await {
            Ok(()) => {
                self.sent(message).await;
                None
            }
            Err(SendError::Final(reason)) => {
                self.give_up(message, reason).await;
                None
            }
            Err(SendError::ForNow(reason)) => self.put_off(message, reason).await,
        }
    }

    async fn sent(&self, message: Message) {
        tracing::info!(id = message.id, attempts = message.attempts, "mail sent");
        self.counters.sent.fetch_add(1, Relaxed);
        self.done(message).await;
    }

    /// Takes a message from the queue. One that is dropped counts as neither sent nor failed.
    async fn done(&self, message: Message) {
        self.counters.queued.fetch_sub(1, Relaxed);
        let id = message.id.clone();
        if let Err(error) = self.queue.remove_sent(message).await {
            let error = &error as &dyn StdError;
            tracing::error!(
                id,
                error,
                "a message that is done stays in the queue and will be taken up again"
            );
        }
    }

    async fn give_up(&self, mut message: Message, reason: String) {
        tracing::error!(
            id = message.id,
            attempts = message.attempts,
            reason,
            "mail given up"
        );
        self.counters.failed.fetch_add(1, Relaxed);
        self.counters.queued.fetch_sub(1, Relaxed);
        message.fault = Some(reason);
        let id = message.id.clone();
        if let Err(error) = self.queue.move_failed(message).await {
            tracing::error!(
                id,
                error = &error as &dyn StdError,
                "cannot move a failed message"
            );
        }
    }

    async fn put_off(&self, mut message: Message, reason: String) -> Option<Due> {
        let now = queue::now();
        let age = Duration::from_millis(now.saturating_sub(message.taken));
        let Some(wait) = self.retry.after(message.attempts, age) else {
            self.give_up(message, reason).await;
            return None;
        };
        let (id, attempts) = (message.id.clone(), message.attempts);
        tracing::warn!(
            id,
            attempts,
            reason,
            wait_seconds = wait.as_secs(),
            "mail put off"
        );
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        message.due = now.saturating_add(wait);
        message.fault = Some(reason);
        let due = Due {
            at: message.due,
            id: message.id.clone(),
        };
        if let Err(error) = self.queue.update(message).await {
            // Only the count of tries is lost: the message itself is on disk as it was.
            tracing::error!(
                id,
                error = &error as &dyn StdError,
                "cannot note a failed try"
            );
        }
        Some(due)
    }

    async fn prune(&self) {
        match self.queue.prune().await {
            Ok(failed) => self.counters.failed.store(failed, Relaxed),
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "cannot look for old mail");
            }
        }
    }
}
