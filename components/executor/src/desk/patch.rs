//! `apply_patch`: several files at once, whole or not at all, when somebody has allowed it.

use super::Desk;
use crate::tools::{self, Arguments, text};
use agent::{Caller, Output, Spec, ToolError};
use coding::{Applied, Approval};
use domain::{
    Event,
    event::{ApprovalSubject, PatchBegun, PatchEnded},
};
use ports::BoxFuture;
use std::time::Duration;
use store::codex::approvals::{self, ApprovalKind, PatchOutcome};

pub(super) fn spec(patience: Duration) -> Spec {
    let mut spec = tools::patch_spec();
    // Looking, waiting for the user, looking again, and writing.
    spec.timeout = Some(Duration::from_secs(240).saturating_add(patience));
    spec
}

pub(super) async fn apply(
    desk: &Desk,
    arguments: Arguments,
    caller: &Caller,
) -> Result<Output, ToolError> {
    if desk.approval == Approval::ReadOnly {
        let why = "This session is read-only: nothing may be changed.";
        return Err(ToolError(why.to_owned()));
    }
    desk.ready(caller).await?;
    let site = &desk.site;
    let patch = text(&arguments, "patch");
    // One that does not fit is nobody's to allow.
    let (edits, seen) = site.look(patch).await.map_err(tools::told)?;
    let asks = matches!(desk.approval, Approval::Ask | Approval::AskPatches);
    let auto_approved = match asks {
        true => {
            let subject = ApprovalSubject::Patch {
                changes: edits.clone(),
            };
            let reason = "The patch changes files";
            desk.ask(caller, ApprovalKind::Patch, subject, reason)
                .await?
        }
        false => true,
    };
    let call_id = caller.call_id().to_owned();
    let begun = PatchBegun {
        call_id: call_id.clone(),
        auto_approved,
        changes: edits,
    };
    caller.tell_room(Event::PatchBegun(begun)).await;
    let sql = &*desk.platform.sql;
    let applying = approvals::applying(sql, desk.run.session, &call_id).await;
    applying.map_err(|error| tools::refused(&error))?;
    let settling = settling(desk, call_id.clone());
    let applied = site.apply(patch.to_owned(), Some(seen), settling).await;
    let output = match &applied {
        Ok(patched) => patched.summary.clone(),
        Err(fault) => fault.to_string(),
    };
    let ended = PatchEnded {
        call_id,
        success: applied.is_ok(),
        output: output.clone(),
    };
    caller.tell_room(Event::PatchEnded(ended)).await;
    desk.tell_changes(caller).await;
    applied.map_err(tools::told)?;
    Ok(Output::new(output))
}

/// Notes what came of a patch: whoever approved it over HTTP waits for that.
fn settling(
    desk: &Desk,
    call_id: String,
) -> impl FnOnce(&Applied) -> BoxFuture<'static, ()> + Send + 'static {
    let (platform, run) = (desk.platform.clone(), desk.run.clone());
    move |applied| {
        let outcome = match applied {
            Ok(_) => PatchOutcome::Applied,
            Err(fault) => PatchOutcome::Failed(fault.to_string()),
        };
        Box::pin(async move {
            let sql = &*platform.sql;
            let settled = approvals::settle(sql, run.session, &call_id, &outcome).await;
            if let Err(error) = settled {
                eprintln!("run {}: outcome not stored: {error}", run.uuid);
            }
        })
    }
}
