//! `edit_workflow`

use super::{Arguments, refused, shown::cut, slow_spec as tool, text};
use crate::desk::{Content, Desk, Opened};
use agent::{Caller, Output, Spec, ToolError};
use comfyui::{Workflow, edit, limits};
use domain::WorkflowFormat;
use serde_json::{Value, json};
use std::time::Duration;
use store::workflows::{self, Author, Change, Changed, Writer};

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Differences that are told.
const DIFFERENCES: usize = 40;

pub(super) fn spec() -> Spec {
    tool(
        "edit_workflow",
        "Changes the workflow by a JSON Patch (RFC 6902), all of it or nothing, and keeps the \
         result as a new version. get_workflow shows the paths. What it does to the workflow is \
         told; validate_workflow says whether it runs.",
        TIMEOUT,
        json!({
            "type": "object",
            "properties": {
                "patch": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": limits::PATCH_OPERATIONS,
                    "description": "The operations, in order",
                    "items": {
                        "type": "object",
                        "properties": {
                            "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
                            "path": {"type": "string", "maxLength": 1000, "description": "A JSON pointer, such as /5/inputs/width"},
                            "from": {"type": "string", "maxLength": 1000, "description": "Where move and copy take it from"},
                            "value": {"description": "What add, replace and test need"}
                        },
                        "required": ["op", "path"]
                    }
                },
                "note": {"type": "string", "minLength": 1, "maxLength": 500, "description": "What changes and why, in a sentence, for the version history"}
            },
            "required": ["patch", "note"],
            "additionalProperties": false
        }),
    )
}

pub(super) async fn edit(
    desk: &Desk,
    arguments: Arguments,
    caller: &Caller,
) -> Result<Output, ToolError> {
    let opened = desk.workflow().await?;
    let Content {
        stored,
        workflow: before,
        place: _place,
    } = desk.content(&opened).await?;
    let patch = arguments.get("patch").unwrap_or(&Value::Null);
    // Each form of a workflow may take much: none is kept longer than it is needed.
    let Some(data) = patched(stored, patch)? else {
        return Ok(Output::new(
            "The patch changes nothing. No version was made.",
        ));
    };
    // Before anybody is kept out: what is no workflow is not stored. The very text that is stored
    // is read, so that nothing passes here that people could not send.
    let workflow = Workflow::parse(data.as_bytes()).map_err(|error| unchanged(&error))?;
    desk.lock.take(opened.id, opened.scope).await?;
    let note = text(&arguments, "note");
    let number = store(desk, &opened, &data, &workflow, note, caller).await?;
    Ok(Output {
        text: told(&opened, &before, &workflow, number),
        detail: Some(json!({"workflowId": opened.id.0, "version": number})),
    })
}

/// What is stored once it is patched, as a text; `None` when nothing changes.
fn patched(stored: Value, patch: &Value) -> Result<Option<String>, ToolError> {
    let patched = edit::apply(&stored, patch).map_err(|error| unchanged(&error))?;
    if patched == stored {
        return Ok(None);
    }
    drop(stored);
    let text = edit::to_text(&patched).map_err(|error| unchanged(&error))?;
    Ok(Some(text))
}

/// Stores the patched workflow; the version's number.
async fn store(
    desk: &Desk,
    opened: &Opened,
    data: &str,
    workflow: &Workflow,
    note: &str,
    caller: &Caller,
) -> Result<i64, ToolError> {
    let content = workflows::Content {
        data,
        format: match workflow {
            Workflow::Api(_) => WorkflowFormat::Api,
            Workflow::Editor(_) => WorkflowFormat::Editor,
        },
        node_count: i64::try_from(workflow.node_count()).unwrap_or(i64::MAX),
    };
    let writer = Writer {
        author: Author::Agent {
            name: caller.agent(),
            run: desk.run.uuid,
        },
        note,
        base: Some(opened.version.number),
        now: desk.platform.clock.now(),
    };
    let change = Change {
        content: Some(content),
        ..Change::default()
    };
    let changed = workflows::update(
        &*desk.platform.sql,
        opened.scope,
        opened.id,
        &change,
        &writer,
    );
    let why = match changed.await.map_err(|error| refused(&error))? {
        Changed::Done(number) => return Ok(number),
        Changed::Locked(reason) => format!("somebody else works on it: {reason}"),
        Changed::Overtaken(number) => {
            format!("it was changed meanwhile, to version {number}. Read it again")
        }
        Changed::Full => "its owner has no room for more versions".to_owned(),
        Changed::NoService | Changed::NoVersion | Changed::Gone => "it was deleted".to_owned(),
    };
    Err(unchanged(&why))
}

fn unchanged(why: &dyn std::fmt::Display) -> ToolError {
    ToolError(format!("The workflow was not changed: {why}"))
}

fn told(opened: &Opened, before: &Workflow, workflow: &Workflow, number: i64) -> String {
    let (differences, total) = edit::differences(before, workflow, DIFFERENCES);
    let before = opened.version.number;
    let mut lines = vec![format!(
        "This is version {number} now; version {before} is kept as it was."
    )];
    lines.extend(differences.iter().map(|one| cut(&one.to_string(), 400)));
    if total > differences.len() {
        lines.push(format!("… and {} more", total - differences.len()));
    }
    lines.join("\n")
}
