//! Messages, as their readers see them: an answer that is being written is not there yet, and
//! one whose writer is gone is interrupted. Of a session's branches, the one that is shown is
//! listed; [`crate::branches`] has the others.

use crate::{
    Listed, Window,
    failure::failure,
    rows::{first, flag, known, uuid},
};
use domain::{
    Error, Message, MessageId, MessagePlace, MessageStatus, Role, SessionId, Timestamp, Usage,
};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// The most text, in bytes, that one list carries. The first message comes in any case.
pub(crate) const LIST_MAX_BYTES: i64 = 8 * 1024 * 1024;

/// What [`read`] reads of a table or subquery `messages`.
macro_rules! message_columns {
    () => {
        "messages.id, messages.session_id, messages.role, messages.content, \
         CASE messages.status WHEN 'answering' THEN 'interrupted' ELSE messages.status END, \
         messages.created_at, messages.uuid, messages.agent, \
         (SELECT before.uuid FROM messages AS before WHERE before.id = messages.parent_id), \
         CASE WHEN messages.run_id IS NULL THEN 1 ELSE ( \
             SELECT COUNT(*) FROM messages AS beside \
             WHERE beside.session_id = messages.session_id \
                 AND beside.parent_id IS messages.parent_id AND beside.run_id IS NOT NULL) END, \
         CASE WHEN messages.run_id IS NULL THEN 1 ELSE ( \
             SELECT COUNT(*) FROM messages AS beside \
             WHERE beside.session_id = messages.session_id \
                 AND beside.parent_id IS messages.parent_id AND beside.run_id IS NOT NULL \
                 AND beside.id <= messages.id) END, \
         json_extract(messages.usage, '$.input'), json_extract(messages.usage, '$.output'), \
         json_extract(messages.usage, '$.cost'), json_extract(messages.usage, '$.estimated')"
    };
}
pub(crate) use message_columns;

/// How many columns [`message_columns`] are.
pub(crate) const COLUMNS: usize = 15;

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
             AND hidden = 0 AND (status <> 'answering' OR lease_until < ?2)",
            vec![session.0.into(), now.into()],
        )
        .await
        .map_err(failure)?;
    let (order, window) = match window {
        Some(window) => ("id", window),
        None => ("id DESC", Window { skip: 0, limit }),
    };
    let rows = format!(
        "SELECT * FROM messages WHERE session_id = ?1 \
             AND hidden = 0 AND (status <> 'answering' OR lease_until < ?2) \
         ORDER BY {order} LIMIT ?3 OFFSET ?4"
    );
    let select = format!(
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM {} WHERE place = 1 OR so_far <= ?5 ORDER BY id"
        ),
        measured(&rows, order)
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

/// A subquery `messages` of the rows that a statement gives, each with its `place` in that order
/// and the bytes of all texts `so_far`.
pub(crate) fn measured(rows: &str, order: &str) -> String {
    format!(
        "(SELECT *, SUM(LENGTH(CAST(content AS BLOB))) OVER (ORDER BY {order}) AS so_far, \
             ROW_NUMBER() OVER (ORDER BY {order}) AS place FROM ({rows})) AS messages"
    )
}

/// The messages of a run, in their order: the user's, then those of agents. There are as many as
/// the run's limits allow.
///
/// # Errors
/// What a failed statement means.
pub async fn of_run(sql: &dyn Sql, run: Uuid) -> Result<Vec<Message>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        message_columns!(),
        " FROM messages WHERE id IN ( \
             SELECT message_id FROM runs WHERE uuid = ?1 \
             UNION SELECT messages.id FROM messages JOIN runs ON runs.id = messages.run_id \
             WHERE runs.uuid = ?1) \
         ORDER BY id"
    );
    let rows = sql.execute(SELECT, vec![run.to_string().into()]).await;
    let rows = rows.map_err(failure)?;
    let messages = rows.iter().map(read);
    messages.collect::<Result<_, _>>().map_err(failure)
}

/// A message's row, without its text; also of one that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its number.
    pub id: MessageId,
    /// How far it is.
    pub status: MessageStatus,
    /// When it was written, or begun.
    pub created_at: Timestamp,
}

/// The row of a message.
///
/// # Errors
/// What a failed statement means.
pub async fn row(sql: &dyn Sql, message: Uuid) -> Result<Option<MessageRow>, Error> {
    const SELECT: &str = "SELECT id, status, created_at FROM messages WHERE uuid = ?1";
    let read = |row: &Row| -> Result<MessageRow, SqlError> {
        Ok(MessageRow {
            id: MessageId(row.get(0)?),
            status: known(row, 1, MessageStatus::parse)?,
            created_at: Timestamp(row.get(2)?),
        })
    };
    first(sql, SELECT, vec![message.to_string().into()], read).await
}

/// A message from [`message_columns`], which come first.
pub(crate) fn read(row: &Row) -> Result<Message, SqlError> {
    let has_parent = row.get::<Option<String>>(8)?.is_some();
    let parent = has_parent.then(|| uuid(row, 8));
    Ok(Message {
        id: MessageId(row.get(0)?),
        uuid: uuid(row, 6)?,
        session_id: SessionId(row.get(1)?),
        role: known(row, 2, Role::parse)?,
        agent: row.get(7)?,
        content: row.get(3)?,
        status: known(row, 4, MessageStatus::parse)?,
        created_at: Timestamp(row.get(5)?),
        place: MessagePlace {
            parent: parent.transpose()?,
            siblings: row.get(9)?,
            number: row.get(10)?,
        },
        usage: usage(row)?,
    })
}

fn usage(row: &Row) -> Result<Option<Usage>, SqlError> {
    if row.get::<Option<i64>>(11)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Usage {
        input: row.get(11)?,
        output: row.get(12)?,
        cost: row.get(13)?,
        estimated: flag(row, 14)?,
    }))
}
