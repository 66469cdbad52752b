//! JSON Patch (RFC 6902) on workflows.
//!
//! Invariant: a patch applies whole or not at all, and what it makes is within the limits of a
//! workflow: a few copies of the whole into itself would otherwise fill the memory.

use crate::limits;
use domain::weight;
use json_patch::{Patch, PatchOperation};
use serde::Deserialize;
use serde_json::Value;

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Not a JSON Patch.
    #[error("this is no JSON Patch: {0}")]
    Malformed(String),
    /// Over [`limits::PATCH_OPERATIONS`].
    #[error("the patch has {0} operations; at most {most} are allowed", most = limits::PATCH_OPERATIONS)]
    TooMany(usize),
    /// Its own values are over [`limits::WORKFLOW_WEIGHT`] or [`limits::WORKFLOW_DEPTH`].
    #[error("the patch itself is larger than a workflow may be")]
    TooHeavy,
    /// An operation does not fit the workflow; nothing was changed.
    #[error("operation {number} ({operation}): {reason}")]
    DoesNotApply {
        /// Which operation, counted from 1.
        number: usize,
        /// Its name and path, such as `replace /3/inputs/steps`.
        operation: String,
        /// Why.
        reason: String,
    },
    /// What it makes is over [`limits::WORKFLOW`], [`limits::WORKFLOW_WEIGHT`] or
    /// [`limits::WORKFLOW_DEPTH`].
    #[error("operation {0} makes the workflow larger than is allowed")]
    TooLarge(usize),
}

/// The workflow with `patch`, a list of `add`, `remove`, `replace`, `move`, `copy` and `test`
/// operations, applied to it.
///
/// # Errors
/// [`PatchError`], which says which operation is at fault.
pub fn apply(workflow: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = patch.as_array().map_or(0, Vec::len);
    if operations > limits::PATCH_OPERATIONS {
        return Err(PatchError::TooMany(operations));
    }
    // The operations are in two levels of their own, and are copied before one is applied.
    if is_too_large(patch, limits::WORKFLOW_DEPTH + 2) {
        return Err(PatchError::TooHeavy);
    }
    let Patch(operations) = Patch::deserialize(patch)
        .map_err(|error| PatchError::Malformed(crate::error::shorten(&error.to_string())))?;
    let mut patched = workflow.clone();
    for (number, operation) in (1..).zip(operations) {
        let name = name(&operation);
        let one = [operation];
        json_patch::patch_unsafe(&mut patched, &one).map_err(|error| PatchError::DoesNotApply {
            number,
            operation: name,
            reason: crate::error::shorten(&error.kind.to_string()),
        })?;
        // One operation at most doubles it, so that it cannot grow far before this is seen.
        if is_too_large(&patched, limits::WORKFLOW_DEPTH) {
            return Err(PatchError::TooLarge(number));
        }
    }
    Ok(patched)
}

fn name(operation: &PatchOperation) -> String {
    let kind = match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    };
    crate::error::shorten(&format!("{kind} {}", operation.path()))
}

/// Whether a value is over the limits, with so many levels allowed. A text counts with its bytes,
/// anything else with a few, so that what is within them may be too long once it is written: that
/// is seen where it is.
fn is_too_large(value: &Value, levels: usize) -> bool {
    let (mut size, mut weight) = (0_usize, 0_usize);
    let mut open = vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        weight += weight::own(value);
        size += match value {
            Value::String(text) => text.len() + 2,
            Value::Object(members) => members.keys().map(|name| name.len() + 3).sum::<usize>() + 2,
            _ => 2,
        };
        // Before what it holds is looked at, which may be much.
        if size > limits::WORKFLOW || weight > limits::WORKFLOW_WEIGHT || level > levels {
            return true;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(members) => open.extend(members.values().map(|it| (it, level + 1))),
            _ => {}
        }
    }
    false
}
