//! The `Sql` port over Spin's SQLite.
//!
//! Connections are kept for a few seconds and lent to one statement at a time: opening one for
//! each statement costs more than most statements. One that failed is not used again.

use ports::{BoxFuture, Row, Sql, SqlError, Value};
use send_wrapper::SendWrapper;
use spin_sdk::sqlite::{Connection, Error, Value as SpinValue};
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

/// How long a connection that nobody uses is kept.
const IDLE_FOR: Duration = Duration::from_secs(5);

/// How many idle connections are kept; more are closed at once.
const IDLE_MOST: usize = 16;

/// `synchronous` belongs to the connection. With the write-ahead log, `NORMAL` loses nothing
/// when the process dies, and at most the last commits when the machine does.
const ON_OPEN: &str = "PRAGMA synchronous = NORMAL";

/// The component's default database.
pub(crate) struct Sqlite;

impl Sql for Sqlite {
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        Box::pin(SendWrapper::new(execute(statement, parameters)))
    }
}

thread_local! {
    static IDLE: RefCell<Vec<(Instant, Connection)>> = const { RefCell::new(Vec::new()) };
}

async fn execute(statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, SqlError> {
    let connection = match take_idle() {
        Some(connection) => connection,
        None => open().await.map_err(sql_error)?,
    };
    let rows = run(&connection, statement, parameters)
        .await
        .map_err(sql_error)?;
    give_back(connection);
    Ok(rows)
}

async fn open() -> Result<Connection, Error> {
    let connection = Connection::open_default().await?;
    run(&connection, ON_OPEN, Vec::new()).await?;
    Ok(connection)
}

async fn run(
    connection: &Connection,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<Vec<Row>, Error> {
    let parameters = parameters.into_iter().map(to_spin);
    let result = connection.execute(statement, parameters).await?;
    let rows = result.collect().await?;
    Ok(rows
        .into_iter()
        .map(|row| Row::new(row.values.into_iter().map(from_spin).collect()))
        .collect())
}

fn take_idle() -> Option<Connection> {
    IDLE.with_borrow_mut(|idle| {
        idle.retain(|(since, _)| since.elapsed() < IDLE_FOR);
        idle.pop().map(|(_, connection)| connection)
    })
}

fn give_back(connection: Connection) {
    IDLE.with_borrow_mut(|idle| {
        if idle.len() < IDLE_MOST {
            idle.push((Instant::now(), connection));
        }
    });
}

fn to_spin(value: Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(integer) => SpinValue::Integer(integer),
        Value::Real(real) => SpinValue::Real(real),
        Value::Text(text) => SpinValue::Text(text),
        Value::Blob(bytes) => SpinValue::Blob(bytes),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(integer) => Value::Integer(integer),
        SpinValue::Real(real) => Value::Real(real),
        SpinValue::Text(text) => Value::Text(text),
        SpinValue::Blob(bytes) => Value::Blob(bytes),
    }
}

/// Spin passes SQLite's own words on; only these matter to a caller.
fn sql_error(error: Error) -> SqlError {
    match error {
        Error::DatabaseFull => SqlError::Full,
        Error::Io(reason) if reason.contains("is locked") => SqlError::Busy,
        Error::Io(reason) if reason.contains("is full") => SqlError::Full,
        Error::Io(reason) => SqlError::Failed(reason),
        other => SqlError::Failed(other.to_string()),
    }
}
