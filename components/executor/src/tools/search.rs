//! `search`

use super::{Arguments, Workspace, refused, spec as tool, text};
use agent::{Output, Spec, ToolError};
use runner_api::commands::{CommandLine, Exec};
use serde_json::json;
use std::collections::BTreeMap;

/// How long a search may take, in milliseconds.
const TIMEOUT_MS: u64 = 60_000;

/// Lines are cut, and there are only so many: a search is for finding, not for reading.
const SCRIPT: &str = "grep -rnIE -m 50 --exclude-dir=.git --exclude-dir=node_modules \
    -e \"$1\" -- \"$2\" > /tmp/.search.$$ 2> /tmp/.search-errors.$$; code=$?; \
    head -n 200 /tmp/.search.$$ | cut -c 1-400; head -c 4096 /tmp/.search-errors.$$ >&2; \
    rm -f /tmp/.search.$$ /tmp/.search-errors.$$; exit $code";

pub(super) fn spec() -> Spec {
    tool(
        "search",
        "Searches the text files of the workspace for a pattern, and shows the lines where it is \
         found as path:line:text, at most 200.",
        true,
        json!({
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "An extended regular expression"},
                "path": {"type": "string", "maxLength": 1024, "description": "The file or folder to search; the whole workspace if it is left out"}
            },
            "required": ["pattern"],
            "additionalProperties": false
        }),
    )
}

pub(super) async fn search(
    workspace: &Workspace,
    arguments: Arguments,
) -> Result<Output, ToolError> {
    let path = match text(&arguments, "path") {
        "" => ".",
        path => path,
    };
    let argv = ["sh", "-c", SCRIPT, "sh", text(&arguments, "pattern"), path];
    let exec = Exec {
        command: CommandLine::Argv(argv.map(str::to_owned).to_vec()),
        cwd: None,
        env: BTreeMap::new(),
        stdin: None,
        timeout_ms: Some(TIMEOUT_MS),
    };
    let done = workspace.client.exec(workspace.session, &exec).await;
    let output = done.map_err(|error| refused(&error))?;
    if output.timed_out {
        return Err(ToolError("the search took too long".to_owned()));
    }
    // 1 is nothing found; more is a fault, and there may be lines all the same.
    match (output.exit_code, output.stdout.is_empty()) {
        (0 | 1, true) => Ok(Output::new("Nothing was found.")),
        (_, false) => Ok(Output::new(output.stdout)),
        (_, true) => Err(ToolError(output.stderr)),
    }
}
