//! `ports::Sql` over one SQLite file.

use crate::sqlite::Database;
use ports::{BoxFuture, Row, Sql, SqlError, Value};

impl Sql for Database {
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        Box::pin(async move {
            let outcome = self.connect()?.execute(statement, parameters).await?;
            Ok(outcome.rows.into_iter().map(Row::new).collect())
        })
    }
}
