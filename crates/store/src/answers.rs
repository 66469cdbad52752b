//! Answers while they are written.
//!
//! An answer's row stands from the moment its question is stored, in the status `answering`,
//! under a lease that its writer renews. It is the lock of its session (one answer at a time),
//! the place where the text so far survives a crash, and, finished, the message itself.

use crate::{
    conversations::{is_of_owner, parameter},
    failure::failure,
};
use domain::{ConversationOwner, Error, ErrorKind, MessageId, MessageStatus, SessionId};
use ports::{Sql, Value};
use uuid::Uuid;

/// A question of the open chat, and the answer that is to come.
#[derive(Debug)]
pub struct Question<'a> {
    /// The conversation.
    pub session: SessionId,
    /// Whose it must be.
    pub owner: ConversationOwner,
    /// The text.
    pub content: &'a str,
    /// The number of the question's row for the outside.
    pub uuid: Uuid,
    /// The number of the answer's row for the outside.
    pub answer_uuid: Uuid,
    /// When it is asked.
    pub now: i64,
    /// Until when its writer holds the answer.
    pub lease_until: i64,
}

/// Stores the question and begins the answer, both or neither. Returns the answer's number.
///
/// # Errors
/// Not found when the owner has no such conversation, a conflict while it is still answering,
/// or what a failed statement means.
pub async fn begin(sql: &dyn Sql, question: &Question<'_>) -> Result<MessageId, Error> {
    const INSERT: &str = concat!(
        "\
        INSERT INTO messages (uuid, session_id, role, content, status, lease_until, created_at) \
        SELECT row.uuid, sessions.id, row.role, row.content, row.status, row.lease_until, ?5 \
        FROM sessions, ( \
            SELECT 1 AS place, ?2 AS uuid, 'user' AS role, ?4 AS content, \
                'complete' AS status, NULL AS lease_until \
            UNION ALL SELECT 2, ?3, 'assistant', '', 'answering', ?6) AS row \
        WHERE sessions.id = ?1 AND ",
        is_of_owner!("?7"),
        " AND NOT EXISTS ( \
            SELECT 1 FROM messages WHERE session_id = ?1 \
                AND status = 'answering' AND lease_until >= ?5) \
        ORDER BY row.place RETURNING id"
    );
    let parameters = vec![
        question.session.0.into(),
        question.uuid.to_string().into(),
        question.answer_uuid.to_string().into(),
        question.content.into(),
        question.now.into(),
        question.lease_until.into(),
        parameter(question.owner),
    ];
    let rows = sql.execute(INSERT, parameters).await.map_err(failure)?;
    match rows.get(1) {
        Some(row) => Ok(MessageId(row.get(0).map_err(failure)?)),
        None => Err(why_not_begun(sql, question).await?),
    }
}

async fn why_not_begun(sql: &dyn Sql, question: &Question<'_>) -> Result<Error, Error> {
    let found = crate::conversations::by_id(sql, question.owner, question.session).await?;
    Ok(match found {
        None => Error::not_found("Conversation not found"),
        Some(_) => Error::new(ErrorKind::Conflict, "The conversation is still answering"),
    })
}

/// What was said before `answer`, oldest first, as role and text: at most `limit` messages and
/// `max_chars` characters of the newest. The question just asked is the last.
///
/// # Errors
/// What a failed statement means.
pub async fn context(
    sql: &dyn Sql,
    session: SessionId,
    answer: MessageId,
    limit: i64,
    max_chars: i64,
) -> Result<Vec<(String, String)>, Error> {
    const SELECT: &str = "\
        SELECT role, content FROM ( \
            SELECT id, role, content, SUM(LENGTH(content)) OVER (ORDER BY id DESC) AS so_far, \
                ROW_NUMBER() OVER (ORDER BY id DESC) AS place \
            FROM (SELECT id, role, content FROM messages \
                  WHERE session_id = ?1 AND id < ?2 AND content <> '' \
                  ORDER BY id DESC LIMIT ?3)) \
        WHERE place = 1 OR so_far <= ?4 ORDER BY id";
    let parameters = vec![
        session.0.into(),
        answer.0.into(),
        limit.into(),
        max_chars.into(),
    ];
    let rows = sql.execute(SELECT, parameters).await.map_err(failure)?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect::<Result<_, _>>()
        .map_err(failure)
}

/// Renews the lease of `answer`, and stores its text so far if there is new text. `false` when
/// it is no longer being written: whoever asked must stop.
///
/// # Errors
/// What a failed statement means.
pub async fn renew(
    sql: &dyn Sql,
    answer: MessageId,
    content: Option<&str>,
    lease_until: i64,
) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE messages SET lease_until = ?2, content = COALESCE(?3, content) \
         WHERE id = ?1 AND status = 'answering' RETURNING id";
    let parameters = vec![answer.0.into(), lease_until.into(), content.into()];
    Ok(!sql
        .execute(UPDATE, parameters)
        .await
        .map_err(failure)?
        .is_empty())
}

/// Ends `answer` with its whole text. `false` when it is no longer there.
///
/// # Errors
/// What a failed statement means.
pub async fn finish(
    sql: &dyn Sql,
    answer: MessageId,
    content: &str,
    status: MessageStatus,
    now: i64,
) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE messages SET content = ?2, status = ?3, lease_until = NULL, \
         created_at = ?4 WHERE id = ?1 AND status = 'answering' RETURNING id";
    let parameters: Vec<Value> = vec![
        answer.0.into(),
        content.into(),
        status.as_str().into(),
        now.into(),
    ];
    Ok(!sql
        .execute(UPDATE, parameters)
        .await
        .map_err(failure)?
        .is_empty())
}

/// Takes back an answer of which not a word came.
///
/// # Errors
/// What a failed statement means.
pub async fn withdraw(sql: &dyn Sql, answer: MessageId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM messages WHERE id = ?1 AND status = 'answering'";
    sql.execute(DELETE, vec![answer.0.into()])
        .await
        .map(drop)
        .map_err(failure)
}
