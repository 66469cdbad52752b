//! Search in messages.

use crate::{
    Listed, Window,
    failure::failure,
    messages::{COLUMNS, LIST_MAX_BYTES, measured, message_columns, read as read_message},
    rows::uuid,
    sessions::{self, first_message},
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
    /// What the session is called, if it is: its title, else how it begins.
    pub title: Option<String>,
}

/// The fewest characters of a term that the index knows.
const INDEXED: usize = 3;

/// The messages of `user` in which every one of `terms` stands, newest first, of branches that are
/// shown. Case does not matter. Terms are at least one character each. An answer is found once it
/// is written. Fewer come where their texts are long together.
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
        // Nobody else's messages are looked at, so that the time tells nothing of them.
        false => {
            let terms = long.join(" AND ");
            format!("searched : \"u{}u\" AND content : ({terms})", user.0).into()
        }
    };
    let short = terms.iter().filter(|term| !is_long(term));
    let mut condition = "FROM messages JOIN sessions ON sessions.id = messages.session_id \
        WHERE sessions.user_id = ?1 AND messages.searched IS NOT NULL AND messages.hidden = 0 \
            AND (?2 IS NULL OR messages.id IN ( \
                SELECT rowid FROM message_texts WHERE message_texts MATCH ?2))"
        .to_owned();
    let mut parameters = vec![user.0.into(), matched];
    for term in short {
        let stands = spellings(term).into_iter().map(|spelling| {
            parameters.push(spelling.into());
            format!("instr(messages.content, ?{})", parameters.len())
        });
        let stands: Vec<_> = stands.collect();
        condition.push_str(&format!(" AND ({})", stands.join(" OR ")));
    }
    let count = format!("SELECT COUNT(*) {condition}");
    let counted = sql.execute(&count, parameters.clone()).await;
    let counted = counted.map_err(failure)?;
    let (limit, skip, most) = (
        parameters.len() + 1,
        parameters.len() + 2,
        parameters.len() + 3,
    );
    let rows = format!(
        "SELECT messages.* {condition} ORDER BY messages.id DESC LIMIT ?{limit} OFFSET ?{skip}"
    );
    let select = format!(
        concat!(
            "SELECT ",
            message_columns!(),
            ", sessions.uuid, sessions.title, ",
            first_message!(),
            " FROM {} JOIN sessions ON sessions.id = messages.session_id \
              WHERE place = 1 OR so_far <= ?{} ORDER BY messages.id DESC"
        ),
        measured(&rows, "id DESC"),
        most
    );
    parameters.extend([
        window.limit.into(),
        window.skip.into(),
        LIST_MAX_BYTES.into(),
    ]);
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// A term as the index takes it: as it stands, whatever its characters mean there.
fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\""))
}

/// How a term that is too short for the index may be written, in either case of each letter:
/// SQLite itself knows the cases of ASCII alone.
fn spellings(term: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for letter in term.chars() {
        let cases = cases(letter);
        let begun = spellings.iter();
        let longer = begun.flat_map(|begun| cases.iter().map(move |case| format!("{begun}{case}")));
        spellings = longer.collect();
    }
    spellings
}

fn cases(letter: char) -> Vec<String> {
    let upper: String = letter.to_uppercase().collect();
    let mut cases = vec![letter.to_string(), upper.to_lowercase(), upper];
    cases.sort();
    cases.dedup();
    cases
}

fn read(row: &Row) -> Result<Found, SqlError> {
    Ok(Found {
        message: read_message(row)?,
        session: uuid(row, COLUMNS)?,
        title: sessions::title(row, COLUMNS + 1, COLUMNS + 2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_terms_in_either_case() {
        let check = |term: &str, expected: &[&str]| {
            assert_eq!(spellings(term), expected, "{term}");
        };
        check("a", &["A", "a"]);
        check("Да", &["ДА", "Да", "дА", "да"]);
        check("生产", &["生产"]);
        check("0%", &["0%"]);
        check("ß", &["SS", "ss", "ß"]);
    }
}
