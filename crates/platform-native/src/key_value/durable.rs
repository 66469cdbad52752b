//! Stores in one SQLite file of their own.

use super::add;
use crate::sqlite::{Database, Outcome};
use ports::{BoxFuture, KEYS_MOST, KeyValue, KeyValueError, SqlError, Value};
use rusqlite::OptionalExtension;
use std::path::Path;

/// Bytes of one key.
const KEY_BYTES: usize = 1024;

/// Bytes of one value.
const VALUE_BYTES: usize = 8 * 1024 * 1024;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS entries \
    (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key)) \
    WITHOUT ROWID";

/// A file of named stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    database: Database,
}

impl Stores {
    /// Opens the file at `path`, made if it is missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, KeyValueError> {
        Self::over(Database::open(path).map_err(failed)?).await
    }

    /// Keeps the stores in `database`, in a table of their own.
    ///
    /// # Errors
    /// When the table cannot be made.
    pub async fn over(database: Database) -> Result<Self, KeyValueError> {
        database
            .connect()
            .map_err(failed)?
            .execute(SCHEMA, Vec::new())
            .await
            .map_err(failed)?;
        Ok(Self { database })
    }

    /// The store of that name.
    #[must_use]
    pub fn store(&self, name: &str) -> Store {
        Store {
            database: self.database.clone(),
            name: name.to_owned(),
        }
    }
}

/// One named store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    name: String,
}

impl Store {
    /// Whether there is a value under `key`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        let outcome = self
            .run(
                "SELECT 1 FROM entries WHERE store = ?1 AND key = ?2",
                vec![self.name.as_str().into(), key.into()],
            )
            .await?;
        Ok(!outcome.rows.is_empty())
    }

    /// At most `limit` keys in order, those after `after` if it is given.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn keys_after(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, KeyValueError> {
        let outcome = self
            .run(
                "SELECT key FROM entries WHERE store = ?1 AND (?2 IS NULL OR key > ?2) \
                 ORDER BY key LIMIT ?3",
                vec![
                    self.name.as_str().into(),
                    after.into(),
                    i64::from(limit).into(),
                ],
            )
            .await?;
        Ok(outcome.rows.into_iter().filter_map(text).collect())
    }

    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Outcome, KeyValueError> {
        let mut connection = self.database.connect().map_err(failed)?;
        connection
            .execute(statement, parameters)
            .await
            .map_err(failed)
    }
}

impl KeyValue for Store {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move {
            let outcome = self
                .run(
                    "SELECT value FROM entries WHERE store = ?1 AND key = ?2",
                    vec![self.name.as_str().into(), key.into()],
                )
                .await?;
            Ok(outcome.rows.into_iter().next().and_then(blob))
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            check_size(key, &value)?;
            self.run(
                "INSERT INTO entries (store, key, value) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
                vec![self.name.as_str().into(), key.into(), Value::Blob(value)],
            )
            .await
            .map(drop)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            self.run(
                "DELETE FROM entries WHERE store = ?1 AND key = ?2",
                vec![self.name.as_str().into(), key.into()],
            )
            .await
            .map(drop)
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a str,
        delta: i64,
    ) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(async move {
            check_size(key, &[])?;
            self.database
                .transaction(|sqlite| increment(sqlite, &self.name, key, delta))
                .await
                .map_err(failed)?
        })
    }

    fn keys<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        Box::pin(async move {
            let most = i64::try_from(KEYS_MOST).unwrap_or(i64::MAX);
            // Keys with a prefix stand together: from the prefix itself to the last letter
            // that could follow it.
            let outcome = self
                .run(
                    "SELECT key FROM entries WHERE store = ?1 AND key >= ?2 \
                     AND key < ?2 || char(0x10ffff) ORDER BY key LIMIT ?3",
                    vec![self.name.as_str().into(), prefix.into(), most.into()],
                )
                .await?;
            Ok(outcome.rows.into_iter().filter_map(text).collect())
        })
    }
}

/// The outer error is the database's and rolls back; the inner one is the caller's.
fn increment(
    sqlite: &rusqlite::Connection,
    store: &str,
    key: &str,
    delta: i64,
) -> Result<Result<i64, KeyValueError>, SqlError> {
    let value: Option<Vec<u8>> = sqlite
        .prepare_cached("SELECT value FROM entries WHERE store = ?1 AND key = ?2")
        .and_then(|mut select| select.query_row([store, key], |row| row.get(0)).optional())
        .map_err(|error| SqlError::Failed(error.to_string()))?;
    let sum = match add(key, value.as_deref(), delta) {
        Ok(sum) => sum,
        Err(error) => return Ok(Err(error)),
    };
    sqlite
        .prepare_cached(
            "INSERT INTO entries (store, key, value) VALUES (?1, ?2, ?3) \
             ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
        )
        .and_then(|mut insert| insert.execute((store, key, sum.to_le_bytes())))
        .map_err(|error| SqlError::Failed(error.to_string()))?;
    Ok(Ok(sum))
}

fn check_size(key: &str, value: &[u8]) -> Result<(), KeyValueError> {
    if key.len() > KEY_BYTES || value.len() > VALUE_BYTES {
        return Err(KeyValueError(format!(
            "a key has at most {KEY_BYTES} bytes, a value {VALUE_BYTES}"
        )));
    }
    Ok(())
}

fn blob(row: Vec<Value>) -> Option<Vec<u8>> {
    match row.into_iter().next() {
        Some(Value::Blob(bytes)) => Some(bytes),
        _ => None,
    }
}

fn text(row: Vec<Value>) -> Option<String> {
    match row.into_iter().next() {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function in `map_err`"
)]
fn failed(error: SqlError) -> KeyValueError {
    KeyValueError(error.to_string())
}
