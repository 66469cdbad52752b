//! What a client wants of a session: the same over HTTP and by socket.

use crate::{patches, sessions::own};
use axum::extract::State;
use contracts::codex::{
    patches::{Applied, WantedPatch},
    submissions::{ApprovalDecision, Submission, SubmissionBody, Submitted},
};
use domain::{Error, ErrorKind, Session, Timestamp};
use http::HeaderMap;
use ports::{Platform, to_its_end};
use runner_api::{Client, files::content_hash};
use serde::{Deserialize, Serialize};
use store::{
    codex::{
        approvals::{self, Verdict},
        submissions::{self, NewMessage, NewSubmission},
    },
    runs,
};
use web::{Json, Outcome, Segment, SignedBody, new_uuid};

/// How long anything but a patch that is given is being done at most, in milliseconds: a few
/// statements.
const DONE_WITHIN_MS: i64 = 60_000;

pub(crate) async fn over_http(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<SubmissionBody>,
) -> Outcome<Json<Submitted>> {
    let session = own(&platform, &signed_in, &id).await?;
    let submission = body.submission()?;
    // Over HTTP nobody says it twice under one name.
    let name = new_uuid(&platform).to_string();
    let client = Client::of(&platform, &headers);
    let done = submit(&platform, &client, &session, &name, submission).await?;
    Ok(Json(Submitted::at(done.at())))
}

/// What came of a submission.
pub(crate) enum Done {
    /// It is taken; first at that time.
    Taken(Timestamp),
    /// The patch is applied, or could be.
    Applied(Applied),
}

impl Done {
    fn at(&self) -> Timestamp {
        match self {
            Self::Taken(at) => *at,
            Self::Applied(applied) => Timestamp(applied.timestamp),
        }
    }
}

/// What is kept of it, so that the same is answered the same.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It is taken, at that time.
    Taken(i64),
    /// The patch is applied, or could be.
    Applied(Applied),
    /// It approves the patch of this call and no other, whatever comes of that.
    Approved(String),
    /// The patch was being written when the runner was not heard any more.
    Unclear,
}

/// Does what is submitted under `name`, once. It is done to its end also where nobody waits for the
/// answer any more.
///
/// # Errors
/// What keeps it from being done; then it may be submitted again. A conflict where something else
/// was submitted under that name.
pub(crate) async fn submit(
    platform: &Platform,
    client: &Client,
    session: &Session,
    name: &str,
    submission: Submission,
) -> Result<Done, Error> {
    let content_hash = content_hash(contracts::to_json(&submission).as_bytes());
    let done_within = match &submission {
        Submission::ApplyPatch(WantedPatch::Given { .. }) => patches::GIVEN_WITHIN_MS,
        _ => DONE_WITHIN_MS,
    };
    if let Submission::UserMessage { content, .. } = submission {
        return message(platform, client, session, name, &content_hash, content).await;
    }
    let new = NewSubmission {
        session: session.id,
        submission: name,
        content_hash: &content_hash,
        now: platform.clock.now(),
        done_within,
    };
    let remembered = submissions::remember(&*platform.sql, &new).await?;
    if let submissions::Submitted::Before(before) = remembered {
        return again(platform, session, &before).await;
    }
    let doing = Doing {
        platform: platform.clone(),
        client: client.clone(),
        session: session.clone(),
        name: name.to_owned(),
    };
    let done = to_its_end(&*platform.tasks, doing.all(submission)).await;
    done.unwrap_or_else(|| {
        let detail = "It was cut off. Send it again under the same id";
        Err(Error::new(ErrorKind::Unavailable, detail).retry_in(1))
    })
}

/// What was submitted before is answered as it was.
async fn again(
    platform: &Platform,
    session: &Session,
    before: &submissions::Before,
) -> Result<Done, Error> {
    let Some(answer) = &before.answer else {
        let detail = "It is being done. Send it again under the same id to learn what came of it";
        return Err(Error::new(ErrorKind::Unavailable, detail).retry_in(1));
    };
    match serde_json::from_str(answer).map_err(Error::internal)? {
        Answer::Taken(at) => Ok(Done::Taken(Timestamp(at))),
        Answer::Applied(applied) => Ok(Done::Applied(applied)),
        Answer::Approved(call) => patches::approve(platform, session, &call)
            .await
            .map(Done::Applied),
        Answer::Unclear => {
            let detail = "It is not known whether the patch was applied, whole or not at all: look \
                at the files, and submit what is missing under another id";
            Err(Error::new(ErrorKind::Conflict, detail))
        }
    }
}

/// A submission that is being done.
struct Doing {
    platform: Platform,
    client: Client,
    session: Session,
    name: String,
}

impl Doing {
    async fn all(self, submission: Submission) -> Result<Done, Error> {
        let (sql, now) = (&*self.platform.sql, self.platform.clock.now());
        let done = match submission {
            Submission::ApplyPatch(WantedPatch::Newest) => return self.newest_patch().await,
            Submission::ApplyPatch(WantedPatch::Given { text, dry_run }) => {
                return self.given_patch(&text, dry_run).await;
            }
            Submission::Approval { id, decision } => {
                decide(&self.platform, &self.session, &id, decision, now).await
            }
            Submission::Interrupt => {
                let interrupted = runs::interrupt(sql, self.session.id, now).await;
                interrupted.map(drop)
            }
            // Messages are stored as they are submitted.
            Submission::UserMessage { .. } => Ok(()),
        };
        if let Err(error) = done {
            return self.refused(error).await;
        }
        self.answered(&Answer::Taken(now)).await?;
        Ok(Done::Taken(Timestamp(now)))
    }

    /// Approves the newest patch that waits.
    async fn newest_patch(&self) -> Result<Done, Error> {
        let (platform, session) = (&self.platform, &self.session);
        let call = match patches::newest(platform, session).await {
            Ok(call) => call,
            Err(error) => return self.refused(error).await,
        };
        // Before it is approved: whatever comes of it, the same again never means another patch,
        // which nobody may have seen.
        self.answered(&Answer::Approved(call.clone())).await?;
        let applied = patches::approve(platform, session, &call).await;
        applied.map(Done::Applied)
    }

    async fn given_patch(&self, text: &str, dry_run: bool) -> Result<Done, Error> {
        let (platform, client, session) = (&self.platform, &self.client, &self.session);
        let fitting = match patches::fit(platform, client, session, text).await {
            Ok(fitting) => fitting,
            Err(error) => return self.refused(error).await,
        };
        if dry_run {
            let verified = fitting.verified(Timestamp(platform.clock.now()));
            self.answered(&Answer::Applied(verified.clone())).await?;
            return Ok(Done::Applied(verified));
        }
        let written = match fitting.write(platform, client, session).await {
            Ok(written) => written,
            Err(error) => return self.refused(error).await,
        };
        // Before anything else is done about it: it may be asked for already.
        let kept = match &written.outcome {
            Ok(applied) => self.answered(&Answer::Applied(applied.clone())).await,
            Err(fault) if fault.is_certain() => self.forgotten().await,
            Err(_) => self.answered(&Answer::Unclear).await,
        };
        written.tell(client, session).await;
        kept?;
        let applied = written.outcome.map_err(coding::PatchFault::into_error)?;
        Ok(Done::Applied(applied))
    }

    /// Nothing was done: it may be submitted again.
    async fn refused(&self, why: Error) -> Result<Done, Error> {
        self.forgotten().await?;
        Err(why)
    }

    async fn answered(&self, answer: &Answer) -> Result<(), Error> {
        let answer = contracts::to_json(answer);
        submissions::answered(&*self.platform.sql, self.session.id, &self.name, &answer).await
    }

    async fn forgotten(&self) -> Result<(), Error> {
        submissions::forget(&*self.platform.sql, self.session.id, &self.name).await
    }
}

/// A message begins a turn, or waits for the one that runs to end. It is stored when this returns:
/// the runner finds what it could not be told of.
async fn message(
    platform: &Platform,
    client: &Client,
    session: &Session,
    name: &str,
    content_hash: &str,
    text: String,
) -> Result<Done, Error> {
    let (sql, now) = (&*platform.sql, platform.clock.now());
    let agent = coding::answering(platform, session.id).await?;
    let run = new_uuid(platform);
    let body = agent::Body::User {
        run_id: run,
        message_id: new_uuid(platform),
        text,
    };
    let body = serde_json::to_string(&body).map_err(Error::internal)?;
    let new = NewMessage {
        session: session.id,
        user: session.user_id,
        submission: name,
        content_hash,
        run,
        agent: &agent,
        body: &body,
        now,
    };
    if let submissions::Submitted::Before(before) = submissions::message(sql, &new).await? {
        return again(platform, session, &before).await;
    }
    if runs::find(sql, run).await?.is_some() {
        coding::drive(client, run, session.uuid, session.user_id.0).await;
    }
    Ok(Done::Taken(Timestamp(now)))
}

async fn decide(
    platform: &Platform,
    session: &Session,
    call_id: &str,
    decision: ApprovalDecision,
    now: i64,
) -> Result<(), Error> {
    let verdict = match decision {
        ApprovalDecision::Approved => Verdict::Approved,
        ApprovalDecision::ApprovedForSession => Verdict::ApprovedForSession,
        ApprovalDecision::Denied => Verdict::Denied,
    };
    if approvals::decide(&*platform.sql, session.id, call_id, verdict, now).await? {
        return Ok(());
    }
    let detail = "Nothing waits for an approval under that id";
    Err(Error::new(ErrorKind::Conflict, detail))
}
