//! A message becomes a run, which the runner drives.

use crate::{stored, team};
use agent::Body;
use domain::{Error, Session, SessionKind, UserId};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client, RunLines,
    runs::{Drive, Executor, Hearing, LONGEST_WAIT},
};
use std::time::Duration;
use store::runs::{self, Beginning, RunId, StoredRun};
use uuid::Uuid;
use web::new_uuid;

/// How often the database is asked about a run whose lines are not heard any more.
const LOOK: Duration = Duration::from_millis(500);

/// A run that has begun.
pub struct Begun {
    /// The run.
    pub run: Uuid,
    /// What is to be heard of it; none where nobody wanted to, or the runner drives it and cannot
    /// be heard.
    pub lines: Option<RunLines>,
}

/// What a run begins a branch beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The run that it takes the place of: what came before that one comes before this one.
    pub run: RunId,
    /// The message of that run that is answered again; without, a new one takes its place.
    pub message: Option<Uuid>,
}

/// Stores the message and has its run driven. Whoever asks hears what it wants to of the run. When
/// the runner cannot be asked, nothing is kept.
///
/// # Errors
/// Not found, a conflict while the session is busy, or unavailable.
pub async fn begin(
    platform: &Platform,
    headers: &HeaderMap,
    session: &Session,
    user: UserId,
    text: &str,
    hearing: Option<Hearing>,
) -> Result<Begun, Error> {
    start(platform, headers, session, user, text, None, hearing).await
}

/// The same in a branch of its own, which is shown from then on.
///
/// # Errors
/// As [`begin`].
pub async fn begin_beside(
    platform: &Platform,
    headers: &HeaderMap,
    session: &Session,
    user: UserId,
    text: &str,
    beside: Beside,
    hearing: Hearing,
) -> Result<Begun, Error> {
    let (beside, hearing) = (Some(beside), Some(hearing));
    start(platform, headers, session, user, text, beside, hearing).await
}

async fn start(
    platform: &Platform,
    headers: &HeaderMap,
    session: &Session,
    user: UserId,
    text: &str,
    beside: Option<Beside>,
    hearing: Option<Hearing>,
) -> Result<Begun, Error> {
    let run = new_uuid(platform);
    let agent = team::addressee(platform, session, text).await?;
    let message = beside.and_then(|beside| beside.message);
    let body = stored::body(&Body::User {
        run_id: run,
        message_id: message.unwrap_or_else(|| new_uuid(platform)),
        text: text.to_owned(),
    })?;
    let beginning = Beginning {
        uuid: run,
        session: session.id,
        user,
        agent: Some(&agent),
        body: &body,
        options: "{}",
        now: platform.clock.now(),
    };
    let sql = &*platform.sql;
    match beside {
        None => runs::begin(sql, &beginning).await?,
        Some(beside) => runs::begin_beside(sql, &beginning, beside.run).await?,
    }
    let drive = Drive {
        run,
        session: session.uuid,
        user: session.user_id.0,
        executor: Executor::of(session.kind),
        room: match session.kind {
            SessionKind::Studio => runs::shared_room(sql, session.id).await?,
            // Every other session has a room of its own.
            _ => None,
        },
    };
    let client = Client::of(platform, headers);
    let driven = match hearing {
        Some(hearing) => client.listen(&drive, hearing).await.map(Some),
        None => client.drive(&drive).await.map(|()| None),
    };
    match driven {
        Ok(lines) => Ok(Begun { run, lines }),
        // What it has begun to execute it also finishes, heard or not.
        Err(error) => match runs::take_back(sql, run).await? {
            true => Err(error),
            false => Ok(Begun { run, lines: None }),
        },
    }
}

/// Waits until the run has ended, and returns it.
///
/// # Errors
/// Not found when the session was deleted meanwhile, a timeout when it takes too long.
pub async fn ended(platform: &Platform, run: Uuid) -> Result<StoredRun, Error> {
    let began = platform.clock.now();
    loop {
        let found = runs::find(&*platform.sql, run).await?;
        let found = found.ok_or_else(|| Error::not_found("The session was deleted"))?;
        if found.status.is_final() {
            return Ok(found);
        }
        let waited = platform.clock.now().saturating_sub(began);
        if waited >= i64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(i64::MAX) {
            let detail = "The answer takes too long. It goes on; read the session's messages later";
            return Err(Error::new(domain::ErrorKind::UpstreamTimeout, detail));
        }
        platform.clock.sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_waited_for_longer_than_it_may_work() {
        assert!(LONGEST_WAIT > agent::Limits::default().time);
    }
}
