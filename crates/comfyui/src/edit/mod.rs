//! Looking at workflows and changing them, for agents: patches, differences in words, look-ups.
//!
//! Invariant: values in, values out; nothing here knows a server or a store.

mod diff;
mod find;
mod patch;
mod write;

pub use diff::{Difference, NodeChange, ValueChange, differences, node_changes};
pub use find::{FoundNode, find_nodes};
pub use patch::{PatchError, apply};
pub use write::to_text;

use serde_json::Value;

/// The levels of a JSON value: 1 for a number. Without recursion, since it is asked in order to
/// know whether recursion is safe.
#[must_use]
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        deepest = deepest.max(level);
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(members) => open.extend(members.values().map(|it| (it, level + 1))),
            _ => {}
        }
    }
    deepest
}
