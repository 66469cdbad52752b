//! Patches that are applied: the newest one that waits for its approval, or one that is given.
//!
//! Invariant: a patch that is given is looked at, its way back is kept, and only then it is written;
//! each of these takes no longer than [`GIVEN_WITHIN_MS`] allows for.

use crate::{pending::edited, sessions::own};
use axum::extract::State;
use coding::{Approval, PatchFault, Profiles, Seen, Site};
use contracts::codex::patches::{Applied, ApplyPatch, EditedFile, WantedPatch};
use domain::{
    Error, ErrorKind, Event, Session, Timestamp,
    event::{ApprovalSubject, FileEdit, PatchBegun, PatchEnded},
};
use futures::future::{Either, select};
use http::HeaderMap;
use ports::Platform;
use runner_api::{Client, rooms::Publish};
use std::{future::ready, pin::pin, time::Duration};
use store::codex::{
    self,
    approvals::{self, PatchOutcome, Verdict},
};
use uuid::Uuid;
use web::{Json, Outcome, Segment, SignedBodyIfAny, new_uuid};

/// How often it is looked whether an approved patch is applied.
const LOOK: Duration = Duration::from_millis(100);

/// How long applying it may take.
const LONGEST_MS: i64 = 60_000;

/// How long a patch may be looked at: its sandbox may have to be launched first, which takes five
/// minutes at most, and then each of its files is asked for.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(7 * 60);

/// How long it takes at most until it is known what became of a patch that is given, in
/// milliseconds: seven minutes to look at it, two for the checkpoint, half a minute to announce it,
/// two minutes to look at it again and half a minute to write it. The rest is to spare: whoever asks
/// again may have another clock.
pub(crate) const GIVEN_WITHIN_MS: i64 = 15 * 60_000;

pub(crate) async fn over_http(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<ApplyPatch>,
) -> Outcome<Json<Applied>> {
    let session = own(&platform, &signed_in, &id).await?;
    let client = Client::of(&platform, &headers);
    Ok(Json(match body.wanted()? {
        WantedPatch::Newest => {
            let call = newest(&platform, &session).await?;
            approve(&platform, &session, &call).await?
        }
        WantedPatch::Given { text, dry_run } => {
            let fitting = fit(&platform, &client, &session, &text).await?;
            match dry_run {
                true => fitting.verified(Timestamp(platform.clock.now())),
                false => {
                    let written = fitting.write(&platform, &client, &session).await?;
                    written.tell(&client, &session).await;
                    written.outcome.map_err(PatchFault::into_error)?
                }
            }
        }
    }))
}

/// The call of the newest one that waits.
///
/// # Errors
/// A conflict where none waits.
pub(crate) async fn newest(platform: &Platform, session: &Session) -> Result<String, Error> {
    let (sql, now) = (&*platform.sql, platform.clock.now());
    let call = approvals::newest_patch(sql, session.id, now).await?;
    call.ok_or_else(|| Error::new(ErrorKind::Conflict, "No patch waits"))
}

/// Approves the patch of a call, unless that is done already, and waits until it is applied.
///
/// # Errors
/// A conflict where it waits no more or could not be applied, a timeout where that is not known yet.
pub(crate) async fn approve(
    platform: &Platform,
    session: &Session,
    call: &str,
) -> Result<Applied, Error> {
    let (sql, now) = (&*platform.sql, platform.clock.now());
    let verdict = Verdict::Approved;
    if !approvals::decide(sql, session.id, call, verdict, now).await? {
        let said = approvals::said(sql, session.id, call).await?;
        if !said.flatten().is_some_and(Verdict::is_yes) {
            let detail = "The patch does not wait any more";
            return Err(Error::new(ErrorKind::Conflict, detail));
        }
    }
    outcome(platform, session, call).await
}

/// Waits until the agent's tool has applied an approved patch.
///
/// # Errors
/// A conflict where it could not be applied, a timeout where it is not known yet.
async fn outcome(platform: &Platform, session: &Session, call: &str) -> Result<Applied, Error> {
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

/// A patch of the person's own that fits the files as they are.
pub(crate) struct Fitting {
    site: Site,
    text: String,
    edits: Vec<FileEdit>,
    seen: Seen,
}

/// Looks at a patch of the person's own. Nothing is written.
///
/// # Errors
/// Refused where it is malformed, a conflict where it does not fit, a timeout where the sandbox is
/// not ready in time.
pub(crate) async fn fit(
    platform: &Platform,
    client: &Client,
    session: &Session,
    text: &str,
) -> Result<Fitting, Error> {
    let looking = pin!(look(platform, client, session, text));
    match select(looking, platform.clock.sleep(LOOKED_AT_WITHIN)).await {
        Either::Left((fitting, _)) => fitting,
        Either::Right(_) => {
            let detail = "The sandbox was not ready in time; nothing was changed";
            Err(Error::new(ErrorKind::UpstreamTimeout, detail))
        }
    }
}

async fn look(
    platform: &Platform,
    client: &Client,
    session: &Session,
    text: &str,
) -> Result<Fitting, Error> {
    let sql = &*platform.sql;
    let settings = codex::settings(sql, session.id).await?;
    let settings = settings.ok_or_else(crate::sessions::unknown)?;
    // By the profile as it is today, which holds for the agent too.
    let profiles = Profiles::configured(platform).await?;
    let profile = profiles.get(&settings.profile).cloned().unwrap_or_default();
    if profile.approval_of(&settings) == Approval::ReadOnly {
        let detail = "The session is read-only: nothing may be changed";
        return Err(Error::new(ErrorKind::Conflict, detail));
    }
    let site = Site {
        platform: platform.clone(),
        client: client.clone(),
        session: session.uuid,
        cwd: settings.cwd,
    };
    // Before a sandbox is launched for it.
    site.check(text).map_err(PatchFault::into_error)?;
    let launch = coding::launch(sql, session, false).await?;
    client.launch(session.uuid, &launch).await?;
    let looked = site.look(text).await;
    let (edits, seen) = looked.map_err(PatchFault::into_error)?;
    Ok(Fitting {
        site,
        text: text.to_owned(),
        edits,
        seen,
    })
}

impl Fitting {
    /// The answer to a dry run at `now`.
    pub(crate) fn verified(&self, now: Timestamp) -> Applied {
        Applied::verified(now, self.files())
    }

    /// Writes it, if the files are what they were. It can be undone as a turn can.
    ///
    /// # Errors
    /// What keeps it from being begun: nothing is written.
    pub(crate) async fn write(
        self,
        platform: &Platform,
        client: &Client,
        session: &Session,
    ) -> Result<Written, Error> {
        let call = new_uuid(platform);
        let checkpoint = checkpoint(platform, client, session, call).await?;
        let begun = PatchBegun {
            call_id: call.to_string(),
            auto_approved: true,
            changes: self.edits.clone(),
        };
        tell(client, session, vec![Event::PatchBegun(begun)]).await;
        let files = self.files();
        let written = self.site.apply(self.text, Some(self.seen), |_| ready(()));
        let written = written.await;
        let now = Timestamp(platform.clock.now());
        let (summary, outcome) = match written {
            Ok(patched) => (patched.summary, Ok(Applied::at(now, files))),
            Err(fault) => (String::new(), Err(fault)),
        };
        Ok(Written {
            call,
            checkpoint,
            summary,
            outcome,
        })
    }

    fn files(&self) -> Vec<EditedFile> {
        self.edits.iter().map(edited).collect()
    }
}

/// A patch of the person's own that was written, or could not be.
pub(crate) struct Written {
    call: Uuid,
    /// The way back, if there is one.
    checkpoint: Option<Uuid>,
    summary: String,
    pub(crate) outcome: Result<Applied, PatchFault>,
}

impl Written {
    /// Tells the session's room what became of it, and of the files.
    pub(crate) async fn tell(&self, client: &Client, session: &Session) {
        let ended = PatchEnded {
            call_id: self.call.to_string(),
            success: self.outcome.is_ok(),
            output: match &self.outcome {
                Ok(_) => self.summary.clone(),
                Err(fault) => fault.to_string(),
            },
        };
        tell(client, session, vec![Event::PatchEnded(ended)]).await;
        let Some(name) = self.checkpoint else {
            return;
        };
        match client.diff(session.uuid, &name.to_string()).await {
            Ok(diff) => {
                let diff = Event::TurnDiff(coding::shown_diff(diff));
                tell(client, session, vec![diff]).await;
            }
            Err(error) => eprintln!("session {}: changes not known: {error}", session.uuid),
        }
    }
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
            let warning = coding::no_checkpoint("patch", &error);
            tell(client, session, vec![Event::Warning(warning)]).await;
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
