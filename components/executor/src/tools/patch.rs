//! `apply_patch`: several files at once, whole or not at all.

use super::{Arguments, Workspace, refused, spec as tool, text};
use agent::{Caller, Output, Spec, ToolError};
use coding::{PATCH_BYTES, PatchFault, Site, WORKSPACE};
use serde_json::json;
use std::future::ready;

pub(crate) fn spec() -> Spec {
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
    let site = Site {
        platform: workspace.platform.clone(),
        client: workspace.client.clone(),
        session: workspace.session,
        cwd: WORKSPACE.to_owned(),
    };
    let patch = text(&arguments, "patch").to_owned();
    let applied = site.apply(patch, None, |_| ready(())).await;
    let patched = applied.map_err(told)?;
    for change in patched.files {
        caller.file_changed(change).await;
    }
    Ok(Output::new(patched.summary))
}

/// Why a patch is not applied, for the model.
pub(crate) fn told(fault: PatchFault) -> ToolError {
    match fault {
        PatchFault::Unread(error) | PatchFault::Files(error) => {
            let ToolError(reason) = refused(&error);
            ToolError(format!("{reason}. Nothing was changed"))
        }
        fault => ToolError(fault.to_string()),
    }
}
