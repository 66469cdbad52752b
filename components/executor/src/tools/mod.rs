//! The tools of the sandbox, each over the edge's client for the runner.
//!
//! Invariants: what a tool says of a refusal is what the runner says to people; nothing leaves the
//! sandbox of the run's own session, whatever the arguments are.

mod exec;
mod files;
mod list;
mod patch;
mod preview;
mod search;
mod workspace;

pub(crate) use exec::{run, start};
pub(crate) use patch::{spec as patch_spec, told};
pub(crate) use runs::tools::{Arguments, Done, number, refused, spec, text};
pub(super) use workspace::Workspace;

use agent::{Caller, Spec, Tool};
use std::sync::Arc;

type Call = for<'a> fn(&'a Workspace, Arguments, &'a Caller) -> Done<'a>;

/// A tool, and what it does.
struct SandboxTool {
    spec: Spec,
    call: Call,
    workspace: Arc<Workspace>,
}

/// The tool of that name, if it is one of the sandbox.
pub(super) fn named(name: &str, workspace: &Arc<Workspace>) -> Option<Arc<dyn Tool>> {
    let (spec, call): (Spec, Call) = match name {
        "list_files" => (list::spec(), |workspace, arguments, _| {
            Box::pin(list::list(workspace, arguments))
        }),
        "read_file" => (files::read_spec(), |workspace, arguments, _| {
            Box::pin(files::read(workspace, arguments))
        }),
        "write_file" => (files::write_spec(), |workspace, arguments, caller| {
            Box::pin(files::write(workspace, arguments, caller, false))
        }),
        "append_file" => (files::append_spec(), |workspace, arguments, caller| {
            Box::pin(files::write(workspace, arguments, caller, true))
        }),
        "apply_patch" => (patch::spec(), |workspace, arguments, caller| {
            Box::pin(patch::apply(workspace, arguments, caller))
        }),
        "search" => (search::spec(), |workspace, arguments, _| {
            Box::pin(search::search(workspace, arguments))
        }),
        "exec" => (exec::spec(), |workspace, arguments, caller| {
            Box::pin(exec::exec(workspace, arguments, caller))
        }),
        "preview" => (preview::spec(), |workspace, arguments, _| {
            Box::pin(preview::preview(workspace, arguments))
        }),
        _ => return None,
    };
    Some(Arc::new(SandboxTool {
        spec,
        call,
        workspace: Arc::clone(workspace),
    }))
}

impl Tool for SandboxTool {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn call<'a>(&'a self, arguments: Arguments, caller: &'a Caller) -> Done<'a> {
        Box::pin(async move {
            self.workspace.launch().await?;
            (self.call)(&self.workspace, arguments, caller).await
        })
    }
}
