//! Mail: a durable queue on disk, emptied over SMTP or into an outbox folder.
//!
//! Invariants: what was taken is on disk before that is said, and stays there until it was
//! sent or given up; a message may arrive twice after a crash (with the same `Message-ID`),
//! but never not at all. Neither texts nor the SMTP login appear in logs.

mod delivery;
mod letter;
mod queue;
mod retry;
mod transport;

pub use letter::{Fault, Letter};
pub use retry::Retry;
pub use transport::{Carrier, SmtpUrl};

use crate::drain::Drain;
use delivery::Due;
use queue::Queue;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::{Mutex, mpsc};
use transport::Transport;

/// The most messages that may wait.
const WAITING: u64 = 10_000;

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What carries it.
    pub carrier: Carrier,
    /// Whom it is from, `address` or `Name <address>`.
    pub from: String,
    /// When a message that was not accepted is tried again.
    pub retry: Retry,
}

impl Settings {
    /// Mail is only written into `folder`, a file for each message.
    #[must_use]
    pub fn to_outbox(folder: PathBuf) -> Self {
        Self {
            carrier: Carrier::Outbox(folder),
            from: "Atelier <no-reply@localhost>".to_owned(),
            retry: Retry::default(),
        }
    }
}

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender is no address.
    #[error("the sender of mail must be ADDRESS or \"NAME <ADDRESS>\"")]
    From,
    /// The address of the SMTP server cannot be understood. It may hold a password, so it is
    /// not repeated.
    #[error(
        "the SMTP server must be smtp://HOST[:PORT], smtps://USER:PASSWORD@HOST[:PORT] or \
         smtp://USER:PASSWORD@HOST[:PORT]?tls=required (a password percent-encoded)"
    )]
    SmtpUrl,
    /// The queue or the outbox is of no use.
    #[error("cannot use the mail folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnqueueError {
    #[error(transparent)]
    Invalid(#[from] Fault),
    #[error("too many messages are waiting")]
    Full,
    #[error("the message could not be stored")]
    Disk(#[from] io::Error),
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Waiting to be sent.
    pub(crate) queued: u64,
    /// Given up, and kept for the operator to see.
    pub(crate) failed: u64,
    /// Sent since the start.
    pub(crate) sent: u64,
}

#[derive(Debug, Default)]
struct Counters {
    queued: AtomicU64,
    failed: AtomicU64,
    sent: AtomicU64,
}

/// Takes messages. Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    queue: Queue,
    counters: Arc<Counters>,
    news: mpsc::UnboundedSender<Due>,
    transport: &'static str,
    /// Held while a message with a key of its own is looked for and stored.
    keyed: Arc<Mutex<()>>,
}

impl Mail {
    /// Opens the queue in `state`, takes up what waits there, and starts to deliver.
    pub(crate) async fn start(
        settings: &Settings,
        state: &Path,
        drain: &Drain,
    ) -> Result<Self, MailError> {
        let transport = Transport::new(settings).await?;
        let (queue, found) = Queue::open(state.join("mail")).await?;
        let counters = Arc::new(Counters::default());
        counters.queued.store(found.waiting.len() as u64, Relaxed);
        counters.failed.store(found.failed, Relaxed);
        let (news, incoming) = mpsc::unbounded_channel();
        let mail = Self {
            queue: queue.clone(),
            counters: counters.clone(),
            news,
            transport: transport.name(),
            keyed: Arc::default(),
        };
        let delivery = delivery::Delivery {
            queue,
            transport,
            retry: settings.retry.clone(),
            counters,
        };
        drain.spawn(delivery::deliver(
            Arc::new(delivery),
            found.waiting,
            incoming,
            drain.stopping(),
        ));
        Ok(mail)
    }

    /// Stores a message and returns its id. A message with the idempotency key of an earlier
    /// one is that one.
    pub(crate) async fn enqueue(&self, letter: Letter) -> Result<String, EnqueueError> {
        letter.check()?;
        if self.counters.queued.load(Relaxed) >= WAITING {
            return Err(EnqueueError::Full);
        }
        let _turn = match letter.idempotency_key {
            Some(_) => Some(self.keyed.lock().await),
            None => None,
        };
        let message = queue::Message::new(letter);
        let (id, due) = (message.id.clone(), message.due);
        if !self.queue.store_new(message).await? {
            return Ok(id);
        }
        self.counters.queued.fetch_add(1, Relaxed);
        // Nobody listens any more once the runner stops; the next start finds the message.
        let _ = self.news.send(Due {
            at: due,
            id: id.clone(),
        });
        Ok(id)
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            queued: self.counters.queued.load(Relaxed),
            failed: self.counters.failed.load(Relaxed),
            sent: self.counters.sent.load(Relaxed),
        }
    }

    /// `smtp` or `outbox`.
    pub(crate) fn transport(&self) -> &'static str {
        self.transport
    }
}
