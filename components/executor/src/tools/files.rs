//! `read_file`, `write_file`, `append_file`

use super::{Arguments, Workspace, refused, spec, text};
use agent::{Caller, Output, Spec, ToolError};
use domain::{ChangeKind, ErrorKind, FileChange};
use serde_json::{Value, json};

/// How much of a file is read, in bytes: with a note as much as is kept of an output. Several are
/// read at once, and an instance's memory is bounded.
const READ: usize = (1 << 20) - (1 << 10);

/// The longest text that is written at once, in characters.
const CONTENT: u64 = 1_000_000;

fn parameters(required: &[&str]) -> Value {
    let mut properties = json!({
        "path": {"type": "string", "minLength": 1, "maxLength": 1024, "description": "The file's path, relative to the workspace"}
    });
    if required.contains(&"content") {
        let content = json!({"type": "string", "maxLength": CONTENT, "description": "The text"});
        properties
            .as_object_mut()
            .into_iter()
            .for_each(|all| drop(all.insert("content".to_owned(), content.clone())));
    }
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false
    })
}

pub(super) fn read_spec() -> Spec {
    spec(
        "read_file",
        "Reads a text file of the workspace.",
        true,
        parameters(&["path"]),
    )
}

pub(super) fn write_spec() -> Spec {
    spec(
        "write_file",
        "Writes a text file of the workspace. A file that is there is replaced as a whole; \
         folders are made as needed.",
        false,
        parameters(&["path", "content"]),
    )
}

pub(super) fn append_spec() -> Spec {
    spec(
        "append_file",
        "Adds text to the end of a file of the workspace, which is made if it is not there.",
        false,
        parameters(&["path", "content"]),
    )
}

pub(super) async fn read(workspace: &Workspace, arguments: Arguments) -> Result<Output, ToolError> {
    let path = text(&arguments, "path");
    let (client, session) = (&workspace.client, workspace.session);
    let file = client.read_beginning(session, path, READ).await;
    let file = file.map_err(|error| refused(&error))?;
    let (size, is_cut) = (file.size, file.is_cut());
    let no_text = || ToolError(format!("{path} is no text; it has {size} bytes"));
    let mut content = file.into_text().ok_or_else(no_text)?;
    if is_cut {
        let note = format!("\n[The file has {size} bytes; this is its beginning.]");
        content.push_str(&note);
    }
    Ok(Output::new(content))
}

pub(super) async fn write(
    workspace: &Workspace,
    arguments: Arguments,
    caller: &Caller,
    append: bool,
) -> Result<Output, ToolError> {
    let (client, session) = (&workspace.client, workspace.session);
    let path = text(&arguments, "path");
    let content = text(&arguments, "content").to_owned();
    let kind = match client.stat(session, path).await {
        Ok(_) => ChangeKind::Modified,
        Err(error) if error.kind() == ErrorKind::NotFound => ChangeKind::Created,
        Err(error) => return Err(refused(&error)),
    };
    let written = content.len();
    let done = client
        .write_file(session, path, content.into(), append)
        .await;
    let node = done.map_err(|error| refused(&error))?;
    let message = match append {
        true => format!(
            "Added {written} bytes to {}; it has {} now.",
            node.path, node.size
        ),
        false => format!("Wrote {} ({} bytes).", node.path, node.size),
    };
    let path = node.path;
    caller.file_changed(FileChange { path, kind }).await;
    Ok(Output::new(message))
}
