//! Patches that are applied: the newest one that waits for its approval, or one that is given.

use crate::{pending::edited, sessions::own};
use axum::extract::State;
use coding::Site;
use contracts::codex::patches::{Applied, ApplyPatch, EditedFile};
use domain::{
    Error, ErrorKind, Event, Session, Timestamp,
    event::{ApprovalSubject, PatchBegun, PatchEnded, TurnDiff},
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{Client, rooms::Publish};
use std::time::Duration;
use store::codex::{
    self,
    approvals::{self, PatchOutcome},
};
use uuid::Uuid;
use web::{Json, Outcome, Segment, SignedBodyIfAny, new_uuid};

/// How often it is looked whether an approved patch is applied.
const LOOK: Duration = Duration::from_millis(100);

/// How long applying it may take.
const LONGEST_MS: i64 = 60_000;

pub(crate) async fn over_http(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<ApplyPatch>,
) -> Outcome<Json<Applied>> {
    let session = own(&platform, &signed_in, &id).await?;
    let client = Client::of(&platform, &headers);
    Ok(Json(match &body.patch {
        Some(patch) => apply_given(&platform, &client, &session, patch).await?,
        None => {
            let call = approve(&platform, &session).await?;
            outcome(&platform, &session, &call).await?
        }
    }))
}

/// Approves the newest one that waits; its call.
///
/// # Errors
/// A conflict where none waits.
pub(crate) async fn approve(platform: &Platform, session: &Session) -> Result<String, Error> {
    let (sql, now) = (&*platform.sql, platform.clock.now());
    let call = approvals::approve_newest_patch(sql, session.id, now).await?;
    call.ok_or_else(|| Error::new(ErrorKind::Conflict, "No patch waits"))
}

/// Waits until the agent's tool has applied an approved patch.
///
/// # Errors
/// A conflict where it could not be applied, a timeout where it is not known yet.
pub(crate) async fn outcome(
    platform: &Platform,
    session: &Session,
    call: &str,
) -> Result<Applied, Error> {
    let (sql, began) = (&*platform.sql, platform.clock.now());
    loop {
        let now = platform.clock.now();
        match approvals::outcome(sql, session.id, call).await? {
            Some(PatchOutcome::Applied) => {
                let changes = changes(platform, session, call).await?;
                return Ok(Applied::at(Timestamp(now), changes));
            }
            Some(PatchOutcome::Failed(why)) => return Err(Error::new(ErrorKind::Conflict, why)),
            None if now.saturating_sub(began) > LONGEST_MS => {
                let detail = "The patch is approved; whether it is applied the events tell";
                return Err(Error::new(ErrorKind::UpstreamTimeout, detail));
            }
            None => platform.clock.sleep(LOOK).await,
        }
    }
}

/// The files that an approved patch changes.
async fn changes(
    platform: &Platform,
    session: &Session,
    call: &str,
) -> Result<Vec<EditedFile>, Error> {
    let subject = approvals::subject(&*platform.sql, session.id, call).await?;
    let subject = subject.map(|subject| serde_json::from_str(&subject));
    Ok(match subject.transpose().map_err(Error::internal)? {
        Some(ApprovalSubject::Patch { changes }) => changes.iter().map(edited).collect(),
        _ => Vec::new(),
    })
}

/// Applies a patch of the person's own. It can be undone as a turn can.
///
/// # Errors
/// Refused where it is malformed, a conflict where it does not fit.
pub(crate) async fn apply_given(
    platform: &Platform,
    client: &Client,
    session: &Session,
    text: &str,
) -> Result<Applied, Error> {
    let sql = &*platform.sql;
    let settings = codex::settings(sql, session.id).await?;
    let settings = settings.ok_or_else(crate::sessions::unknown)?;
    if settings.read_only {
        let detail = "The session is read-only: nothing may be changed";
        return Err(Error::new(ErrorKind::Conflict, detail));
    }
    let site = Site {
        client: client.clone(),
        session: session.uuid,
        cwd: settings.cwd,
    };
    // Before a sandbox is launched for it.
    let patch = site.parse(text).map_err(coding::PatchFault::into_error)?;
    let launch = coding::launch(sql, session, false).await?;
    client.launch(session.uuid, &launch).await?;
    let changes = site.changes(&patch).await;
    let changes = changes.map_err(coding::PatchFault::into_error)?;
    let edits = site.edits(&changes);
    let call = new_uuid(platform);
    let name = checkpoint(platform, client, session, call).await?;
    let begun = PatchBegun {
        call_id: call.to_string(),
        auto_approved: true,
        changes: edits.clone(),
    };
    tell(client, session, vec![Event::PatchBegun(begun)]).await;
    let summary = changes.summary();
    let written = site.write(&*platform.tasks, changes).await;
    let ended = PatchEnded {
        call_id: call.to_string(),
        success: written.is_ok(),
        output: match &written {
            Ok(_) => summary,
            Err(fault) => fault.to_string(),
        },
    };
    tell(client, session, vec![Event::PatchEnded(ended)]).await;
    if let Some(name) = name
        && let Ok(diff) = client.diff(session.uuid, &name.to_string()).await
    {
        let unified_diff = coding::shown_diff(diff.unified_diff);
        tell(
            client,
            session,
            vec![Event::TurnDiff(TurnDiff { unified_diff })],
        )
        .await;
    }
    written.map_err(coding::PatchFault::into_error)?;
    let now = Timestamp(platform.clock.now());
    Ok(Applied::at(now, edits.iter().map(edited).collect()))
}

/// The way back: the checkpoint of the turn under way, if there is one, else one of its own.
async fn checkpoint(
    platform: &Platform,
    client: &Client,
    session: &Session,
    call: Uuid,
) -> Result<Option<Uuid>, Error> {
    let running = store::runs::unfinished_of(&*platform.sql, session.id).await?;
    let name = running.map_or(call, |run| run.uuid);
    Ok(match client.checkpoint(session.uuid, name).await {
        Ok(_) => Some(name),
        // Too much for one: the patch itself can be applied all the same.
        Err(error) => {
            eprintln!("session {}: no checkpoint: {error}", session.uuid);
            None
        }
    })
}

/// Tells the session's room. That the runner cannot be told undoes nothing.
pub(crate) async fn tell(client: &Client, session: &Session, events: Vec<Event>) {
    let told = client.publish(session.uuid, &Publish { events }).await;
    if let Err(error) = told {
        eprintln!("session {}: not told: {error}", session.uuid);
    }
}
