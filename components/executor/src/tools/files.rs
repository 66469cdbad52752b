//! `read_file`, `write_file`, `append_file`

use super::{Arguments, Workspace, refused, spec, text};
use agent::{Caller, Output, Spec, ToolError};
use domain::{ChangeKind, ErrorKind, FileChange};
use runner_api::files::Encoding;
use serde_json::{Value, json};

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
    let file = workspace.client.read_file(workspace.session, path).await;
    let file = file.map_err(|error| refused(&error))?;
    if file.encoding != Encoding::Utf8 {
        let message = format!("{} is no text; it has {} bytes", file.path, file.size);
        return Err(ToolError(message));
    }
    let mut content = file.content;
    if file.truncated {
        let note = format!(
            "\n[The file has {} bytes; this is its beginning.]",
            file.size
        );
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
