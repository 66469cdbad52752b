//! What differs between two versions of a workflow, in words for people.

use super::find::{Facts, facts};
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

/// The differences from `old` to `new`, by node id, at most `limit`, and how many there are in
/// all. Where nodes stand on the canvas does not count.
#[must_use]
pub fn differences(old: &Workflow, new: &Workflow, limit: usize) -> (Vec<Difference>, usize) {
    if matches!(old, Workflow::Api(_)) != matches!(new, Workflow::Api(_)) {
        return (vec![Difference::Format], 1);
    }
    let (old, new) = (facts(old), facts(new));
    let ids: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut all = Vec::new();
    let mut total = 0;
    for id in ids {
        let found = match (old.get(id), new.get(id)) {
            (None, Some(new)) => vec![Difference::Added { node: new.name() }],
            (Some(old), None) => vec![Difference::Removed { node: old.name() }],
            (Some(old), Some(new)) if old.class != new.class => vec![Difference::Replaced {
                old: old.name(),
                new: new.name(),
            }],
            (Some(old), Some(new)) => changes(old, new),
            (None, None) => Vec::new(),
        };
        total += found.len();
        let room = limit.saturating_sub(all.len());
        all.extend(found.into_iter().take(room));
    }
    (all, total)
}

fn changes(old: &Facts, new: &Facts) -> Vec<Difference> {
    let names: BTreeSet<_> = old.values.keys().chain(new.values.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (old.values.get(name), new.values.get(name));
        if before != after {
            changes.push(Difference::Changed {
                node: new.name(),
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
