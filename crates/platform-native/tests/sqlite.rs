//! The rules for a database, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use platform_native::sqlite::Database;
use ports::{Sql, SqlError, Value};
use std::time::Duration;

async fn rows(database: &Database, statement: &str) -> Vec<Vec<Value>> {
    let mut connection = database.connect().unwrap();
    connection.execute(statement, vec![]).await.unwrap().rows
}

async fn with_table() -> Database {
    let database = Database::temporary().unwrap();
    rows(&database, "CREATE TABLE t (id INTEGER PRIMARY KEY, v)").await;
    database
}

#[tokio::test]
async fn every_type_comes_back_as_it_went_in() {
    let database = with_table().await;
    let values = [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(1.5),
        Value::Text("ä\0ö".to_owned()),
        Value::Blob(vec![0, 255]),
    ];
    for value in values {
        let statement = "INSERT INTO t (v) VALUES (?1) RETURNING v";
        let mut connection = database.connect().unwrap();
        let outcome = connection.execute(statement, vec![value.clone()]).await;
        let outcome = outcome.unwrap();
        assert_eq!(outcome.columns, ["v"]);
        assert_eq!(outcome.rows, [[value]]);
        assert_eq!(connection.changes(), 1);
    }
}

#[tokio::test]
async fn only_the_first_statement_of_a_text_runs() {
    let database = with_table().await;
    for text in [
        "INSERT INTO t (v) VALUES (1); DELETE FROM t",
        "INSERT INTO t (v) VALUES (1); nonsense",
        "INSERT INTO t (v) VALUES (1) ; -- nothing more",
    ] {
        rows(&database, text).await;
    }
    let count = rows(&database, "SELECT count(*) FROM t").await;
    assert_eq!(count, [[Value::Integer(3)]]);
}

#[tokio::test]
async fn faults_are_errors() {
    let database = with_table().await;
    let long = format!("SELECT '{}'", "x".repeat(1024 * 1024));
    for statement in [
        "",
        "nonsense",
        "SELECT ?1",
        "SELECT * FROM missing",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "VACUUM INTO '/tmp/copy.db'",
        "SELECT load_extension('x')",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT CAST(x'ff' AS TEXT)",
        long.as_str(),
    ] {
        let error = Sql::execute(&database, statement, vec![]).await;
        let shown = statement.get(..40).unwrap_or(statement);
        assert!(
            matches!(error, Err(SqlError::Failed(_))),
            "{shown}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_changed_by_its_caller_is_not_handed_on() {
    let database = with_table().await;
    for (change, question, normal) in [
        ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys", 1),
        ("PRAGMA query_only = ON", "PRAGMA query_only", 0),
        ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 1),
        (
            "CREATE TEMP TABLE secret (v)",
            "SELECT count(*) FROM sqlite_temp_schema",
            0,
        ),
    ] {
        rows(&database, change).await;
        for _ in 0..3 {
            let answer = rows(&database, question).await;
            assert_eq!(answer, [[Value::Integer(normal)]], "{change}");
        }
    }
    rows(&database, "PRAGMA synchronous = NORMAL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_lose_nothing() {
    let database = with_table().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    Sql::execute(&database, "INSERT INTO t (v) VALUES (?1)", vec![1.into()])
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let count = rows(&database, "SELECT count(*) FROM t").await;
    assert_eq!(count, [[Value::Integer(5_000)]]);
    let check = rows(&database, "PRAGMA integrity_check").await;
    assert_eq!(check, [[Value::from("ok")]]);
}

#[tokio::test]
async fn a_transaction_keeps_the_turn_until_its_end() {
    let database = with_table().await;
    let mut first = database.connect().unwrap();
    first.execute("BEGIN", vec![]).await.unwrap();
    let insert = "INSERT INTO t (v) VALUES (1)";
    first.execute(insert, vec![]).await.unwrap();

    let other = database.clone();
    let mut second = tokio::spawn(async move { Sql::execute(&other, insert, vec![]).await });
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
    assert!(waited.is_err(), "the second writer has to wait");
    first.execute("COMMIT", vec![]).await.unwrap();
    second.await.unwrap().unwrap();

    first.execute("BEGIN", vec![]).await.unwrap();
    first.execute(insert, vec![]).await.unwrap();
    drop(first);
    rows(&database, insert).await;
    let count = rows(&database, "SELECT count(*) FROM t").await;
    assert_eq!(count, [[Value::Integer(3)]], "the dropped one rolled back");
}

#[tokio::test]
async fn a_long_statement_moves_to_another_thread_and_ends() {
    let database = with_table().await;
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
                 SELECT count(*) FROM n";
    assert_eq!(rows(&database, count).await, [[Value::Integer(300_000)]]);
    let fill = "INSERT INTO t (v) WITH RECURSIVE n(i) AS \
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n";
    rows(&database, fill).await;
    let count = rows(&database, "SELECT count(*) FROM t").await;
    assert_eq!(count, [[Value::Integer(100_000)]], "written once");
}

#[tokio::test]
async fn another_process_that_holds_the_file_is_waited_for() {
    let database = with_table().await;
    let path = database.path().to_owned();
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(()).unwrap();
        released.recv().unwrap();
        connection.execute_batch("COMMIT").unwrap();
    });
    is_locked.recv().unwrap();
    let writer = {
        let database = database.clone();
        tokio::spawn(async move { rows(&database, "INSERT INTO t (v) VALUES (1)").await })
    };
    tokio::task::yield_now().await;
    assert_eq!(rows(&database, "SELECT v FROM t").await.len(), 0);
    release.send(()).unwrap();
    writer.await.unwrap();
    other.join().unwrap();
    assert_eq!(rows(&database, "SELECT v FROM t").await.len(), 1);
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let database = Database::open(&path).unwrap();
    rows(&database, "CREATE TABLE t (v)").await;
    rows(&database, "INSERT INTO t VALUES (7)").await;
    drop(database);
    let database = Database::open(&path).unwrap();
    let journal = rows(&database, "PRAGMA journal_mode").await;
    assert_eq!(journal, [[Value::from("wal")]]);
    assert_eq!(
        rows(&database, "SELECT v FROM t").await,
        [[Value::Integer(7)]]
    );
}
