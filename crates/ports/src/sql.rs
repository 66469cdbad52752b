//! The relational database (SQLite).

use crate::BoxFuture;

/// Runs statements against the component's database.
///
/// Each call is one statement and atomic by itself; a text with several statements runs only its
/// first. Two calls may run on different connections, so neither `BEGIN` nor `PRAGMA` reaches
/// from one to the next.
pub trait Sql: Send + Sync {
    /// Runs `statement` with `parameters` (`?1`, `?2`, …) and returns its rows.
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>>;
}

/// One SQLite value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `NULL`
    Null,
    /// `INTEGER`
    Integer(i64),
    /// `REAL`
    Real(f64),
    /// `TEXT`
    Text(String),
    /// `BLOB`
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result, its columns in the statement's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of these values.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The value of column `index`, counted from 0.
    ///
    /// # Errors
    /// [`SqlError::Shape`] when there is no such column or it holds another type.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, SqlError> {
        self.0
            .get(index)
            .and_then(T::from_value)
            .ok_or(SqlError::Shape { column: index })
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// The value as this type, or `None` if it is of another.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(real) => Some(*real),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// Another writer held the database for too long; trying again may work.
    #[error("the database is busy")]
    Busy,
    /// The disk or the database's limit is full.
    #[error("the database is full")]
    Full,
    /// A row is not of the shape that the caller expects.
    #[error("unexpected value in column {column}")]
    Shape {
        /// The column, counted from 0.
        column: usize,
    },
    /// Anything else, in the database's words.
    #[error("database: {0}")]
    Failed(String),
}
