//! `list_files`

use super::{Arguments, Workspace, number, refused, spec as tool, text};
use agent::{Output, Spec, ToolError};
use runner_api::{
    TreeQuery,
    files::{Kind, Node},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How deep a listing goes by default, and at most.
const DEPTH: u32 = 3;
const DEEPEST: u32 = 8;

/// The most entries of a listing.
const MOST: usize = 2_000;

pub(super) fn spec() -> Spec {
    tool(
        "list_files",
        "Lists the files and folders of the workspace, with the sizes of files in bytes.",
        true,
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "maxLength": 1024, "description": "The folder to list; the whole workspace if it is left out"},
                "depth": {"type": "integer", "minimum": 1, "maximum": DEEPEST, "description": "How many levels to show, 3 by default"},
                "include_hidden": {"type": "boolean", "description": "Whether to show names that begin with a dot"}
            },
            "additionalProperties": false
        }),
    )
}

pub(super) async fn list(workspace: &Workspace, arguments: Arguments) -> Result<Output, ToolError> {
    let root = text(&arguments, "path");
    let depth = number(&arguments, "depth").and_then(|depth| u32::try_from(depth).ok());
    let hidden = arguments.get("include_hidden").and_then(Value::as_bool);
    let query = TreeQuery {
        root: (!root.is_empty()).then_some(root),
        depth: Some(depth.unwrap_or(DEPTH)),
        include_hidden: hidden.unwrap_or_default(),
        limit: Some(MOST),
    };
    let tree = workspace.client.tree(workspace.session, query).await;
    let tree = tree.map_err(|error| refused(&error))?;
    let mut lines = Lines::default();
    lines.below(&tree);
    Ok(Output::new(match (lines.count, lines.text) {
        (0, _) => "The folder is empty.".to_owned(),
        (_, text) => text,
    }))
}

#[derive(Default)]
struct Lines {
    text: String,
    count: usize,
}

impl Lines {
    fn below(&mut self, node: &Node) {
        for child in node.children.iter().flatten() {
            self.count += 1;
            if self.count == MOST {
                self.text
                    .push_str("… more is left out: list a part of it\n");
            }
            if self.count >= MOST {
                return;
            }
            // Writing to a text does not fail.
            let _ = match child.kind {
                Kind::Directory => writeln!(self.text, "{}/", child.path),
                Kind::Symlink => writeln!(self.text, "{} (a link)", child.path),
                Kind::File => writeln!(self.text, "{} ({})", child.path, child.size),
            };
            self.below(child);
        }
        if node.truncated {
            let _ = writeln!(self.text, "{}/… has more in it", node.path);
        }
    }
}
