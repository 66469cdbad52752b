//! `preview`

use super::{Arguments, Workspace, number, refused, spec as tool};
use agent::{Output, Spec, ToolError};
use serde_json::json;

pub(super) fn spec() -> Spec {
    tool(
        "preview",
        "Tells where the user can see a server that listens in the sandbox. Start it in the \
         background first, on one of the ports that this tool names.",
        true,
        json!({
            "type": "object",
            "properties": {
                "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "The port that it listens on; all of them if it is left out"}
            },
            "additionalProperties": false
        }),
    )
}

pub(super) async fn preview(
    workspace: &Workspace,
    arguments: Arguments,
) -> Result<Output, ToolError> {
    let previews = workspace.client.previews(workspace.session).await;
    let ports = previews.map_err(|error| refused(&error))?.ports;
    let wanted = number(&arguments, "port");
    let all: Vec<String> = ports
        .iter()
        .map(|port| port.container_port.to_string())
        .collect();
    let ports = ports
        .into_iter()
        .filter(|port| wanted.is_none_or(|wanted| wanted == u64::from(port.container_port)));
    let lines: Vec<String> = ports
        .map(|port| {
            let listens = match port.listening {
                true => "something listens",
                false => "nothing listens yet",
            };
            format!("port {}: {} ({listens})", port.container_port, port.url)
        })
        .collect();
    match lines.is_empty() {
        true => Err(ToolError(format!(
            "that port cannot be seen from outside; these can: {}",
            all.join(", ")
        ))),
        false => Ok(Output::new(lines.join("\n"))),
    }
}
