//! `POST /internal/sockets/codex`: the runner passes on what was said on a session's socket.

use crate::{
    sessions::{KINDS, unknown},
    submit::{self, Done},
};
use axum::extract::State;
use contracts::codex::{frames, submissions::SubmissionBody};
use domain::{Error, LoginId, Session, SessionKey, Timestamp, UserId};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client,
    edge::{Replies, Said},
};
use store::sessions::{Scope, find};
use web::{Decoded, Json, Outcome, Runner};

/// What is wrong with a submission is said on the socket; that the session is gone, to the runner.
pub(crate) async fn said(
    State(platform): State<Platform>,
    _: Runner,
    headers: HeaderMap,
    Decoded(said): Decoded<Said>,
) -> Outcome<Json<Replies>> {
    let session = session(&platform, &said).await?;
    let name = said.id.as_deref().unwrap_or_default();
    let done = match SubmissionBody::read(&said.payload).and_then(SubmissionBody::submission) {
        Ok(submission) => {
            let client = Client::of(&platform, &headers);
            submit::submit(&platform, &client, &session, name, submission).await
        }
        Err(error) => Err(error),
    };
    let now = Timestamp(platform.clock.now());
    let frame = match done {
        Ok(Done::Taken(at)) => frames::submitted(at, name),
        Ok(Done::Applied(applied)) => frames::applied(name, &applied),
        Err(error) => {
            if let Some(cause) = std::error::Error::source(&error) {
                eprintln!("session {}: {error}: {cause}", session.uuid);
            }
            frames::refused(now, name, &error)
        }
    };
    Ok(Json(Replies {
        frames: vec![frame],
    }))
}

async fn session(platform: &Platform, said: &Said) -> Result<Session, Error> {
    let uuid = said.session.ok_or_else(unknown)?;
    let (logins, now) = ([LoginId(said.login)], platform.clock.now());
    let ended = store::logins::ended(&*platform.sql, &logins, now);
    if !ended.await?.is_empty() {
        let detail = "The login has ended";
        return Err(Error::new(domain::ErrorKind::Unauthenticated, detail));
    }
    let scope = Scope::of(UserId(said.user), &KINDS);
    let found = find(&*platform.sql, scope, SessionKey::Uuid(uuid)).await?;
    found.ok_or_else(unknown)
}
