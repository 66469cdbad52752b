//! Search in messages.

use crate::{
    Listed, Window,
    failure::failure,
    messages::{message_columns, read as read_message},
    rows::uuid,
};
use domain::{Error, Message, UserId};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The message.
    pub message: Message,
    /// Its session's number for the outside.
    pub session: Uuid,
    /// What the session is called, if it is.
    pub title: Option<String>,
}

/// The fewest characters of a term that the index knows.
const INDEXED: usize = 3;

/// The messages of `user` in which every one of `terms` stands, newest first, of branches that are
/// shown. Case does not matter. Terms are at least one character each.
///
/// # Errors
/// What a failed statement means.
pub async fn messages(
    sql: &dyn Sql,
    user: UserId,
    terms: &[&str],
    window: Window,
) -> Result<Listed<Found>, Error> {
    let is_long = |term: &&&str| term.chars().count() >= INDEXED;
    let long = terms.iter().filter(is_long);
    let long: Vec<_> = long.map(|term| quoted(term)).collect();
    let matched: Value = match long.is_empty() {
        true => Value::Null,
        false => long.join(" AND ").into(),
    };
    let short = terms.iter().filter(|term| !is_long(term));
    let short: Vec<_> = short.map(|term| pattern(term)).collect();
    let mut condition = "FROM messages JOIN sessions ON sessions.id = messages.session_id \
        WHERE sessions.user_id = ?1 AND messages.run_id IS NOT NULL AND messages.hidden = 0 AND (?2 IS NULL OR \
            messages.id IN (SELECT rowid FROM message_texts WHERE message_texts MATCH ?2))"
        .to_owned();
    let mut parameters = vec![user.0.into(), matched];
    for pattern in short {
        parameters.push(pattern.into());
        let number = parameters.len();
        condition.push_str(&format!(" AND messages.content LIKE ?{number} ESCAPE '\\'"));
    }
    let count = format!("SELECT COUNT(*) {condition}");
    let counted = sql.execute(&count, parameters.clone()).await;
    let counted = counted.map_err(failure)?;
    let (limit, skip) = (parameters.len() + 1, parameters.len() + 2);
    let select = format!(
        concat!(
            "SELECT ",
            message_columns!(),
            ", sessions.uuid, title {} ORDER BY messages.id DESC LIMIT ?{} OFFSET ?{}"
        ),
        condition, limit, skip
    );
    parameters.extend([window.limit.into(), window.skip.into()]);
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// A term as the index takes it: as it stands, whatever its characters mean there.
fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\""))
}

/// A term as `LIKE` takes it.
fn pattern(term: &str) -> String {
    let mut pattern = String::from("%");
    for character in term.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row) -> Result<Found, SqlError> {
    Ok(Found {
        message: read_message(row)?,
        session: uuid(row, 11)?,
        title: row.get(12)?,
    })
}
