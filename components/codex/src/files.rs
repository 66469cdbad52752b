//! What the session made of its files, and the way back.

use crate::{patches::tell, sessions::own};
use axum::extract::State;
use contracts::codex::patches::{Edit, EditedFile, SessionDiff, Undone};
use domain::{
    ChangeKind, Error, ErrorKind, Event, FileChange, Timestamp,
    event::{UndoEvent, UndoPhase},
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{Client, checkpoints::Checkpoints};
use web::{Json, Outcome, Segment, SignedIn};

/// What the files were before the first turn against what they are.
pub(crate) async fn diff(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<SessionDiff>> {
    let session = own(&platform, &signed_in, &id).await?;
    let client = Client::of(&platform, &headers);
    let kept = checkpoints(&client, &session).await?;
    let diff = match kept.checkpoints.first() {
        Some(first) => client.diff(session.uuid, &first.name).await?,
        None => runner_api::checkpoints::Diff::default(),
    };
    Ok(Json(SessionDiff {
        unified_diff: diff.unified_diff,
        truncated: diff.truncated,
    }))
}

/// A session that has no sandbox yet has changed nothing.
async fn checkpoints(client: &Client, session: &domain::Session) -> Result<Checkpoints, Error> {
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
        let detail = "A turn is under way. Interrupt it first";
        return Err(Error::new(ErrorKind::Conflict, detail).into());
    }
    let client = Client::of(&platform, &headers);
    let kept = checkpoints(&client, &session).await?;
    // What the first is called once it was put back: there is nothing before it.
    let last = kept.checkpoints.last().filter(|last| last.name != "first");
    let last = last.ok_or_else(|| Error::new(ErrorKind::Conflict, "There is no turn to undo"))?;
    let event = |phase, detail| Event::Undo(UndoEvent { phase, detail });
    tell(&client, &session, vec![event(UndoPhase::Started, None)]).await;
    let restored = client.restore(session.uuid, &last.name).await;
    let (phase, detail) = match &restored {
        Ok(restored) if restored.left.is_empty() => (UndoPhase::Succeeded, None),
        Ok(restored) => {
            let left = restored.left.join(", ");
            let detail = format!("These files could not be put back: {left}");
            (UndoPhase::Failed, Some(detail))
        }
        Err(error) => (UndoPhase::Failed, Some(error.detail().to_owned())),
    };
    tell(&client, &session, vec![event(phase, detail.clone())]).await;
    let restored = restored?;
    store::codex::undone(sql, session.id, &last.name).await?;
    if let Some(detail) = detail {
        return Err(Error::new(ErrorKind::Conflict, detail).into());
    }
    let now = Timestamp(platform.clock.now());
    let changes = restored.changed.into_iter().map(edited).collect();
    Ok(Json(Undone::at(now, changes)))
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
