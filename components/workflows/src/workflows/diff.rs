//! What differs between two versions of a workflow.

use super::{
    checked::read,
    scope,
    versions::{find, look, place_for_both},
};
use axum::extract::State;
use comfyui::edit::{FoundNode, NodeChange, ValueChange, node_changes};
use contracts::studio::workflows::{ChangedInput, ChangedNode, NodeOfVersion, VersionDiff};
use ports::Platform;
use web::{Envelope, Id, Outcome, Parameters, SignedIn, filter, whole_number};

/// How many nodes of each kind are shown.
const NODES: usize = 500;

/// How many inputs of each are shown.
const INPUTS: usize = 100;

pub(crate) async fn diff(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
    query: Parameters,
) -> Outcome<Envelope<VersionDiff>> {
    let from = filter(&query, "from", whole_number)?;
    let to = filter(&query, "to", whole_number)?;
    let scope = scope(&signed_in);
    let (new, _) = look(&platform, scope, id, to).await?;
    let to = new.number;
    // Before the first there is nothing.
    let from = from.unwrap_or_else(|| (to - 1).max(1));
    let (old, _) = look(&platform, scope, id, Some(from)).await?;
    let _place = place_for_both(&old, &new)?;
    let new = read(&find(&platform, scope, id, Some(to)).await?.data)?;
    let old = read(&find(&platform, scope, id, Some(from)).await?.data)?;
    let Some(changes) = node_changes(&old, &new) else {
        return Ok(Envelope(VersionDiff {
            from,
            to,
            format_changed: true,
            ..VersionDiff::default()
        }));
    };
    Ok(Envelope(shown(from, to, changes)))
}

fn shown(from: i64, to: i64, changes: Vec<NodeChange>) -> VersionDiff {
    let mut diff = VersionDiff {
        from,
        to,
        ..VersionDiff::default()
    };
    for change in changes {
        let room = match change {
            NodeChange::Added(node) => add(&mut diff.added, node_of(node)),
            NodeChange::Removed(node) => add(&mut diff.removed, node_of(node)),
            NodeChange::Replaced { old, new } => {
                add(&mut diff.changed, changed(new, Some(old.class), Vec::new()))
            }
            NodeChange::Changed { node, values } => {
                diff.truncated |= values.len() > INPUTS;
                add(&mut diff.changed, changed(node, None, values))
            }
        };
        diff.truncated |= !room;
    }
    diff
}

/// Adds to a list that has room.
fn add<T>(list: &mut Vec<T>, item: T) -> bool {
    let room = list.len() < NODES;
    if room {
        list.push(item);
    }
    room
}

fn node_of(node: FoundNode) -> NodeOfVersion {
    NodeOfVersion {
        id: node.id,
        class_type: node.class,
        title: node.title,
    }
}

fn changed(
    node: FoundNode,
    old_class_type: Option<String>,
    values: Vec<ValueChange>,
) -> ChangedNode {
    let input = |value: ValueChange| ChangedInput {
        name: value.what,
        old: value.old,
        new: value.new,
    };
    ChangedNode {
        id: node.id,
        class_type: node.class,
        title: node.title,
        old_class_type,
        inputs: values.into_iter().take(INPUTS).map(input).collect(),
    }
}
