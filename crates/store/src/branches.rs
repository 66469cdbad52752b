//! Branches of sessions: a message that was answered again, or edited, stands beside the one that
//! was there.
//!
//! Invariant: of each session one branch is shown, and it is never changed while a run of the
//! session is unfinished.

use crate::{
    Listed, Window,
    failure::failure,
    messages::{self, COLUMNS, LIST_MAX_BYTES, measured, message_columns},
    rows::{count_of, first},
    runs::{RunId, busy},
};
use domain::{Error, Message, SessionId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// A message of a session, be it shown or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branching {
    /// The message.
    pub message: Message,
    /// The run that it came with: what answered it first, or what it is an answer of.
    pub run: RunId,
    /// The user's message that the run answers.
    pub question: Uuid,
    /// Its text.
    pub text: String,
}

/// The message of that number, if it is of `session` and of a run.
///
/// # Errors
/// What a failed statement means.
pub async fn find(
    sql: &dyn Sql,
    session: SessionId,
    message: Uuid,
) -> Result<Option<Branching>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        message_columns!(),
        ", runs.id, question.uuid, question.content \
         FROM messages JOIN runs ON runs.id = messages.run_id \
             JOIN messages AS question ON question.id = runs.message_id \
         WHERE messages.session_id = ?1 AND messages.uuid = ?2"
    );
    let parameters = vec![session.0.into(), message.to_string().into()];
    let read = |row: &Row| -> Result<Branching, SqlError> {
        Ok(Branching {
            message: messages::read(row)?,
            run: RunId(row.get(COLUMNS)?),
            question: crate::rows::uuid(row, COLUMNS + 1)?,
            text: row.get(COLUMNS + 2)?,
        })
    };
    first(sql, SELECT, parameters, read).await
}

/// The messages that follow the same one as `message`, itself among them, oldest first. Fewer come
/// where their texts are long together.
///
/// # Errors
/// What a failed statement means.
pub async fn siblings(
    sql: &dyn Sql,
    message: &Message,
    window: Window,
) -> Result<Listed<Message>, Error> {
    const OF: &str = "FROM messages WHERE session_id = ?1 AND run_id IS NOT NULL \
        AND parent_id IS (SELECT parent_id FROM messages WHERE id = ?2)";
    let mut parameters = vec![message.session_id.0.into(), message.id.0.into()];
    let count = format!("SELECT COUNT(*) {OF}");
    let counted = sql.execute(&count, parameters.clone()).await;
    let counted = counted.map_err(failure)?;
    let rows = format!("SELECT * {OF} ORDER BY id LIMIT ?3 OFFSET ?4");
    let select = format!(
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM {} WHERE place = 1 OR so_far <= ?5 ORDER BY id"
        ),
        measured(&rows, "id")
    );
    parameters.extend([
        window.limit.into(),
        window.skip.into(),
        LIST_MAX_BYTES.into(),
    ]);
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, messages::read)
}

/// Shows the branch that `message` is in: of several that go on from it, the newest.
///
/// # Errors
/// A conflict while a run of the session is unfinished, else what a failed statement means.
pub async fn show(sql: &dyn Sql, message: &Message) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE sessions SET run_id = ( \
            WITH RECURSIVE below (id) AS ( \
                SELECT run_id FROM messages WHERE id = ?2 \
                UNION SELECT id FROM runs WHERE message_id = ?2 \
                UNION SELECT runs.id FROM below JOIN runs ON runs.parent_id = below.id) \
            SELECT MAX(id) FROM below) \
        WHERE id = ?1 AND NOT EXISTS ( \
            SELECT 1 FROM runs WHERE session_id = ?1 AND status IN ('queued', 'running')) \
        RETURNING id";
    let parameters = vec![message.session_id.0.into(), message.id.0.into()];
    match count_of(sql, UPDATE, parameters).await? {
        0 => Err(busy()),
        _ => Ok(()),
    }
}
