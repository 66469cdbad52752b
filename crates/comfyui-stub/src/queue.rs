//! Prompts that wait, run, or have ended.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) number: f64,
    pub(crate) prompt_id: String,
    pub(crate) prompt: Map<String, Value>,
    pub(crate) extra_data: Value,
    pub(crate) outputs: Vec<String>,
}

impl Item {
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.extra_data.get("client_id")?.as_str()
    }

    pub(crate) fn to_json(&self) -> Value {
        json!([
            self.number,
            self.prompt_id,
            self.prompt,
            self.extra_data,
            self.outputs
        ])
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    next_number: u32,
    pending: Vec<Item>,
    running: Option<Item>,
    /// Whether the running prompt is to end.
    pub(crate) is_interrupted: bool,
    history: BTreeMap<String, Value>,
}

impl Queue {
    pub(crate) fn number(&mut self, front: bool) -> f64 {
        let number = f64::from(self.next_number);
        self.next_number += 1;
        if front { -number } else { number }
    }

    pub(crate) fn put(&mut self, item: Item) {
        // Not sorted, as the heap of a real server is not.
        self.pending.insert(self.pending.len() / 2, item);
    }

    /// Lets the prompt with the lowest number run.
    pub(crate) fn start(&mut self) -> Option<Item> {
        let lowest = self.pending.iter().enumerate();
        let lowest = lowest.min_by(|(_, a), (_, b)| a.number.total_cmp(&b.number));
        let (at, _) = lowest?;
        let item = self.pending.remove(at);
        self.is_interrupted = false;
        self.running = Some(item.clone());
        Some(item)
    }

    pub(crate) fn end(&mut self, item: &Item, entry: Value) {
        self.running = None;
        self.history.insert(item.prompt_id.clone(), entry);
    }

    pub(crate) fn remaining(&self) -> usize {
        self.pending.len() + usize::from(self.running.is_some())
    }

    pub(crate) fn to_json(&self) -> Value {
        let pending: Vec<Value> = self.pending.iter().map(Item::to_json).collect();
        let running: Vec<Value> = self.running.iter().map(Item::to_json).collect();
        json!({"queue_running": running, "queue_pending": pending})
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    pub(crate) fn delete(&mut self, prompt_id: &str) {
        self.pending.retain(|item| item.prompt_id != prompt_id);
    }

    /// Interrupts the running prompt; only if it is this one, where one is named.
    pub(crate) fn interrupt(&mut self, prompt_id: Option<&str>) {
        let running = self.running.as_ref().map(|item| item.prompt_id.as_str());
        if running.is_some() && prompt_id.is_none_or(|id| running == Some(id)) {
            self.is_interrupted = true;
        }
    }

    pub(crate) fn history(&self, prompt_id: Option<&str>) -> Value {
        match prompt_id {
            None => json!(self.history),
            Some(id) => match self.history.get(id) {
                Some(entry) => json!({id: entry}),
                None => json!({}),
            },
        }
    }

    pub(crate) fn forget_history(&mut self) {
        self.history.clear();
    }
}
