//! What a list shows of sessions besides themselves.

use super::beginning;
use crate::failure::failure;
use domain::{Error, Session, SessionId};
use ports::{Row, Sql, SqlError};

/// The most letters of a message that a list shows.
const SHOWN: usize = 120;

/// What a list shows of a session besides itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How its newest message begins, if it has one.
    pub last_message: Option<String>,
    /// Whether it is being answered.
    pub running: bool,
}

/// A glance at each of `sessions`, in their order.
///
/// # Errors
/// What a failed statement means.
pub async fn glances(sql: &dyn Sql, sessions: &[Session], now: i64) -> Result<Vec<Glance>, Error> {
    const SELECT: &str = "SELECT sessions.id, ( \
            SELECT SUBSTR(content, 1, 600) FROM messages WHERE session_id = sessions.id \
                AND hidden = 0 AND (status <> 'answering' OR lease_until < ?2) ORDER BY id DESC LIMIT 1), \
            EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id \
                AND status = 'answering' AND lease_until >= ?2) \
            OR EXISTS (SELECT 1 FROM runs WHERE session_id = sessions.id \
                AND status IN ('queued', 'running')) \
         FROM sessions WHERE id IN (SELECT value FROM json_each(?1))";
    let ids: Vec<_> = sessions
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    let ids = format!("[{}]", ids.join(","));
    let rows = sql
        .execute(SELECT, vec![ids.into(), now.into()])
        .await
        .map_err(failure)?;
    let read = |row: &Row| -> Result<(SessionId, Glance), SqlError> {
        let last_message: Option<String> = row.get(1)?;
        let glance = Glance {
            last_message: last_message.and_then(|text| beginning(&text, SHOWN)),
            running: row.get::<i64>(2)? != 0,
        };
        Ok((SessionId(row.get(0)?), glance))
    };
    let found = rows.iter().map(read);
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(failure)?;
    let of = |session: &Session| {
        let glance = found.iter().find(|(id, _)| *id == session.id);
        // One that was deleted in between has nothing to show.
        glance.map(|(_, glance)| glance.clone()).unwrap_or_default()
    };
    Ok(sessions.iter().map(of).collect())
}
