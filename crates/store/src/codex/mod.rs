//! Coding sessions: how they are set up, what is submitted to them, what waits for an approval.
//!
//! Invariants: a session has its settings from its first moment; what was submitted under a name is
//! done once; a decision is made once, before its time is up, by one of those who decide at once.

pub mod approvals;
pub mod submissions;

use crate::{
    failure::failure,
    rows::{count_of, first, flag},
    runs::RunId,
    sessions::{Scope, find, has_room, unless_full},
};
use domain::{Error, Session, SessionId, SessionKey, SessionKind, UserId, event::TokenCount};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// How a coding session was set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodexSettings {
    /// The working directory, absolute, as the sandbox sees it.
    pub cwd: String,
    /// The folder of the runner's host that is its workspace, if one is.
    pub project: Option<String>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Whether a model of one's own machines shall answer.
    pub oss: bool,
    /// Whether the web may be searched.
    pub web_search: bool,
    /// The name of its profile.
    pub profile: String,
    /// Whether its sandbox has the network.
    pub network: bool,
    /// Whether nothing in its workspace may be changed.
    pub read_only: bool,
}

/// Stores a new coding session of an account that has fewer than `most` sessions. `None` when it is
/// gone.
///
/// # Errors
/// A conflict when it has as many, else what a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    uuid: Uuid,
    user: UserId,
    settings: &CodexSettings,
    now: i64,
    most: i64,
) -> Result<Option<Session>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO codex_made \
             (uuid, user_id, created_at, cwd, project, model, oss, web_search, profile, network, \
              read_only) \
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM users \
         WHERE realm = 'account' AND id = ?2 AND ",
        has_room!("?2", "?12")
    );
    let parameters = vec![
        uuid.to_string().into(),
        user.0.into(),
        now.into(),
        settings.cwd.as_str().into(),
        settings.project.clone().into(),
        settings.model.clone().into(),
        i64::from(settings.oss).into(),
        i64::from(settings.web_search).into(),
        settings.profile.as_str().into(),
        i64::from(settings.network).into(),
        i64::from(settings.read_only).into(),
        most.into(),
    ];
    sql.execute(INSERT, parameters).await.map_err(failure)?;
    let scope = Scope::of(user, &[SessionKind::Codex]);
    let made = find(sql, scope, SessionKey::Uuid(uuid)).await?;
    unless_full(sql, user, most, made).await
}

/// How a coding session was set up. `None` for a session of another kind, or none.
///
/// # Errors
/// What a failed statement means.
pub async fn settings(sql: &dyn Sql, session: SessionId) -> Result<Option<CodexSettings>, Error> {
    const SELECT: &str = "\
        SELECT cwd, project, model, oss, web_search, profile, network, read_only \
        FROM codex_sessions WHERE session_id = ?1";
    first(sql, SELECT, vec![session.0.into()], read).await
}

fn read(row: &Row) -> Result<CodexSettings, SqlError> {
    Ok(CodexSettings {
        cwd: row.get(0)?,
        project: row.get(1)?,
        model: row.get(2)?,
        oss: flag(row, 3)?,
        web_search: flag(row, 4)?,
        profile: row.get(5)?,
        network: flag(row, 6)?,
        read_only: flag(row, 7)?,
    })
}

/// Notes that what was changed since `checkpoint` was taken back. Where it is not a turn's, the
/// changes were the user's own, and nobody has to be told.
///
/// # Errors
/// What a failed statement means.
pub async fn undone(sql: &dyn Sql, session: SessionId, checkpoint: &str) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE codex_sessions SET undone = ( \
            SELECT MAX(id) FROM runs WHERE session_id = ?1) \
        WHERE session_id = ?1 \
            AND EXISTS (SELECT 1 FROM runs WHERE session_id = ?1 AND uuid = ?2)";
    let parameters = vec![session.0.into(), checkpoint.into()];
    let done = sql.execute(UPDATE, parameters).await;
    done.map(drop).map_err(failure)
}

/// Whether changes of turns were taken back between the turn before `run` and that one.
///
/// # Errors
/// What a failed statement means.
pub async fn was_undone(sql: &dyn Sql, session: SessionId, run: RunId) -> Result<bool, Error> {
    const SELECT: &str = "\
        SELECT session_id FROM codex_sessions WHERE session_id = ?1 AND undone = ( \
            SELECT MAX(id) FROM runs WHERE session_id = ?1 AND id < ?2)";
    let parameters = vec![session.0.into(), run.0.into()];
    Ok(count_of(sql, SELECT, parameters).await? > 0)
}

/// Whether `run` is the session's first turn.
///
/// # Errors
/// What a failed statement means.
pub async fn is_first_turn(sql: &dyn Sql, session: SessionId, run: RunId) -> Result<bool, Error> {
    const SELECT: &str = "SELECT id FROM runs WHERE session_id = ?1 AND id < ?2 LIMIT 1";
    let parameters = vec![session.0.into(), run.0.into()];
    Ok(count_of(sql, SELECT, parameters).await? == 0)
}

/// What all answers of the session took before `run`.
///
/// # Errors
/// What a failed statement means.
pub async fn tokens_before(
    sql: &dyn Sql,
    session: SessionId,
    run: RunId,
) -> Result<TokenCount, Error> {
    // Servers count as they like: a sum that is too large is the largest number, and no fault.
    const SELECT: &str = "\
        SELECT CAST(TOTAL(input_tokens) AS INTEGER), CAST(TOTAL(output_tokens) AS INTEGER) \
        FROM runs WHERE session_id = ?1 AND id < ?2";
    let count = |row: &Row| {
        Ok(TokenCount {
            input: row.get::<i64>(0)?.unsigned_abs(),
            output: row.get::<i64>(1)?.unsigned_abs(),
        })
    };
    let found = first(sql, SELECT, vec![session.0.into(), run.0.into()], count).await?;
    Ok(found.unwrap_or_default())
}

/// What a list shows of a coding session besides itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodexGlance {
    /// How it was set up.
    pub settings: CodexSettings,
    /// Whether a turn is under way.
    pub running: bool,
    /// How many messages wait.
    pub queued: i64,
    /// How many approvals are waited for.
    pub approvals: i64,
}

/// A glance at each of `sessions`, in their order.
///
/// # Errors
/// What a failed statement means.
pub async fn glances(
    sql: &dyn Sql,
    sessions: &[Session],
    now: i64,
) -> Result<Vec<CodexGlance>, Error> {
    const SELECT: &str = "\
        SELECT cwd, project, model, oss, web_search, profile, network, read_only, session_id, \
            EXISTS (SELECT 1 FROM runs WHERE runs.session_id = codex_sessions.session_id \
                AND status IN ('queued', 'running')), \
            (SELECT COUNT(*) FROM codex_queue \
                WHERE codex_queue.session_id = codex_sessions.session_id), \
            (SELECT COUNT(*) FROM codex_approvals \
                WHERE codex_approvals.session_id = codex_sessions.session_id \
                    AND decision IS NULL AND expires_at > ?2) \
        FROM codex_sessions WHERE session_id IN (SELECT value FROM json_each(?1))";
    let ids: Vec<_> = sessions
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    let ids = format!("[{}]", ids.join(","));
    let rows = sql.execute(SELECT, vec![ids.into(), now.into()]).await;
    let glance = |row: &Row| -> Result<(i64, CodexGlance), SqlError> {
        let glance = CodexGlance {
            settings: read(row)?,
            running: flag(row, 9)?,
            queued: row.get(10)?,
            approvals: row.get(11)?,
        };
        Ok((row.get(8)?, glance))
    };
    let found = rows.map_err(failure)?;
    let found = found.iter().map(glance);
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(failure)?;
    let of = |session: &Session| {
        let glance = found.iter().find(|(id, _)| *id == session.id.0);
        // One that was deleted in between has nothing to show.
        glance.map(|(_, glance)| glance.clone()).unwrap_or_default()
    };
    Ok(sessions.iter().map(of).collect())
}
