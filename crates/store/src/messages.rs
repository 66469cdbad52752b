//! Messages, as their readers see them: an answer that is being written is not there yet, and
//! one whose writer is gone is interrupted.

use crate::{
    Listed, Window,
    failure::failure,
    rows::{known, uuid},
};
use domain::{Error, Message, MessageId, MessageStatus, Role, SessionId, Timestamp};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// The most text, in bytes, that one list carries. The first message comes in any case.
const LIST_MAX_BYTES: i64 = 8 * 1024 * 1024;

/// Messages of `session`, oldest first: those of `window` counted from the oldest, or, without
/// one, the newest `limit`. Fewer come where their texts are long together.
///
/// # Errors
/// What a failed statement means.
pub async fn of_session(
    sql: &dyn Sql,
    session: SessionId,
    window: Option<Window>,
    limit: i64,
    now: i64,
) -> Result<Listed<Message>, Error> {
    let counted = sql
        .execute(
            "SELECT COUNT(*) FROM messages WHERE session_id = ?1 \
             AND (status <> 'answering' OR lease_until < ?2)",
            vec![session.0.into(), now.into()],
        )
        .await
        .map_err(failure)?;
    let (order, window) = match window {
        Some(window) => ("id", window),
        None => ("id DESC", Window { skip: 0, limit }),
    };
    let select = format!(
        "SELECT id, session_id, role, content, \
             CASE status WHEN 'answering' THEN 'interrupted' ELSE status END, created_at, uuid, agent \
         FROM (SELECT *, SUM(LENGTH(CAST(content AS BLOB))) OVER (ORDER BY {order}) AS so_far, \
                   ROW_NUMBER() OVER (ORDER BY {order}) AS place \
               FROM (SELECT * FROM messages WHERE session_id = ?1 \
                         AND (status <> 'answering' OR lease_until < ?2) \
                     ORDER BY {order} LIMIT ?3 OFFSET ?4)) \
         WHERE place = 1 OR so_far <= ?5 ORDER BY id"
    );
    let parameters = vec![
        session.0.into(),
        now.into(),
        window.limit.into(),
        window.skip.into(),
        LIST_MAX_BYTES.into(),
    ];
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// The messages of a run, in their order: the user's, then those of agents. There are as many as
/// the run's limits allow.
///
/// # Errors
/// What a failed statement means.
pub async fn of_run(sql: &dyn Sql, run: Uuid) -> Result<Vec<Message>, Error> {
    const SELECT: &str = "\
        SELECT messages.id, messages.session_id, role, content, messages.status, \
            messages.created_at, messages.uuid, agent \
        FROM messages JOIN runs ON runs.id = messages.run_id \
        WHERE runs.uuid = ?1 ORDER BY messages.id";
    let rows = sql.execute(SELECT, vec![run.to_string().into()]).await;
    let rows = rows.map_err(failure)?;
    let messages = rows.iter().map(read);
    messages.collect::<Result<_, _>>().map_err(failure)
}

fn read(row: &Row) -> Result<Message, SqlError> {
    Ok(Message {
        id: MessageId(row.get(0)?),
        uuid: uuid(row, 6)?,
        session_id: SessionId(row.get(1)?),
        role: known(row, 2, Role::parse)?,
        agent: row.get(7)?,
        content: row.get(3)?,
        status: known(row, 4, MessageStatus::parse)?,
        created_at: Timestamp(row.get(5)?),
    })
}
