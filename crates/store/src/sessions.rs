//! Sessions of accounts, of every kind but the open chat's.
//!
//! Invariant: every statement says whose session it is about, so that nobody reaches another's by
//! a check that was forgotten.

mod glance;
mod gone;
mod workflow;

pub use glance::{Glance, glances};
pub use gone::gone;
pub use workflow::{insert_about, list_about, workflows_of};

use crate::{
    Listed, Window,
    failure::failure,
    rows::{count_of, first, known, uuid},
};
use domain::{
    Error, ErrorKind, Session, SessionId, SessionKey, SessionKind, SessionTitle, Timestamp, UserId,
};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// What a session without a title is called after: how its first message from a person begins.
macro_rules! first_message {
    () => {
        "CASE WHEN sessions.title IS NULL THEN ( \
             SELECT SUBSTR(messages.content, 1, 400) FROM messages \
             WHERE messages.session_id = sessions.id AND messages.role = 'user' \
                 AND messages.hidden = 0 \
             ORDER BY messages.id LIMIT 1) END"
    };
}
pub(crate) use first_message;

/// What [`read`] reads. A session was last changed when it was renamed or written in.
macro_rules! session_columns {
    () => {
        concat!(
            "sessions.id, sessions.uuid, sessions.kind, sessions.user_id, sessions.title, \
             sessions.created_at, \
             MAX(sessions.created_at, COALESCE(sessions.updated_at, 0), COALESCE(( \
                 SELECT messages.created_at FROM messages \
                 WHERE messages.session_id = sessions.id \
                 ORDER BY messages.id DESC LIMIT 1), 0)), ",
            $crate::sessions::first_message!()
        )
    };
}
pub(crate) use session_columns;

/// The condition that the user in one parameter has fewer sessions than the number in another, of
/// whatever kind.
macro_rules! has_room {
    ($user:literal, $most:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM sessions WHERE sessions.user_id = ",
            $user,
            ") < ",
            $most
        )
    };
}
pub(crate) use has_room;

/// The most letters of a title that is made from a message.
const MADE_TITLE: usize = 80;

/// Which sessions a request may be about.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Whose; `None` is anybody's, for administrators.
    pub user: Option<UserId>,
    /// Of which kinds.
    pub kinds: &'a [SessionKind],
}

impl<'a> Scope<'a> {
    /// Those of `user`.
    #[must_use]
    pub fn of(user: UserId, kinds: &'a [SessionKind]) -> Self {
        Self {
            user: Some(user),
            kinds,
        }
    }

    /// As a condition; parameters 1 and 2 are its own.
    fn condition(self) -> &'static str {
        match self.user {
            Some(_) => {
                "sessions.user_id = ?1 AND sessions.kind IN (SELECT value FROM json_each(?2))"
            }
            None => "?1 IS NULL AND sessions.kind IN (SELECT value FROM json_each(?2))",
        }
    }

    fn parameters(self) -> Vec<Value> {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        // Names of kinds need no escape.
        let kinds = format!("[\"{}\"]", kinds.join("\",\""));
        vec![self.user.map(|user| user.0).into(), kinds.into()]
    }

    /// As a condition for one session; parameter 3 is its key.
    fn condition_for(self, key: SessionKey) -> (String, Vec<Value>) {
        let (column, value): (_, Value) = match key {
            SessionKey::Uuid(uuid) => ("uuid", uuid.to_string().into()),
            SessionKey::Id(id) => ("id", id.0.into()),
        };
        let mut parameters = self.parameters();
        parameters.push(value);
        let condition = format!("{} AND sessions.{column} = ?3", self.condition());
        (condition, parameters)
    }
}

/// Stores a new session of an account that has fewer than `most`. `None` when it is gone.
///
/// # Errors
/// A conflict when it has as many, else what a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    uuid: Uuid,
    kind: SessionKind,
    user: UserId,
    title: Option<&SessionTitle>,
    now: i64,
    most: i64,
) -> Result<Option<Session>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO sessions (uuid, kind, user_id, title, created_at) \
         SELECT ?1, ?2, id, ?4, ?5 FROM users WHERE realm = 'account' AND id = ?3 AND ",
        has_room!("?3", "?6"),
        " RETURNING ",
        session_columns!()
    );
    let parameters = vec![
        uuid.to_string().into(),
        kind.as_str().into(),
        user.0.into(),
        title.map(SessionTitle::as_str).into(),
        now.into(),
        most.into(),
    ];
    let made = first(sql, INSERT, parameters, read).await?;
    unless_full(sql, user, most, made).await
}

/// What was made of a session of `user`; where none was, an error if that is because of `most`.
pub(crate) async fn unless_full(
    sql: &dyn Sql,
    user: UserId,
    most: i64,
    made: Option<Session>,
) -> Result<Option<Session>, Error> {
    const FULL: &str = concat!(
        "SELECT id FROM users WHERE id = ?1 AND NOT ",
        has_room!("?1", "?2")
    );
    if made.is_none() && count_of(sql, FULL, vec![user.0.into(), most.into()]).await? > 0 {
        let detail = format!("An account has at most {most} sessions. Delete one first");
        return Err(Error::new(ErrorKind::Conflict, detail));
    }
    Ok(made)
}

/// The session of that key, if it is in `scope`.
///
/// # Errors
/// What a failed statement means.
pub async fn find(
    sql: &dyn Sql,
    scope: Scope<'_>,
    key: SessionKey,
) -> Result<Option<Session>, Error> {
    let (condition, parameters) = scope.condition_for(key);
    let select = format!(
        concat!("SELECT ", session_columns!(), " FROM sessions WHERE {}"),
        condition
    );
    first(sql, &select, parameters, read).await
}

/// The sessions in `scope`, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    scope: Scope<'_>,
    window: Window,
) -> Result<Listed<Session>, Error> {
    let condition = scope.condition();
    let mut parameters = scope.parameters();
    let count = format!("SELECT COUNT(*) FROM sessions WHERE {condition}");
    let counted = sql
        .execute(&count, parameters.clone())
        .await
        .map_err(failure)?;
    let select = format!(
        concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE {} ORDER BY sessions.id DESC LIMIT ?3 OFFSET ?4"
        ),
        condition
    );
    parameters.extend([window.limit.into(), window.skip.into()]);
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// Gives a session another title, or none. `None` when it is not in `scope`.
///
/// # Errors
/// What a failed statement means.
pub async fn rename(
    sql: &dyn Sql,
    scope: Scope<'_>,
    key: SessionKey,
    title: Option<&SessionTitle>,
    now: i64,
) -> Result<Option<Session>, Error> {
    let (condition, mut parameters) = scope.condition_for(key);
    let update = format!(
        concat!(
            "UPDATE sessions SET title = ?4, updated_at = ?5 WHERE {} RETURNING ",
            session_columns!()
        ),
        condition
    );
    parameters.extend([title.map(SessionTitle::as_str).into(), now.into()]);
    first(sql, &update, parameters, read).await
}

/// Gives a session that has no title this one.
///
/// # Errors
/// What a failed statement means.
pub async fn entitle(sql: &dyn Sql, session: SessionId, title: &SessionTitle) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE sessions SET title = ?2 WHERE id = ?1 AND title IS NULL";
    let parameters = vec![session.0.into(), title.as_str().into()];
    sql.execute(UPDATE, parameters)
        .await
        .map(drop)
        .map_err(failure)
}

/// Deletes a session and its messages; the messages first, so that a deletion that was cut short
/// can be repeated. `false` when it is not in `scope`.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, scope: Scope<'_>, key: SessionKey) -> Result<bool, Error> {
    let (condition, parameters) = scope.condition_for(key);
    let messages = format!(
        "DELETE FROM messages WHERE session_id IN (SELECT id FROM sessions WHERE {condition})"
    );
    sql.execute(&messages, parameters.clone())
        .await
        .map_err(failure)?;
    let session = format!("DELETE FROM sessions WHERE {condition} RETURNING id");
    Ok(count_of(sql, &session, parameters).await? > 0)
}

/// A row of [`session_columns`].
pub(crate) fn read(row: &Row) -> Result<Session, SqlError> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        uuid: uuid(row, 1)?,
        kind: known(row, 2, SessionKind::parse)?,
        user_id: UserId(row.get(3)?),
        title: title(row, 4, 7)?,
        created_at: Timestamp(row.get(5)?),
        updated_at: Timestamp(row.get(6)?),
    })
}

/// What a session is called: its title, else the one that [`first_message`] makes, of the columns
/// that these are in.
pub(crate) fn title(
    row: &Row,
    given: usize,
    first_message: usize,
) -> Result<Option<String>, SqlError> {
    let given: Option<String> = row.get(given)?;
    let first_message: Option<String> = row.get(first_message)?;
    Ok(given.or_else(|| beginning(first_message.as_deref()?, MADE_TITLE)))
}

/// The first line of a message that says something, cut to `most` letters.
fn beginning(message: &str, most: usize) -> Option<String> {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let mut letters = line.chars();
    let shown = letters.by_ref().take(most);
    let mut text: String = shown
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if letters.next().is_some() {
        text.push('…');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_messages() {
        let check = |message: &str, expected: Option<&str>| {
            let found = beginning(message, MADE_TITLE);
            assert_eq!(found.as_deref(), expected, "{message:?}");
        };
        check("Fix the build", Some("Fix the build"));
        check("\n\n  Fix\tthe build \nsoon", Some("Fix the build"));
        check("", None);
        check(" \n\t", None);
        let long = "明".repeat(81);
        check(&long, Some(&format!("{}…", "明".repeat(80))));
        check(&"明".repeat(80), Some(&"明".repeat(80)));
    }
}
