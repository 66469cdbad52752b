//! Runs: one turn of agents each.
//!
//! Invariants: a session has at most one unfinished run; a run is executed by whoever holds its
//! lease; a run that was stored with its user's message goes with it when it is taken back.

use crate::{
    failure::failure,
    rows::{count_of, first, flag, known, uuid},
    sessions::Scope,
};
use domain::{Error, ErrorKind, SessionId, SessionKey, SessionKind, Usage, UserId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read`] reads of a table `runs`.
macro_rules! columns {
    () => {
        "runs.id, runs.uuid, runs.session_id, \
         (SELECT sessions.uuid FROM sessions WHERE sessions.id = runs.session_id), \
         (SELECT sessions.kind FROM sessions WHERE sessions.id = runs.session_id), \
         runs.user_id, runs.status, runs.reason, runs.detail, \
         runs.input_tokens, runs.output_tokens, runs.cost, runs.estimated"
    };
}

/// How many columns these are.
const COLUMNS: usize = 13;

/// A run's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub i64);

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Stored; nobody has executed it yet.
    Queued,
    /// Being executed, or to be executed on.
    Running,
    /// It did what it was to do.
    Succeeded,
    /// It did not.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl RunStatus {
    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Succeeded,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// Its number.
    pub id: RunId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Its session.
    pub session: SessionId,
    /// The session's number for the outside.
    pub session_uuid: Uuid,
    /// The session's kind.
    pub session_kind: SessionKind,
    /// Whose it is.
    pub user: UserId,
    /// How far it is.
    pub status: RunStatus,
    /// What ended it, in one word.
    pub reason: Option<String>,
    /// The same in a sentence.
    pub detail: Option<String>,
    /// What it had used when it was read.
    pub usage: Usage,
}

/// A run that was taken to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The run.
    pub run: StoredRun,
    /// Whether somebody asked for it to be stopped.
    pub is_to_stop: bool,
    /// Whether something was done in it before.
    pub goes_on: bool,
}

/// Who executes a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run: RunId,
    /// The holder's own token.
    pub token: String,
}

/// A run that is to be stored with the user's message that begins it.
#[derive(Clone, Debug)]
pub struct Beginning<'a> {
    /// The run.
    pub uuid: Uuid,
    /// Its session.
    pub session: SessionId,
    /// Whose session it must be.
    pub user: UserId,
    /// Who is to answer.
    pub agent: Option<&'a str>,
    /// The body of the user's step, as JSON.
    pub body: &'a str,
    /// What the run needs to know, as JSON.
    pub options: &'a str,
    /// Now.
    pub now: i64,
}

/// Stores a run, the user's step and the user's message: all or nothing. It goes on from the
/// branch that is shown.
///
/// # Errors
/// Not found when the session is not the user's, a conflict while a run of it is unfinished, else
/// what a failed statement means.
pub async fn begin(sql: &dyn Sql, beginning: &Beginning<'_>) -> Result<(), Error> {
    insert(sql, beginning, None).await
}

/// The same in a branch of its own, which is shown from then on: what came before `run` comes
/// before this one too. Where the body names a message that is there, that one is answered again.
///
/// # Errors
/// As [`begin`].
pub async fn begin_beside(
    sql: &dyn Sql,
    beginning: &Beginning<'_>,
    run: RunId,
) -> Result<(), Error> {
    insert(sql, beginning, Some(run.0)).await
}

async fn insert(
    sql: &dyn Sql,
    beginning: &Beginning<'_>,
    beside: Option<i64>,
) -> Result<(), Error> {
    const INSERT: &str = "\
        INSERT INTO beginnings \
            (uuid, session_id, user_id, options, created_at, agent, body, beside) \
        SELECT ?1, id, user_id, ?4, ?5, ?6, ?7, ?8 FROM sessions \
        WHERE id = ?2 AND user_id = ?3 AND NOT EXISTS ( \
            SELECT 1 FROM runs WHERE session_id = ?2 AND status IN ('queued', 'running')) \
            AND (?8 IS NULL OR ?8 IN (SELECT id FROM runs WHERE session_id = ?2)) \
        RETURNING uuid";
    let parameters = vec![
        beginning.uuid.to_string().into(),
        beginning.session.0.into(),
        beginning.user.0.into(),
        beginning.options.into(),
        beginning.now.into(),
        beginning.agent.into(),
        beginning.body.into(),
        beside.into(),
    ];
    if count_of(sql, INSERT, parameters).await? > 0 {
        return Ok(());
    }
    let scope = Scope::of(beginning.user, &SessionKind::OF_ACCOUNTS);
    let key = SessionKey::Id(beginning.session);
    Err(match crate::sessions::find(sql, scope, key).await? {
        None => Error::not_found("Session not found"),
        Some(_) => busy(),
    })
}

/// The session's last message is still being answered.
pub(crate) fn busy() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "The session is busy: its last message is still being answered",
    )
}

/// Takes a run back that nobody has begun to execute, with its message. `false` when somebody has.
///
/// # Errors
/// What a failed statement means.
pub async fn take_back(sql: &dyn Sql, run: Uuid) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM runs WHERE uuid = ?1 AND status = 'queued' RETURNING id";
    Ok(count_of(sql, DELETE, vec![run.to_string().into()]).await? > 0)
}

/// The run of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn find(sql: &dyn Sql, run: Uuid) -> Result<Option<StoredRun>, Error> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM runs WHERE runs.uuid = ?1");
    first(sql, SELECT, vec![run.to_string().into()], read).await
}

/// The session's unfinished run.
///
/// # Errors
/// What a failed statement means.
pub async fn unfinished_of(sql: &dyn Sql, session: SessionId) -> Result<Option<StoredRun>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM runs WHERE runs.session_id = ?1 AND runs.status IN ('queued', 'running')"
    );
    first(sql, SELECT, vec![session.0.into()], read).await
}

/// Takes the run to execute it until `until`. `None` when it has ended, is gone, or somebody else
/// holds it.
///
/// # Errors
/// What a failed statement means.
pub async fn take(
    sql: &dyn Sql,
    run: Uuid,
    token: &str,
    now: i64,
    until: i64,
) -> Result<Option<Taken>, Error> {
    const UPDATE: &str = concat!(
        "UPDATE runs SET status = 'running', lease = ?2, lease_until = ?4, \
             started_at = COALESCE(started_at, ?3) \
         WHERE uuid = ?1 AND status IN ('queued', 'running') \
             AND (lease IS NULL OR lease_until < ?3) \
         RETURNING ",
        columns!(),
        ", runs.interrupt_at IS NOT NULL, \
         EXISTS (SELECT 1 FROM steps WHERE steps.run_id = runs.id AND steps.kind <> 'user')"
    );
    let parameters = vec![
        run.to_string().into(),
        token.into(),
        now.into(),
        until.into(),
    ];
    let taken = |row: &Row| {
        Ok(Taken {
            run: read(row)?,
            is_to_stop: flag(row, COLUMNS)?,
            goes_on: flag(row, COLUMNS + 1)?,
        })
    };
    first(sql, UPDATE, parameters, taken).await
}

/// Renews a lease to `until`. `None` when it is lost, or the run is gone; else whether somebody
/// asked for the run to be stopped.
///
/// # Errors
/// What a failed statement means.
pub async fn renew(sql: &dyn Sql, lease: &Lease, until: i64) -> Result<Option<bool>, Error> {
    const UPDATE: &str = "\
        UPDATE runs SET lease_until = ?3 WHERE id = ?1 AND lease = ?2 \
        RETURNING interrupt_at IS NOT NULL";
    let parameters = vec![
        lease.run.0.into(),
        lease.token.as_str().into(),
        until.into(),
    ];
    let flag = |row: &Row| Ok(row.get::<i64>(0)? != 0);
    first(sql, UPDATE, parameters, flag).await
}

/// Looks as [`renew`] does, and renews nothing.
///
/// # Errors
/// What a failed statement means.
pub async fn look(sql: &dyn Sql, lease: &Lease) -> Result<Option<bool>, Error> {
    const SELECT: &str = "SELECT interrupt_at IS NOT NULL FROM runs WHERE id = ?1 AND lease = ?2";
    let parameters = vec![lease.run.0.into(), lease.token.as_str().into()];
    let flag = |row: &Row| Ok(row.get::<i64>(0)? != 0);
    first(sql, SELECT, parameters, flag).await
}

/// Whether somebody asked for the run to be stopped.
///
/// # Errors
/// What a failed statement means.
pub async fn is_to_stop(sql: &dyn Sql, run: RunId) -> Result<bool, Error> {
    const SELECT: &str = "SELECT id FROM runs WHERE id = ?1 AND interrupt_at IS NOT NULL";
    Ok(count_of(sql, SELECT, vec![run.0.into()]).await? > 0)
}

/// Gives a lease back, so that the next need not wait until it runs out.
///
/// # Errors
/// What a failed statement means.
pub async fn release(sql: &dyn Sql, lease: &Lease) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE runs SET lease = NULL, lease_until = NULL WHERE id = ?1 AND lease = ?2";
    let parameters = vec![lease.run.0.into(), lease.token.as_str().into()];
    sql.execute(UPDATE, parameters)
        .await
        .map(drop)
        .map_err(failure)
}

/// Asks for the session's unfinished run to be stopped. `false` when it has none.
///
/// # Errors
/// What a failed statement means.
pub async fn interrupt(sql: &dyn Sql, session: SessionId, now: i64) -> Result<bool, Error> {
    const UPDATE: &str = "\
        UPDATE runs SET interrupt_at = COALESCE(interrupt_at, ?2) \
        WHERE session_id = ?1 AND status IN ('queued', 'running') RETURNING id";
    let parameters = vec![session.0.into(), now.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// A run that is to be driven on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The run.
    pub run: Uuid,
    /// Its session.
    pub session: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// Its session's kind.
    pub kind: SessionKind,
    /// The room that its events go to, if not its session's own.
    pub room: Option<Uuid>,
    /// When it was stored.
    pub created_at: i64,
}

/// Unfinished runs, and those that ended after `ended`, at most `most`: the first of each user,
/// then the second of each, and so on, so that nobody's many keep those of others from the list.
/// A user's oldest comes first, and one that has ended after all that have not.
///
/// # Errors
/// What a failed statement means.
pub async fn unfinished(
    sql: &dyn Sql,
    ended: Option<i64>,
    most: i64,
) -> Result<Vec<Unfinished>, Error> {
    const SELECT: &str = "\
        SELECT run, session, kind, created_at, room, user_id FROM ( \
            SELECT runs.id AS id, runs.uuid AS run, sessions.uuid AS session, \
                sessions.kind AS kind, runs.created_at AS created_at, \
                CASE sessions.kind WHEN 'studio' THEN users.uuid END AS room, \
                runs.user_id AS user_id, \
                ROW_NUMBER() OVER (PARTITION BY runs.user_id \
                    ORDER BY runs.ended_at IS NOT NULL, runs.id) AS place \
            FROM runs JOIN sessions ON sessions.id = runs.session_id \
                JOIN users ON users.id = sessions.user_id \
            WHERE runs.id IN ( \
                SELECT id FROM runs WHERE status IN ('queued', 'running') \
                UNION ALL SELECT id FROM runs WHERE ended_at > ?2)) \
        ORDER BY place, id LIMIT ?1";
    let rows = sql.execute(SELECT, vec![most.into(), ended.into()]).await;
    let rows = rows.map_err(failure)?;
    let read = |row: &Row| {
        Ok(Unfinished {
            run: uuid(row, 0)?,
            session: uuid(row, 1)?,
            user: UserId(row.get(5)?),
            kind: known(row, 2, SessionKind::parse)?,
            room: optional_uuid(row, 4)?,
            created_at: row.get(3)?,
        })
    };
    let found = rows.iter().map(read);
    found.collect::<Result<_, SqlError>>().map_err(failure)
}

/// The room that the session shares with others, where it has none of its own: in `studio` that
/// of its user.
///
/// # Errors
/// What a failed statement means.
pub async fn shared_room(sql: &dyn Sql, session: SessionId) -> Result<Option<Uuid>, Error> {
    const SELECT: &str = "\
        SELECT users.uuid FROM sessions JOIN users ON users.id = sessions.user_id \
        WHERE sessions.id = ?1 AND sessions.kind = 'studio'";
    first(sql, SELECT, vec![session.0.into()], |row| uuid(row, 0)).await
}

fn optional_uuid(row: &Row, column: usize) -> Result<Option<Uuid>, SqlError> {
    match row.get::<Option<String>>(column)? {
        Some(_) => uuid(row, column).map(Some),
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<StoredRun, SqlError> {
    Ok(StoredRun {
        id: RunId(row.get(0)?),
        uuid: uuid(row, 1)?,
        session: SessionId(row.get(2)?),
        session_uuid: uuid(row, 3)?,
        session_kind: known(row, 4, SessionKind::parse)?,
        user: UserId(row.get(5)?),
        status: known(row, 6, RunStatus::parse)?,
        reason: row.get(7)?,
        detail: row.get(8)?,
        usage: Usage {
            input: row.get(9)?,
            output: row.get(10)?,
            cost: row.get(11)?,
            estimated: flag(row, 12)?,
        },
    })
}
