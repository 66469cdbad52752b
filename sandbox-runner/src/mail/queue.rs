//! The queue on disk: a file for each message, moved when its fate is known.
//!
//! `queue/ID.json` waits, `failed/ID.json` was given up, `sent/ID` remembers a message with an
//! idempotency key after it was sent.

use super::{Letter, MailError};
use crate::disk::{UNFINISHED, make_private, sync_folder, write_whole};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a sent message's idempotency key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// How long a message that was given up is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A message as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    keyed: bool,
    /// Whether it is dropped where another would be sent.
    #[serde(default)]
    pub(super) discard: bool,
    /// When it was taken. Times are milliseconds since 1970.
    pub(super) taken: u64,
    /// When it is to be tried.
    pub(super) due: u64,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// Why the last try failed.
    pub(super) fault: Option<String>,
}

impl Message {
    pub(super) fn new(letter: Letter) -> Self {
        let now = now();
        let keyed = letter.idempotency_key.is_some();
        let id = match letter.idempotency_key {
            Some(key) => format!("key-{key}"),
            None => uuid::Uuid::now_v7().to_string(),
        };
        let Letter {
            to,
            subject,
            text,
            discard,
            ..
        } = letter;
        Self {
            id,
            to,
            subject,
            text,
            keyed,
            discard,
            taken: now,
            due: now,
            attempts: 0,
            fault: None,
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(rooms::now().0).unwrap_or_default()
}

/// What a queue held when it was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) waiting: Vec<super::Due>,
    pub(super) failed: u64,
}

/// The folders of the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    waiting: PathBuf,
    failed: PathBuf,
    sent: PathBuf,
}

impl Queue {
    pub(super) async fn open(folder: PathBuf) -> Result<(Self, Found), MailError> {
        let [waiting, failed, sent] = ["queue", "failed", "sent"].map(|name| folder.join(name));
        let queue = Self {
            waiting,
            failed,
            sent,
        };
        let found = queue.on_disk(Self::find).await;
        found
            .map(|found| (queue, found))
            .map_err(|source| MailError::Folder { folder, source })
    }

    /// Stores a new message, unless it has the key of an earlier one. Returns whether it did.
    pub(super) async fn store_new(&self, message: Message) -> io::Result<bool> {
        self.on_disk(move |queue| {
            let file = file_of(&message.id);
            let known = [
                queue.waiting.join(&file),
                queue.failed.join(&file),
                queue.sent.join(&message.id),
            ];
            if message.keyed && known.iter().any(|path| path.exists()) {
                return Ok(false);
            }
            write(&queue.waiting, &message)?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn load(&self, id: &str) -> io::Result<Message> {
        let file = file_of(id);
        self.on_disk(move |queue| read(&queue.waiting.join(file)))
            .await
    }

    /// Stores what changed about a message that goes on waiting.
    pub(super) async fn update(&self, message: Message) -> io::Result<()> {
        self.on_disk(move |queue| write(&queue.waiting, &message))
            .await
    }

    /// The message was sent, or dropped in its place.
    pub(super) async fn remove_sent(&self, message: Message) -> io::Result<()> {
        self.on_disk(move |queue| {
            if message.keyed {
                write_whole(&queue.sent, &message.id, b"")?;
            }
            fs::remove_file(queue.waiting.join(file_of(&message.id)))?;
            sync_folder(&queue.waiting)
        })
        .await
    }

    /// The message is given up.
    pub(super) async fn move_failed(&self, message: Message) -> io::Result<()> {
        self.on_disk(move |queue| {
            write(&queue.failed, &message)?;
            fs::remove_file(queue.waiting.join(file_of(&message.id)))?;
            sync_folder(&queue.waiting)
        })
        .await
    }

    /// Forgets what is old. Returns how many messages that were given up are left.
    pub(super) async fn prune(&self) -> io::Result<u64> {
        self.on_disk(|queue| {
            remove_older(&queue.sent, REMEMBERED)?;
            remove_older(&queue.failed, KEPT)
        })
        .await
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let queue = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&queue)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Makes the folders and looks through them.
    fn find(&self) -> io::Result<Found> {
        for folder in [&self.waiting, &self.failed, &self.sent] {
            make_private(folder)?;
        }
        let mut found = Found::default();
        for entry in fs::read_dir(&self.waiting)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.ends_with(UNFINISHED) {
                // Nobody was told that this one was taken.
                fs::remove_file(&path)?;
            } else if let Some(id) = name.strip_suffix(".json") {
                match read(&path) {
                    Ok(message) if message.id == id => {
                        found.waiting.push(super::Due {
                            at: message.due,
                            id: message.id,
                        });
                    }
                    _ => {
                        tracing::error!(file = %path.display(), "a message cannot be read");
                        fs::rename(&path, self.failed.join(name))?;
                    }
                }
            }
        }
        remove_older(&self.sent, REMEMBERED)?;
        found.failed = remove_older(&self.failed, KEPT)?;
        Ok(found)
    }
}

fn file_of(id: &str) -> String {
    format!("{id}.json")
}

fn write(folder: &Path, message: &Message) -> io::Result<()> {
    write_whole(folder, &file_of(&message.id), &serde_json::to_vec(message)?)
}

fn read(path: &Path) -> io::Result<Message> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Removes files last changed more than `age` ago. Returns how many files are left.
fn remove_older(folder: &Path, age: Duration) -> io::Result<u64> {
    let mut left = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let changed = entry.metadata()?.modified()?;
        if changed.elapsed().unwrap_or_default() > age {
            fs::remove_file(entry.path())?;
        } else {
            left += 1;
        }
    }
    Ok(left)
}
