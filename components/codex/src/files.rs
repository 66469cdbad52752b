//! What the session made of its files, and the way back.

use crate::{patches::tell, sessions::own};
use axum::extract::State;
use contracts::codex::patches::{Edit, EditedFile, SessionDiff, Undone};
use domain::{
    ChangeKind, Error, ErrorKind, Event, FileChange, Session, Timestamp,
    event::{UndoEvent, UndoPhase},
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client,
    checkpoints::{Checkpoints, Diff, FIRST, Restored},
};
use std::borrow::Cow;
use web::{Json, Outcome, Segment, SignedIn};

/// How many paths a sentence names.
const LISTED: usize = 20;

/// What the files were before the first turn against what they are.
pub(crate) async fn diff(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<SessionDiff>> {
    let session = own(&platform, &signed_in, &id).await?;
    let client = Client::of(&platform, &headers);
    let kept = checkpoints(&client, &session).await?.checkpoints;
    let begins_late = kept.first().is_some_and(|first| first.gap.is_some());
    let diff = match kept.iter().find(|one| one.gap.is_none()) {
        Some(first) => client.diff(session.uuid, &first.name).await?,
        None => Diff::default(),
    };
    Ok(Json(SessionDiff {
        unified_diff: diff.unified_diff,
        truncated: diff.truncated || begins_late,
    }))
}

/// A session that has no sandbox yet has changed nothing.
async fn checkpoints(client: &Client, session: &Session) -> Result<Checkpoints, Error> {
    match client.checkpoints(session.uuid).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Checkpoints::default()),
        kept => kept,
    }
}

/// Puts the files back to where they were before the last turn that had a sandbox.
pub(crate) async fn undo(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<Undone>> {
    let session = own(&platform, &signed_in, &id).await?;
    let sql = &*platform.sql;
    if store::runs::unfinished_of(sql, session.id).await?.is_some() {
        return Err(conflict("A turn is under way. Interrupt it first").into());
    }
    let client = Client::of(&platform, &headers);
    let kept = checkpoints(&client, &session).await?;
    // There is nothing before the first.
    let last = kept.checkpoints.last().filter(|last| last.name != FIRST);
    let last = last.ok_or_else(|| conflict("There is no turn to undo"))?;
    if let Some(gap) = last.gap {
        return Err(conflict(format!("The turn cannot be undone: {gap}")).into());
    }
    let restored = restore(&client, &session, &last.name).await?;
    store::codex::undone(sql, session.id, &last.name).await?;
    let now = Timestamp(platform.clock.now());
    let changes = restored.changed.into_iter().map(edited).collect();
    Ok(Json(Undone::at(now, changes, restored.left_out)))
}

/// Puts a checkpoint back, and tells the session's room.
///
/// # Errors
/// A conflict where a file could not be put back, and then it can be tried again; and where somebody
/// else has undone it just now.
async fn restore(client: &Client, session: &Session, name: &str) -> Result<Restored, Error> {
    let event = |phase, detail| vec![Event::Undo(UndoEvent { phase, detail })];
    tell(client, session, event(UndoPhase::Started, None)).await;
    let restored = match client.restore(session.uuid, name).await {
        Ok(restored) if restored.left.is_empty() => Ok(restored),
        Ok(restored) => {
            let left = listed(&restored.left);
            let detail = format!("These files could not be put back: {left}");
            Err(conflict(detail + ". See to them, and undo again"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(conflict("It was undone just now, or its files are gone"))
        }
        Err(error) => Err(error),
    };
    let told = match &restored {
        Ok(restored) if restored.left_out.is_empty() => event(UndoPhase::Succeeded, None),
        Ok(restored) => {
            let left_out = listed(&restored.left_out);
            let detail = format!("These files are not kept, and stay as they are: {left_out}");
            event(UndoPhase::Succeeded, Some(detail))
        }
        Err(error) => event(UndoPhase::Failed, Some(error.detail().to_owned())),
    };
    tell(client, session, told).await;
    restored
}

fn conflict(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Conflict, detail)
}

/// Some of the paths, for a sentence.
fn listed(paths: &[String]) -> String {
    let some: Vec<&str> = paths.iter().take(LISTED).map(String::as_str).collect();
    let some = some.join(", ");
    match paths.len().saturating_sub(LISTED) {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

fn edited(change: FileChange) -> EditedFile {
    EditedFile {
        path: change.path,
        kind: match change.kind {
            ChangeKind::Created => Edit::Add,
            ChangeKind::Modified => Edit::Update,
            ChangeKind::Deleted => Edit::Delete,
        },
        move_path: None,
    }
}
