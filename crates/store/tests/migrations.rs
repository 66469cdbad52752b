//! Migrations on real SQLite: applied once, by one, whatever happens in between.

#![allow(clippy::expect_used, reason = "tests")]

use platform_native::sqlite::Database;
use ports::{BoxFuture, Row, Sql, SqlError, Value};
use std::sync::atomic::{AtomicI64, Ordering};
use store::migrations::{Applied, apply};

fn database() -> Database {
    Database::temporary().expect("a temporary database")
}

/// The schema as the database holds it.
async fn schema(sql: &dyn Sql) -> Vec<Row> {
    let select = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    sql.execute(select, Vec::new()).await.expect("a schema")
}

#[tokio::test]
async fn they_are_applied_once() {
    let database = database();
    let first = apply(&database, 0, "a").await.expect("migrations");
    assert!(first.statements >= first.migrations && first.migrations > 0);
    let again = apply(&database, 1, "a").await.expect("nothing");
    assert_eq!(
        again,
        Applied {
            migrations: 0,
            statements: 0
        }
    );
}

#[tokio::test]
async fn of_several_at_once_one_applies_them_and_the_others_wait_or_find_them() {
    let database = database();
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    let outcomes =
        futures::future::join_all(names.iter().map(|name| apply(&database, 0, name))).await;
    let did: Vec<_> = outcomes
        .iter()
        .flatten()
        .filter(|did| did.statements > 0)
        .collect();
    assert_eq!(did.len(), 1);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(refused.kind(), domain::ErrorKind::Unavailable);
        assert_eq!(refused.retry_after(), Some(1));
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let database = database();
    apply(&database, 0, "a").await.expect("migrations");
    database
        .execute(
            "INSERT INTO migrations VALUES ('9999_later', 0, 0)",
            Vec::new(),
        )
        .await
        .expect("a row");
    let refused = apply(&database, 0, "a").await.expect_err("newer");
    assert!(refused.detail().contains("9999_later"), "{refused}");
}

/// A database whose process dies after so many statements.
struct Dying {
    database: Database,
    left: AtomicI64,
}

impl Sql for Dying {
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Box::pin(std::future::ready(Err(SqlError::Failed("dead".to_owned()))));
        }
        self.database.execute(statement, parameters)
    }
}

#[tokio::test]
async fn a_death_after_any_statement_is_made_good_by_the_next_start() {
    let whole = database();
    apply(&whole, 0, "a").await.expect("migrations");
    let expected = schema(&whole).await;
    for survived in 0.. {
        let dying = Dying {
            database: database(),
            left: AtomicI64::new(survived),
        };
        let outcome = apply(&dying, 0, "dies").await;
        // The dead one's lease has run out a minute later.
        apply(&dying.database, 61_000, "next")
            .await
            .expect("migrations");
        assert_eq!(
            schema(&dying.database).await,
            expected,
            "after {survived} statements"
        );
        if outcome.is_ok() {
            return;
        }
    }
}
