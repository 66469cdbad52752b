//! A message becomes a run, which the runner drives.

use crate::{stored, team};
use agent::Body;
use domain::{Error, Session, UserId};
use http::HeaderMap;
use ports::Platform;
use runner_api::{Client, RunLines, runs::Drive};
use std::time::Duration;
use store::runs::{self, Beginning, StoredRun};
use uuid::Uuid;
use web::new_uuid;

/// How often the database is asked about a run whose lines are not heard any more.
const LOOK: Duration = Duration::from_millis(500);

/// How long whoever asked waits at most: longer than a run may take and the edge be away.
const LONGEST: Duration = Duration::from_secs(45 * 60);

/// A run that has begun.
pub(super) struct Begun {
    /// The run.
    pub(super) run: Uuid,
    /// What happens in it; none where the runner drives it and cannot be heard.
    pub(super) lines: Option<RunLines>,
}

/// Stores the message and has its run driven. When the runner cannot be asked, nothing is kept.
///
/// # Errors
/// Not found, a conflict while the session is busy, or unavailable.
pub(super) async fn begin(
    platform: &Platform,
    headers: &HeaderMap,
    session: &Session,
    user: UserId,
    text: &str,
) -> Result<Begun, Error> {
    let run = new_uuid(platform);
    let agent = team::addressee(platform, session.kind, text).await?;
    let body = stored::body(&Body::User {
        run_id: run,
        message_id: new_uuid(platform),
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
    runs::begin(sql, &beginning).await?;
    let drive = Drive {
        run,
        session: session.uuid,
    };
    match Client::of(platform, headers).drive(&drive).await {
        Ok(lines) => Ok(Begun {
            run,
            lines: Some(lines),
        }),
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
pub(super) async fn ended(platform: &Platform, run: Uuid) -> Result<StoredRun, Error> {
    let began = platform.clock.now();
    loop {
        let found = runs::find(&*platform.sql, run).await?;
        let found = found.ok_or_else(|| Error::not_found("The session was deleted"))?;
        if found.status.is_final() {
            return Ok(found);
        }
        let waited = platform.clock.now().saturating_sub(began);
        if waited >= i64::try_from(LONGEST.as_millis()).unwrap_or(i64::MAX) {
            let detail = "The answer takes too long. It goes on; read the session's messages later";
            return Err(Error::new(domain::ErrorKind::UpstreamTimeout, detail));
        }
        platform.clock.sleep(LOOK).await;
    }
}
