//! `get_workflow`

use super::{
    Arguments, number,
    shown::{self, Part, cut},
    spec as tool, text,
};
use crate::desk::{Desk, Opened};
use agent::{Output, Spec, ToolError};
use serde_json::json;

/// How many nodes are shown by default, and at most.
const NODES: usize = 60;
const NODES_MOST: usize = 400;

/// Characters of a part that is shown as it is stored.
const RAW: usize = 200_000;

pub(super) fn spec() -> Spec {
    tool(
        "get_workflow",
        "Shows the session's workflow: its nodes with their values and links, and the paths by \
         which edit_workflow changes them. Long workflows come in parts.",
        json!({
            "type": "object",
            "properties": {
                "find": {"type": "string", "maxLength": 200, "description": "Only the node with this id, or those whose class or title has this"},
                "offset": {"type": "integer", "minimum": 0, "description": "How many nodes to leave out at the beginning"},
                "limit": {"type": "integer", "minimum": 1, "maximum": NODES_MOST, "description": "How many nodes to show, 60 by default"},
                "path": {"type": "string", "maxLength": 500, "description": "Instead: the part at this JSON pointer, such as /nodes/3 or /links, just as it is stored"}
            },
            "additionalProperties": false
        }),
    )
}

pub(super) async fn get(desk: &Desk, arguments: Arguments) -> Result<Output, ToolError> {
    let opened = desk.workflow().await?;
    let path = text(&arguments, "path");
    if !path.is_empty() {
        let content = desk.content(&opened).await?;
        let part = content.stored.pointer(path);
        let part = part.ok_or_else(|| ToolError(format!("There is nothing at {path}")))?;
        return Ok(Output::new(cut(&part.to_string(), RAW)));
    }
    // Names of values are a help; a service that is away keeps nobody from reading.
    let info = desk.object_info(&opened).await.ok();
    let part = Part {
        find: text(&arguments, "find"),
        offset: number(&arguments, "offset", 0),
        limit: number(&arguments, "limit", NODES),
    };
    let content = desk.content(&opened).await?;
    let nodes = shown::workflow(&content.workflow, &content.stored, info.as_deref(), part);
    let heading = heading(&opened, content.workflow.node_count());
    Ok(Output::new(format!("{heading}\n{nodes}")))
}

fn heading(opened: &Opened, nodes: usize) -> String {
    let version = &opened.version;
    let service = match &opened.service {
        Some(service) => format!("runs on the service {:?}", service.name),
        None => "has no service to run on".to_owned(),
    };
    format!(
        "Workflow {:?}, version {}, {nodes} nodes; it {service}.",
        version.name, version.number
    )
}
