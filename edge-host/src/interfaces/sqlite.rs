//! `spin:sqlite`.

use super::Interfaces;
use crate::{
    bindings::spin::sqlite::sqlite::{
        Connection as ConnectionResource, Error, Host, HostConnection, HostConnectionWithStore,
        QueryResult, RowResult, Value,
    },
    guest::View,
};
use platform_native::sqlite::{Connection, Outcome};
use ports::SqlError;
use std::sync::Arc;
use tokio::sync::Mutex;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

/// A guest's connection. Its statements run one after the other.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated code exports it")]
pub struct OpenConnection(Arc<Mutex<Connection>>);

type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl View<'_> {
    fn open(
        &mut self,
        database: &str,
    ) -> wasmtime::Result<Result<Resource<OpenConnection>, Error>> {
        let Some(granted) = self.grants.databases.get(database) else {
            return Ok(Err(Error::AccessDenied));
        };
        if *self.connections_left == 0 {
            let reason = "the instance has too many connections open";
            return Ok(Err(Error::Io(reason.to_owned())));
        }
        let connection = match granted.connect() {
            Ok(connection) => OpenConnection(Arc::new(Mutex::new(connection))),
            Err(error) => return Ok(Err(to_spin(error))),
        };
        *self.connections_left -= 1;
        Ok(Ok(self.table.push(connection)?))
    }

    fn connection(
        &mut self,
        resource: &Resource<OpenConnection>,
    ) -> wasmtime::Result<OpenConnection> {
        Ok(self.table.get(resource)?.clone())
    }
}

impl OpenConnection {
    async fn execute(
        &self,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<(Vec<String>, Vec<RowResult>), Error> {
        let parameters = parameters.into_iter().map(from_guest).collect();
        let Outcome { columns, rows } = self
            .0
            .lock()
            .await
            .execute(statement, parameters)
            .await
            .map_err(to_spin)?;
        let rows = rows
            .into_iter()
            .map(|values| RowResult {
                values: values.into_iter().map(to_guest).collect(),
            })
            .collect();
        Ok((columns, rows))
    }
}

impl<T> HostConnectionWithStore<T> for Interfaces {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        accessor.with(|mut store| store.get().open(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let connection = accessor.with(|mut store| store.get().connection(&connection))?;
        let (columns, rows) = match connection.execute(&statement, parameters).await {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut store| {
            let rows = StreamReader::new(&mut store, rows)?;
            let complete = async { wasmtime::error::Ok(Ok(())) };
            let complete = FutureReader::new(&mut store, complete)?;
            Ok(Ok((columns, rows, complete)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut store| store.get().connection(&connection))?;
        Ok(connection.0.lock().await.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut store| store.get().connection(&connection))?;
        Ok(connection.0.lock().await.changes())
    }
}

impl Host for View<'_> {}

impl HostConnection for View<'_> {
    fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<ConnectionResource>, Error>> {
        View::open(self, &database)
    }

    async fn execute(
        &mut self,
        connection: Resource<ConnectionResource>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.connection(&connection)?;
        let result = connection.execute(&statement, parameters).await;
        Ok(result.map(|(columns, rows)| QueryResult { columns, rows }))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<ConnectionResource>,
    ) -> wasmtime::Result<i64> {
        let connection = self.connection(&connection)?;
        Ok(connection.0.lock().await.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<u64> {
        let connection = self.connection(&connection)?;
        Ok(connection.0.lock().await.changes())
    }

    async fn drop(&mut self, connection: Resource<ConnectionResource>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        *self.connections_left += 1;
        Ok(())
    }
}

fn to_spin(error: SqlError) -> Error {
    match error {
        SqlError::Full => Error::DatabaseFull,
        // Spin says the same words, so a component can tell this one from others.
        SqlError::Busy => Error::Io("database is locked".to_owned()),
        SqlError::Failed(text) => Error::Io(text),
        error @ SqlError::Shape { .. } => Error::Io(error.to_string()),
    }
}

fn from_guest(value: Value) -> ports::Value {
    match value {
        Value::Integer(integer) => ports::Value::Integer(integer),
        Value::Real(real) => ports::Value::Real(real),
        Value::Text(text) => ports::Value::Text(text),
        Value::Blob(blob) => ports::Value::Blob(blob),
        Value::Null => ports::Value::Null,
    }
}

fn to_guest(value: ports::Value) -> Value {
    match value {
        ports::Value::Integer(integer) => Value::Integer(integer),
        ports::Value::Real(real) => Value::Real(real),
        ports::Value::Text(text) => Value::Text(text),
        ports::Value::Blob(blob) => Value::Blob(blob),
        ports::Value::Null => Value::Null,
    }
}
