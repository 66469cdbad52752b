//! What waits for an approval.

use contracts::codex::{
    patches::{Edit, EditedFile},
    sessions::PendingApproval,
};
use domain::{
    CommandLine, Error, SessionId, Timestamp,
    event::{ApprovalSubject, FileEdit},
};
use ports::Platform;
use store::codex::approvals;

/// What a session waits for.
pub(crate) async fn of(
    platform: &Platform,
    session: SessionId,
) -> Result<Vec<PendingApproval>, Error> {
    let now = platform.clock.now();
    let pending = approvals::pending(&*platform.sql, session, now).await?;
    pending.into_iter().map(shown).collect()
}

fn shown(pending: approvals::Pending) -> Result<PendingApproval, Error> {
    let subject = serde_json::from_str(&pending.subject).map_err(Error::internal)?;
    let times = [Timestamp(pending.created_at), Timestamp(pending.expires_at)];
    Ok(match subject {
        ApprovalSubject::Command { command, cwd } => {
            let command = CommandLine::Argv(command);
            PendingApproval::exec(pending.call_id, command, cwd, times)
        }
        ApprovalSubject::Patch { changes } => {
            let changes = changes.iter().map(edited).collect();
            PendingApproval::patch(pending.call_id, changes, times)
        }
    })
}

/// A file that is changed, without its content.
pub(crate) fn edited(edit: &FileEdit) -> EditedFile {
    let (path, kind, move_path) = match edit {
        FileEdit::Add { path, .. } => (path, Edit::Add, None),
        FileEdit::Delete { path, .. } => (path, Edit::Delete, None),
        FileEdit::Update {
            path, move_path, ..
        } => (path, Edit::Update, move_path.clone()),
    };
    EditedFile {
        path: path.clone(),
        kind,
        move_path,
    }
}
