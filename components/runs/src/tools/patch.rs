//! `apply_patch`: several files at once, whole or not at all.

use super::{Arguments, Workspace, refused, spec as tool, text};
use agent::{Caller, Output, Spec, ToolError};
use domain::{ChangeKind, Error, ErrorKind, FileChange};
use futures::StreamExt;
use patch::{Entry, FilePath, Files, Limits, Need, Patch, Rules, Write};
use runner_api::{Raw, files::Kind};
use serde_json::json;

/// The largest patch, and the largest file that one changes, in bytes: an instance's memory is
/// bounded.
const PATCH_BYTES: usize = 1 << 20;
const FILE_BYTES: usize = 2 << 20;

/// The most files of a patch.
const HUNKS: usize = 100;

pub(super) fn spec() -> Spec {
    tool(
        "apply_patch",
        "Changes files of the workspace by a patch, all of it or nothing. The format is:\n\
         *** Begin Patch\n*** Update File: src/app.py\n@@ def greet():\n     name = ask()\n\
         -    print(\"Hi\")\n+    print(\"Hello\")\n*** Add File: notes.txt\n+first line\n\
         *** Delete File: old.txt\n*** End Patch\n\
         Lines begin with a blank (context), `-` (removed) or `+` (added); give about three lines \
         of context. `*** Move to: new/path` after an `Update File` line renames the file.",
        false,
        json!({
            "type": "object",
            "properties": {
                "patch": {"type": "string", "minLength": 1, "maxLength": PATCH_BYTES, "description": "The patch"}
            },
            "required": ["patch"],
            "additionalProperties": false
        }),
    )
}

pub(super) async fn apply(
    workspace: &Workspace,
    arguments: Arguments,
    caller: &Caller,
) -> Result<Output, ToolError> {
    let rules = Rules {
        limits: Limits {
            patch_bytes: PATCH_BYTES,
            file_bytes: FILE_BYTES,
            hunks: HUNKS,
            ..Limits::default()
        },
        ..Rules::default()
    };
    let patch = Patch::parse_by(text(&arguments, "patch"), &rules);
    let patch = patch.map_err(|error| ToolError(error.to_string()))?;
    let mut files = Files::new();
    for (path, need) in patch.paths() {
        let entry = look(workspace, &path, need).await;
        files.insert(path, entry.map_err(|error| refused(&error))?);
    }
    let changes = patch.apply(&files);
    let changes = changes.map_err(|error| ToolError(error.to_string()))?;
    let writes: Vec<Write<'_>> = changes.writes().collect();
    for (done, write) in writes.iter().enumerate() {
        if let Err(error) = put(workspace, write.path, write.after).await {
            // What a write that failed has done is not known either.
            let begun = writes.get(..=done).unwrap_or_default();
            return Err(roll_back(workspace, begun, &error).await);
        }
    }
    for write in &writes {
        let kind = match (write.before, write.after) {
            (None, _) => ChangeKind::Created,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        };
        let path = write.path.to_string();
        caller.file_changed(FileChange { path, kind }).await;
    }
    Ok(Output::new(changes.summary()))
}

/// What is at a path.
async fn look(workspace: &Workspace, path: &FilePath, need: Need) -> Result<Entry, Error> {
    let text = path.to_string();
    let node = match workspace.client.stat(workspace.session, &text).await {
        Ok(node) => node,
        // Below a file there is nothing.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            return Ok(Entry::Absent);
        }
        Err(error) => return Err(error),
    };
    Ok(match (node.kind, need) {
        (Kind::Directory, _) => Entry::Folder,
        (Kind::File, Need::Content) if node.size <= FILE_BYTES as u64 => {
            Entry::File(content(workspace, &text).await?)
        }
        // Longer than may be: whatever is in it, the patch refuses it.
        (Kind::File, Need::Content) => Entry::File(vec![0; FILE_BYTES + 1]),
        (Kind::File | Kind::Symlink, _) => Entry::Other,
    })
}

async fn content(workspace: &Workspace, path: &str) -> Result<Vec<u8>, Error> {
    let broken = |cause: String| {
        Error::new(ErrorKind::Upstream, "A file could not be read").caused_by(cause)
    };
    let raw = workspace.client.read_raw(workspace.session, path, None);
    let Raw::Bytes(response) = raw.await? else {
        return Err(broken("a range that nobody asked for".to_owned()));
    };
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| broken(error.to_string()))?);
        if bytes.len() > FILE_BYTES {
            break;
        }
    }
    Ok(bytes)
}

/// Puts `content` at a path; nothing removes what is there.
async fn put(workspace: &Workspace, path: &FilePath, content: Option<&str>) -> Result<(), Error> {
    let (client, session) = (&workspace.client, workspace.session);
    let path = path.to_string();
    match content {
        Some(content) => {
            let bytes = content.to_owned().into();
            client
                .write_file(session, &path, bytes, false)
                .await
                .map(drop)
        }
        None => match client.delete_file(session, &path, false).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        },
    }
}

/// Undoes `begun`, newest first, and says what went wrong.
async fn roll_back(workspace: &Workspace, begun: &[Write<'_>], error: &Error) -> ToolError {
    let mut left = Vec::new();
    for write in begun.iter().rev() {
        if let Err(error) = put(workspace, write.path, write.before).await {
            eprintln!("tool: {} not restored: {error}", write.path);
            left.push(write.path.to_string());
        }
    }
    let ToolError(reason) = refused(error);
    ToolError(match left.is_empty() {
        true => format!("{reason}. Nothing was changed"),
        false => format!(
            "{reason}. These files could not be restored, look at them: {}",
            left.join(", ")
        ),
    })
}
