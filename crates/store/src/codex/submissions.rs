//! What is submitted to coding sessions.

use crate::{
    failure::failure,
    rows::{count_of, first, flag},
    sessions::{Scope, find},
};
use domain::{Error, ErrorKind, SessionId, SessionKey, SessionKind, UserId};
use ports::{Row, Sql};
use uuid::Uuid;

/// How many messages may wait for a turn to end.
pub const QUEUED_MOST: i64 = 16;

/// A message that is submitted.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    /// The session.
    pub session: SessionId,
    /// Whose session it must be.
    pub user: UserId,
    /// What its sender calls it.
    pub submission: &'a str,
    /// The hash of what it asks for.
    pub content_hash: &'a str,
    /// The run that it becomes.
    pub run: Uuid,
    /// Who is to answer.
    pub agent: &'a str,
    /// The body of the step that begins the run, as JSON.
    pub body: &'a str,
    /// Now.
    pub now: i64,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is stored.
    New,
    /// It was before.
    Before(Before),
}

/// A submission that was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// When.
    pub at: i64,
    /// How it was answered, as JSON: a message with `taken`, all else as [`answered`] says.
    /// Nothing while it is being done.
    pub answer: Option<String>,
}

/// Stores a message, which begins a run where none is unfinished, and waits otherwise.
///
/// # Errors
/// Not found when the session is not the user's, a conflict while too many wait and where something
/// else was submitted under that name, else what a failed statement means.
pub async fn message(sql: &dyn Sql, new: &NewMessage<'_>) -> Result<Submitted, Error> {
    const INSERT: &str = "\
        INSERT INTO codex_messages \
            (session_id, user_id, submission, content_hash, run, agent, body, created_at) \
        SELECT id, user_id, ?3, ?4, ?5, ?6, ?7, ?8 FROM sessions \
        WHERE id = ?1 AND user_id = ?2 AND kind = 'codex' \
            AND NOT EXISTS (SELECT 1 FROM codex_submissions \
                WHERE session_id = ?1 AND submission = ?3) \
            AND (SELECT COUNT(*) FROM codex_queue WHERE session_id = ?1) < ?9 \
        RETURNING run";
    let parameters = vec![
        new.session.0.into(),
        new.user.0.into(),
        new.submission.into(),
        new.content_hash.into(),
        new.run.to_string().into(),
        new.agent.into(),
        new.body.into(),
        new.now.into(),
        QUEUED_MOST.into(),
    ];
    if count_of(sql, INSERT, parameters).await? > 0 {
        return Ok(Submitted::New);
    }
    if let Some(before) = before(sql, new.session, new.submission, new.content_hash).await? {
        return Ok(Submitted::Before(before));
    }
    let scope = Scope::of(new.user, &[SessionKind::Codex]);
    let key = SessionKey::Id(new.session);
    Err(match find(sql, scope, key).await? {
        None => Error::not_found("Session not found"),
        Some(_) => {
            let detail = format!(
                "The session is busy: {QUEUED_MOST} messages wait for its turn to end already"
            );
            Error::new(ErrorKind::Conflict, detail)
        }
    })
}

/// Something else than a message that is submitted. The session is the sender's.
#[derive(Clone, Copy, Debug)]
pub struct NewSubmission<'a> {
    /// The session.
    pub session: SessionId,
    /// What its sender calls it.
    pub submission: &'a str,
    /// The hash of what it asks for.
    pub content_hash: &'a str,
    /// Now.
    pub now: i64,
    /// How long it is being done at most, in milliseconds. What has no answer then was cut off, and
    /// may be done again.
    pub done_within: i64,
}

/// Remembers a submission that is no message, before it is done.
///
/// # Errors
/// A conflict where something else was submitted under that name, else what a failed statement
/// means.
pub async fn remember(sql: &dyn Sql, new: &NewSubmission<'_>) -> Result<Submitted, Error> {
    const INSERT: &str = "\
        INSERT INTO codex_submissions (session_id, submission, content_hash, created_at) \
        SELECT id, ?2, ?3, ?4 FROM sessions WHERE id = ?1 \
        ON CONFLICT (session_id, submission) DO UPDATE SET created_at = ?4 \
        WHERE answer IS NULL AND created_at < ?4 - ?5 AND content_hash = ?3 RETURNING id";
    let parameters = vec![
        new.session.0.into(),
        new.submission.into(),
        new.content_hash.into(),
        new.now.into(),
        new.done_within.into(),
    ];
    if count_of(sql, INSERT, parameters).await? > 0 {
        return Ok(Submitted::New);
    }
    let before = before(sql, new.session, new.submission, new.content_hash).await?;
    before
        .map(Submitted::Before)
        .ok_or_else(|| Error::not_found("Session not found"))
}

/// Keeps how a submission was answered.
///
/// # Errors
/// What a failed statement means.
pub async fn answered(
    sql: &dyn Sql,
    session: SessionId,
    submission: &str,
    answer: &str,
) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE codex_submissions SET answer = ?3 WHERE session_id = ?1 AND submission = ?2";
    let parameters = vec![session.0.into(), submission.into(), answer.into()];
    let done = sql.execute(UPDATE, parameters).await;
    done.map(drop).map_err(failure)
}

/// Forgets a submission that could not be done: it may be sent again.
///
/// # Errors
/// What a failed statement means.
pub async fn forget(sql: &dyn Sql, session: SessionId, submission: &str) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM codex_submissions WHERE session_id = ?1 AND submission = ?2";
    let parameters = vec![session.0.into(), submission.into()];
    let done = sql.execute(DELETE, parameters).await;
    done.map(drop).map_err(failure)
}

/// What was submitted under that name, which must be the same.
async fn before(
    sql: &dyn Sql,
    session: SessionId,
    submission: &str,
    content_hash: &str,
) -> Result<Option<Before>, Error> {
    const SELECT: &str = "\
        SELECT created_at, answer, content_hash = ?3 FROM codex_submissions \
        WHERE session_id = ?1 AND submission = ?2";
    let before = |row: &Row| {
        let before = Before {
            at: row.get(0)?,
            answer: row.get(1)?,
        };
        Ok((before, flag(row, 2)?))
    };
    let parameters = vec![session.0.into(), submission.into(), content_hash.into()];
    match first(sql, SELECT, parameters, before).await? {
        Some((_, false)) => {
            let detail = "This id was used for something else";
            Err(Error::new(ErrorKind::Conflict, detail))
        }
        found => Ok(found.map(|(before, _)| before)),
    }
}
