//! Workflows' JSON as it comes in and goes out.

use comfyui::Workflow;
use domain::{Error, ErrorKind, WorkflowFormat};
use serde_json::value::RawValue;
use std::borrow::Cow;
use store::workflows::Content;

/// JSON that is a workflow.
pub(super) struct Checked<'a> {
    text: Cow<'a, str>,
    format: WorkflowFormat,
    node_count: i64,
}

impl Checked<'_> {
    /// It, as it is stored.
    pub(super) fn content(&self) -> Content<'_> {
        Content {
            data: &self.text,
            format: self.format,
            node_count: self.node_count,
        }
    }
}

/// Checks the member `workflowData`: ComfyUI's JSON, as it is or as a text that holds it.
pub(super) fn check(data: &RawValue) -> Result<Checked<'_>, Error> {
    let text = match data.get().starts_with('"') {
        true => Cow::Owned(serde_json::from_str::<String>(data.get()).map_err(Error::internal)?),
        false => Cow::Borrowed(data.get()),
    };
    check_text("workflowData", text)
}

/// Checks ComfyUI's JSON, which came as `field`.
pub(super) fn check_text<'a>(field: &str, text: Cow<'a, str>) -> Result<Checked<'a>, Error> {
    let workflow = Workflow::parse(text.as_bytes());
    let workflow = workflow.map_err(|reason| Error::invalid_field(field, reason.to_string()))?;
    Ok(Checked {
        format: format_of(&workflow),
        node_count: i64::try_from(workflow.node_count()).unwrap_or(i64::MAX),
        text,
    })
}

/// Stored JSON as it goes out.
pub(super) fn raw(data: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(data).map_err(Error::internal)
}

/// Stored JSON, read.
pub(super) fn read(data: &str) -> Result<Workflow, Error> {
    let workflow = Workflow::parse(data.as_bytes());
    workflow.map_err(|reason| {
        // What was stored under other limits.
        Error::new(
            ErrorKind::Conflict,
            format!("The version cannot be read: {reason}"),
        )
    })
}

fn format_of(workflow: &Workflow) -> WorkflowFormat {
    match workflow {
        Workflow::Api(_) => WorkflowFormat::Api,
        Workflow::Editor(_) => WorkflowFormat::Editor,
    }
}
