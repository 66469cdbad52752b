//! What the agent of a studio session can do with the workflow that the session is about.
//!
//! Invariants: arguments name nodes, words and numbers, never a workflow, a service or an address:
//! those are the session's; a change goes through the lock and becomes a version; what a service
//! says is data, and bounded.

mod classes;
mod edit;
mod models;
mod nodes;
mod read;
mod run;
mod shown;
mod validate;

pub(crate) use runs::tools::refused;
pub(crate) use shown::cut;

use crate::desk::Desk;
use agent::{Body, Caller, Spec, Step, Tool, ToolError, Transcript};
use runs::tools::{Arguments, Done, text};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

type Call = for<'a> fn(&'a Desk, Arguments, &'a Caller) -> Done<'a>;

/// A tool, and what it does.
struct StudioTool {
    spec: Spec,
    call: Call,
    desk: Arc<Desk>,
}

/// The tool of that name, if it is one of the studio.
pub(crate) fn named(name: &str, desk: &Arc<Desk>) -> Option<Arc<dyn Tool>> {
    let (spec, call): (Spec, Call) = match name {
        "get_workflow" => (read::spec(), |desk, arguments, _| {
            Box::pin(read::get(desk, arguments))
        }),
        "list_nodes" => (nodes::list_spec(), |desk, arguments, _| {
            Box::pin(nodes::list(desk, arguments))
        }),
        "node_info" => (nodes::info_spec(), |desk, arguments, _| {
            Box::pin(nodes::info(desk, arguments))
        }),
        "edit_workflow" => (edit::spec(), |desk, arguments, caller| {
            Box::pin(edit::edit(desk, arguments, caller))
        }),
        "validate_workflow" => (validate::spec(), |desk, _, _| {
            Box::pin(validate::validate(desk))
        }),
        "run_workflow" => (run::spec(), |desk, _, caller| {
            Box::pin(run::run(desk, caller))
        }),
        "list_models" => (models::spec(), |desk, arguments, _| {
            Box::pin(models::list(desk, arguments))
        }),
        _ => return None,
    };
    Some(Arc::new(StudioTool {
        spec,
        call,
        desk: Arc::clone(desk),
    }))
}

impl Tool for StudioTool {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn call<'a>(&'a self, arguments: Arguments, caller: &'a Caller) -> Done<'a> {
        (self.call)(&self.desk, arguments, caller)
    }
}

/// Whether the run has called the tool that locks the workflow.
pub(crate) fn has_edited(transcript: &Transcript) -> bool {
    let edits = edit::spec().name;
    let is_edit = |step: &Step| matches!(&step.body, Body::Result(result) if result.tool == edits);
    transcript.run().iter().any(is_edit)
}

/// A tool's description.
fn spec(name: &str, description: &str, parameters: Value) -> Spec {
    runs::tools::spec(name, description, true, parameters)
}

/// The same of a tool that changes something, and may take that long.
fn slow_spec(name: &str, description: &str, timeout: Duration, parameters: Value) -> Spec {
    Spec {
        timeout: Some(timeout),
        parallel: false,
        ..spec(name, description, parameters)
    }
}

/// The number under that name, or `otherwise`.
fn number(arguments: &Arguments, name: &str, otherwise: usize) -> usize {
    let number = runs::tools::number(arguments, name);
    number.map_or(otherwise, |number| {
        usize::try_from(number).unwrap_or(usize::MAX)
    })
}

/// What a service did not do, for the model.
pub(crate) fn failed(error: &comfyui::Error) -> ToolError {
    if let Some(detail) = error.detail() {
        eprintln!("tool: {error}: {detail}");
    }
    ToolError(error.to_string())
}
