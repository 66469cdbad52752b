//! `validate_workflow`

use super::spec as tool;
use crate::{desk::Desk, runnable};
use agent::{Output, Spec, ToolError};
use serde_json::json;

pub(super) fn spec() -> Spec {
    tool(
        "validate_workflow",
        "Checks the workflow as its service would before it runs it: classes that are missing, \
         inputs that are missing or out of their limits, links that do not fit. Says what is wrong \
         with which node.",
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
    )
}

pub(super) async fn validate(desk: &Desk) -> Result<Output, ToolError> {
    let opened = desk.workflow().await?;
    let info = desk.object_info(&opened).await?;
    let content = desk.content(&opened).await?;
    let runnable = runnable::of(&content.workflow, &info, &mut |count| desk.pick(count));
    let runnable = match runnable {
        Ok(runnable) => runnable,
        Err(faults) => {
            return Ok(Output::new(format!(
                "It does not run:\n{}",
                faults.join("\n")
            )));
        }
    };
    let mut lines = vec![format!(
        "It runs. Outputs: {}.",
        runnable.outputs.join(", ")
    )];
    lines.extend(runnable.warnings);
    Ok(Output::new(lines.join("\n")))
}
