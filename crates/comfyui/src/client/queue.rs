//! What runs and what waits.

use super::Client;
use crate::{Error, lenient, limits};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

/// The levels of the answer that count: itself, its lists, and their items without the prompts,
/// which are of everybody and may be large.
const LEVELS: usize = 3;

/// What runs and what waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// What runs; at most one on the servers of today.
    pub running: Vec<QueueItem>,
    /// What waits, the next first.
    pub pending: Vec<QueueItem>,
}

/// A prompt in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueItem {
    /// Its number: lower ones run first.
    pub number: f64,
    /// Its id.
    pub prompt_id: String,
}

/// Where a prompt is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuePlace {
    /// It runs.
    Running,
    /// So many are done before it, itself included.
    Waiting(usize),
}

impl Queue {
    /// Where a prompt is; `None` when it is not in the queue.
    #[must_use]
    pub fn place(&self, prompt_id: &str) -> Option<QueuePlace> {
        let is_it = |item: &QueueItem| item.prompt_id == prompt_id;
        if self.running.iter().any(is_it) {
            return Some(QueuePlace::Running);
        }
        let before = self.pending.iter().position(is_it)?;
        Some(QueuePlace::Waiting(before + 1))
    }

    fn parse(json: &[u8]) -> Result<Self, Error> {
        let lists: Lists = lenient::answer(json)?;
        Ok(Self {
            running: lists.queue_running.0,
            pending: lists.queue_pending.0,
        })
    }
}

#[derive(serde::Deserialize)]
struct Lists {
    queue_running: Items,
    queue_pending: Items,
}

/// Items of the queue in their order, read one by one. What is none is left out.
struct Items(Vec<QueueItem>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of prompts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Value>()? {
            if items.len() < limits::NODES {
                items.extend(QueueItem::read(&item));
            }
        }
        // The server sends a heap, which is not in order.
        items.sort_by(|left, right| left.number.total_cmp(&right.number));
        Ok(Items(items))
    }
}

impl QueueItem {
    /// Reads `[number, prompt_id, prompt, extra_data, outputs]`.
    fn read(item: &Value) -> Option<Self> {
        Some(Self {
            number: item.get(0)?.as_f64()?,
            prompt_id: item.get(1)?.as_str()?.to_owned(),
        })
    }
}

impl Client {
    /// What runs and what waits, of everybody.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn queue(&self) -> Result<Queue, Error> {
        let json = self.get_shallow("queue", LEVELS, limits::QUEUE).await?;
        Queue::parse(&json)
    }

    /// Takes prompts out of the queue. Those that run, or are not there, stay as they are.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn delete_queued(&self, prompt_ids: &[&str]) -> Result<(), Error> {
        self.post("queue", &json!({"delete": prompt_ids})).await?;
        Ok(())
    }

    /// Takes all prompts out of the queue, also those of others.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn clear_queue(&self) -> Result<(), Error> {
        self.post("queue", &json!({"clear": true})).await?;
        Ok(())
    }

    /// Interrupts a prompt if it runs. (Old servers interrupt whatever runs.)
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn interrupt(&self, prompt_id: &str) -> Result<(), Error> {
        self.post("interrupt", &json!({"prompt_id": prompt_id}))
            .await?;
        Ok(())
    }

    /// Ends a prompt wherever it is: takes it out of the queue, and interrupts it if it began
    /// meanwhile. Only if the queue says that it runs, for the sake of old servers.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn cancel(&self, prompt_id: &str) -> Result<(), Error> {
        self.delete_queued(&[prompt_id]).await?;
        match self.queue().await?.place(prompt_id) {
            Some(QueuePlace::Running) => self.interrupt(prompt_id).await,
            _ => Ok(()),
        }
    }
}
