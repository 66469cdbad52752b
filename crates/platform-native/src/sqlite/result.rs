//! What a statement gives back.

use ports::{SqlError, Value};
use rusqlite::{ErrorCode, types::ValueRef};

/// Bytes of all rows of one result.
const RESULT_BYTES: usize = 64 * 1024 * 1024;

/// The columns and rows of one statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
}

/// Reads every row that `rows` still has.
pub(super) fn collect(mut rows: rusqlite::Rows<'_>, width: usize) -> rusqlite::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(width);
        for index in 0..width {
            let value = value(index, row.get_ref(index)?)?;
            bytes = bytes.saturating_add(size(&value));
            values.push(value);
        }
        if bytes > RESULT_BYTES {
            return Err(rusqlite::Error::ToSqlConversionFailure(
                format!("the result is larger than {RESULT_BYTES} bytes").into(),
            ));
        }
        outcome.rows.push(values);
    }
    Ok(outcome)
}

fn value(index: usize, value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(
            std::str::from_utf8(text)
                .map_err(|error| rusqlite::Error::Utf8Error(index, error))?
                .to_owned(),
        ),
        ValueRef::Blob(blob) => Value::Blob(blob.to_owned()),
    })
}

fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            Value::Null | Value::Integer(_) | Value::Real(_) => 0,
        }
}

/// SQLite's error in the port's words.
pub(super) fn sql_error(error: &rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqlError::Busy,
        Some(ErrorCode::DiskFull) => SqlError::Full,
        Some(ErrorCode::OperationInterrupted) => {
            SqlError::Failed("the statement was stopped: it ran for too long".to_owned())
        }
        _ => SqlError::Failed(error.to_string()),
    }
}
