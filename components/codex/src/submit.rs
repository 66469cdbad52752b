//! What a client wants of a session: the same over HTTP and by socket.

use crate::{patches, sessions::own};
use axum::extract::State;
use contracts::codex::{
    patches::Applied,
    submissions::{ApprovalDecision, Submission, SubmissionBody, Submitted},
};
use domain::{Error, ErrorKind, Session, Timestamp};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client,
    runs::{Drive, Executor},
};
use serde::{Deserialize, Serialize};
use store::{
    codex::{
        approvals::{self, Verdict},
        submissions::{self, NewMessage},
    },
    runs,
};
use web::{Json, Outcome, Segment, SignedBody, new_uuid};

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
    /// The patch is applied.
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
    /// The patch is applied.
    Applied(Applied),
    /// The patch of this call is approved, and about to be applied.
    Approved(String),
}

/// Does what is submitted under `name`, once.
///
/// # Errors
/// What keeps it from being done; then it may be submitted again.
pub(crate) async fn submit(
    platform: &Platform,
    client: &Client,
    session: &Session,
    name: &str,
    submission: Submission,
) -> Result<Done, Error> {
    let (sql, now) = (&*platform.sql, platform.clock.now());
    if let Submission::UserMessage { content, .. } = submission {
        return message(platform, client, session, name, content).await;
    }
    let remembered = submissions::remember(sql, session.id, name, now).await?;
    if let submissions::Submitted::Before(before) = remembered {
        return again(platform, session, &before).await;
    }
    let answer = async |answer: &Answer| {
        let answer = contracts::to_json(answer);
        submissions::answered(sql, session.id, name, &answer).await
    };
    let done = match submission {
        Submission::Interrupt => runs::interrupt(sql, session.id, now)
            .await
            .map(|_| Done::Taken(Timestamp(now))),
        Submission::Approval { id, decision } => decide(platform, session, &id, decision, now)
            .await
            .map(|()| Done::Taken(Timestamp(now))),
        Submission::ApplyPatch { patch: Some(patch) } => {
            let applied = patches::apply_given(platform, client, session, &patch).await;
            applied.map(Done::Applied)
        }
        Submission::ApplyPatch { patch: None } => match patches::approve(platform, session).await {
            Ok(call) => {
                answer(&Answer::Approved(call.clone())).await?;
                let applied = patches::outcome(platform, session, &call).await;
                applied.map(Done::Applied)
            }
            Err(error) => Err(error),
        },
        Submission::UserMessage { .. } => Ok(Done::Taken(Timestamp(now))),
    };
    match &done {
        Ok(Done::Taken(at)) => answer(&Answer::Taken(at.0)).await?,
        Ok(Done::Applied(applied)) => answer(&Answer::Applied(applied.clone())).await?,
        // What it has approved is not approved again.
        Err(error) if error.kind() == ErrorKind::UpstreamTimeout => {}
        Err(_) => submissions::forget(sql, session.id, name).await?,
    }
    done
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
        Answer::Approved(call) => patches::outcome(platform, session, &call)
            .await
            .map(Done::Applied),
    }
}

/// A message begins a turn, or waits for the one that runs to end. It is stored when this returns:
/// the runner finds what it could not be told of.
async fn message(
    platform: &Platform,
    client: &Client,
    session: &Session,
    name: &str,
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
        run,
        agent: &agent,
        body: &body,
        now,
    };
    if let submissions::Submitted::Before(before) = submissions::message(sql, &new).await? {
        return again(platform, session, &before).await;
    }
    if runs::find(sql, run).await?.is_some() {
        let drive = Drive {
            run,
            session: session.uuid,
            user: session.user_id.0,
            executor: Executor::Sandbox,
            room: None,
        };
        if let Err(error) = client.drive(&drive).await {
            eprintln!("run {run}: not driven yet: {error}");
        }
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
