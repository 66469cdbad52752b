//! What differs between two versions of a workflow, in words for people.

use super::find::{Facts, FoundNode, facts};
use crate::{error::shorten, workflow::Workflow};
use serde_json::Value;
use std::{collections::BTreeSet, fmt};

/// Characters of a value that a difference shows.
const SHOWN: usize = 80;

/// One difference between two versions.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// A node that only the new version has.
    Added {
        /// The node, such as `5 (KSampler)`.
        node: String,
    },
    /// A node that only the old version has.
    Removed {
        /// The node.
        node: String,
    },
    /// A node with the same id and another class.
    Replaced {
        /// The old node.
        old: String,
        /// The new one.
        new: String,
    },
    /// A value, a link, a title or a mode of a node.
    Changed {
        /// The node.
        node: String,
        /// What of it, such as `steps`.
        what: String,
        /// What it was; `None` when it was not there.
        old: Option<String>,
        /// What it is; `None` when it is not there any more.
        new: Option<String>,
    },
    /// The format, from API to editor or back: nothing else can be compared.
    Format,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { node } => write!(f, "added node {node}"),
            Self::Removed { node } => write!(f, "removed node {node}"),
            Self::Replaced { old, new } => write!(f, "replaced node {old} by {new}"),
            Self::Changed {
                node,
                what,
                old,
                new,
            } => match (old, new) {
                (Some(old), Some(new)) => write!(f, "node {node}: {what} from {old} to {new}"),
                (None, Some(new)) => write!(f, "node {node}: {what} set to {new}"),
                (old, None) => {
                    let old = old.as_deref().unwrap_or_default();
                    write!(f, "node {node}: {what} removed (was {old})")
                }
            },
            Self::Format => f.write_str("changed between editor format and API format"),
        }
    }
}

/// A node that is not the same in two versions of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// Only the new version has it.
    Added(FoundNode),
    /// Only the old version has it.
    Removed(FoundNode),
    /// Another class has its id.
    Replaced {
        /// What it was.
        old: FoundNode,
        /// What it is.
        new: FoundNode,
    },
    /// Something of it is not what it was.
    Changed {
        /// The node as it is.
        node: FoundNode,
        /// What of it.
        values: Vec<ValueChange>,
    },
}

/// A value, a link, the title or the mode of a node that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// What, such as `steps`.
    pub what: String,
    /// What it was as JSON, shortened; `None` when it was not there.
    pub old: Option<String>,
    /// What it is; `None` when it is not there any more.
    pub new: Option<String>,
}

/// The nodes that are not the same in `old` and `new`, by id; `None` when they are of different
/// formats. Where nodes stand on the canvas does not count.
#[must_use]
pub fn node_changes(old: &Workflow, new: &Workflow) -> Option<Vec<NodeChange>> {
    if matches!(old, Workflow::Api(_)) != matches!(new, Workflow::Api(_)) {
        return None;
    }
    let (old, new) = (facts(old), facts(new));
    let ids: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |id| match (old.get(id), new.get(id)) {
        (None, Some(new)) => Some(NodeChange::Added(new.node())),
        (Some(old), None) => Some(NodeChange::Removed(old.node())),
        (Some(old), Some(new)) if old.class != new.class => Some(NodeChange::Replaced {
            old: old.node(),
            new: new.node(),
        }),
        (Some(old), Some(new)) => {
            let values = value_changes(old, new);
            let node = new.node();
            (!values.is_empty()).then_some(NodeChange::Changed { node, values })
        }
        (None, None) => None,
    };
    Some(ids.into_iter().filter_map(change).collect())
}

/// The differences from `old` to `new`, by node id, at most `limit`, and how many there are in
/// all. Where nodes stand on the canvas does not count.
#[must_use]
pub fn differences(old: &Workflow, new: &Workflow, limit: usize) -> (Vec<Difference>, usize) {
    let Some(changes) = node_changes(old, new) else {
        return (vec![Difference::Format], 1);
    };
    let mut all = Vec::new();
    let mut total = 0;
    for change in changes {
        let found = in_words(change);
        total += found.len();
        let room = limit.saturating_sub(all.len());
        all.extend(found.into_iter().take(room));
    }
    (all, total)
}

fn in_words(change: NodeChange) -> Vec<Difference> {
    match change {
        NodeChange::Added(node) => vec![Difference::Added { node: node.name() }],
        NodeChange::Removed(node) => vec![Difference::Removed { node: node.name() }],
        NodeChange::Replaced { old, new } => vec![Difference::Replaced {
            old: old.name(),
            new: new.name(),
        }],
        NodeChange::Changed { node, values } => {
            let name = node.name();
            let changed = |change: ValueChange| Difference::Changed {
                node: name.clone(),
                what: change.what,
                old: change.old,
                new: change.new,
            };
            values.into_iter().map(changed).collect()
        }
    }
}

fn value_changes(old: &Facts, new: &Facts) -> Vec<ValueChange> {
    let names: BTreeSet<_> = old.values.keys().chain(new.values.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (old.values.get(name), new.values.get(name));
        if before != after {
            changes.push(ValueChange {
                what: shorten(name),
                old: before.map(shown),
                new: after.map(shown),
            });
        }
    }
    changes
}

fn shown(value: &Value) -> String {
    let text = shorten(&value.to_string());
    if text.chars().count() <= SHOWN {
        return text;
    }
    let short: String = text.chars().take(SHOWN).collect();
    format!("{short}…")
}
