//! The database comes to its shape by itself, once, and never backwards.

use http::Request;
use platform_native::sqlite::Database;
use std::path::Path;
use tests::{Stack, eventually, stack::State};

/// Takes the database back to where nobody migrated it.
fn unmigrate(state: &State) {
    const ALL: &str = "SELECT type, name FROM sqlite_master \
         WHERE type IN ('view', 'trigger', 'table') AND name NOT LIKE 'sqlite_%' \
         ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL%'";
    let sql = state.sql();
    sql.pragma_update(None, "foreign_keys", false).unwrap();
    let all: Vec<(String, String)> = sql
        .prepare(ALL)
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (kind, name) in all {
        // A virtual table takes others along.
        sql.execute_batch(&format!("DROP {kind} IF EXISTS \"{name}\""))
            .unwrap();
    }
}

#[tokio::test]
async fn the_runner_has_an_empty_database_migrated() {
    let mut stack = Stack::without_runner(State::new()).await;
    unmigrate(&stack.state);
    let before = stack.edge().get("/api/v1/users/ada").await;
    assert_eq!(before.status, 500, "{}", before.text());
    stack.start_runner().await;
    let door = stack.door();
    eventually("the runner has the database migrated", async || {
        (door.get("/api/v1/users/ada").await.status == 404).then_some(())
    })
    .await;
    door.user("ada").await;
    stack.stop().await;
}

#[tokio::test]
async fn a_second_stack_finds_everything() {
    let stack = Stack::start().await;
    let conversation = stack.door().conversation_of("ada").await;
    let user = stack.door().get("/api/v1/users/ada").await.json();
    let state = stack.stop().await;
    let stack = Stack::start_in(state).await;
    assert_eq!(stack.door().get("/api/v1/users/ada").await.json(), user);
    assert_eq!(
        stack.door().messages(conversation).await,
        serde_json::json!([])
    );
    stack.stop().await;
}

#[test]
fn two_appliers_at_once_apply_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sqlite.db");
    let appliers = ["one", "another"].map(|holder| {
        let path = path.clone();
        std::thread::spawn(move || apply(&path, holder))
    });
    let applied = appliers.map(|applier| applier.join().unwrap());
    let whole = store::migrations::MIGRATIONS.len();
    assert_eq!(applied.iter().sum::<usize>(), whole, "{applied:?}");
}

/// Migrates as a process of its own does; returns how many migrations were new.
#[tokio::main(flavor = "current_thread")]
async fn apply(path: &Path, holder: &str) -> usize {
    eventually("the database is migrated", async || {
        let database = Database::open(path).unwrap();
        store::migrations::apply(&database, 1, holder).await.ok()
    })
    .await
    .migrations
}

#[tokio::test]
async fn a_database_from_a_newer_program_is_left_alone() {
    let stack = Stack::start().await;
    let newer = "INSERT INTO migrations (name, statement, applied_at) VALUES ('9999_later', 0, 1)";
    stack.state.sql().execute(newer, []).unwrap();
    let bearer = format!("Bearer {}", stack.token);
    let request = Request::post("/internal/migrate").header("authorization", bearer);
    let answer = stack.edge().send(request, "").await;
    assert_eq!(answer.status, 503);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("newer") && detail.contains("9999_later"),
        "{detail}"
    );
    stack.stop().await;
}
