//! Sessions on real SQLite: how many somebody may have.

#![allow(clippy::expect_used, reason = "tests")]

mod given;

use domain::{ConversationOwner, Error, ErrorKind, Session, SessionKind, UserId, WorkflowId};
use given::{account, count, database, fresh};
use platform_native::sqlite::Database;
use ports::Sql as _;
use store::{
    codex::{self, CodexSettings},
    conversations, sessions, workflows,
};

/// A session that every way to one makes for `user`, who may have `most`.
async fn each_way(sql: &Database, user: UserId, most: i64) -> [Result<Option<Session>, Error>; 4] {
    let own = ConversationOwner::Account(user);
    let workflow = WorkflowId(1);
    let scope = workflows::Scope {
        owner: None,
        asker: user,
    };
    [
        sessions::insert(sql, fresh(), SessionKind::Runtime, user, None, 0, most).await,
        sessions::insert_about(sql, fresh(), scope, workflow, None, 0, most).await,
        codex::insert(sql, fresh(), user, &CodexSettings::default(), 0, most).await,
        conversations::insert(sql, fresh(), own, user, None, 0, most).await,
    ]
}

#[tokio::test]
async fn an_account_has_so_many_sessions_of_whatever_kind() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await.id;
    let eve = account(&sql, "eve", "h").await.id;
    let workflow = "INSERT INTO workflows (id, uuid, user_id, name, created_at, updated_at) \
        VALUES (1, 'w', ?1, 'w', 0, 0)";
    let stored = sql.execute(workflow, vec![ada.0.into()]).await;
    stored.expect("a statement");
    for made in each_way(&sql, ada, 4).await {
        assert!(made.expect("a statement").is_some());
    }
    for refused in each_way(&sql, ada, 4).await {
        let refused = refused.expect_err("it has four");
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        let detail = "An account has at most 4 sessions. Delete one first";
        assert_eq!(refused.detail(), detail);
    }
    assert_eq!(count(&sql, "sessions").await, 4);
    assert_eq!(count(&sql, "codex_sessions").await, 1);
    for made in each_way(&sql, eve, 4).await {
        assert!(made.expect("a statement").is_some());
    }
    // Who is gone has not too many.
    for nothing in each_way(&sql, UserId(99), 4).await {
        assert_eq!(nothing.expect("a statement"), None);
    }
}

#[tokio::test]
async fn of_those_who_ask_at_once_one_gets_the_last() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await.id;
    let insert = || sessions::insert(&sql, fresh(), SessionKind::Workspace, ada, None, 0, 1);
    let made = futures::future::join_all((0..20).map(|_| insert())).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert_eq!(count(&sql, "sessions").await, 1);
}

#[tokio::test]
async fn conversations_of_open_users_are_not_counted() {
    let sql = database().await;
    let name = domain::OpenUsername::parse("ada").expect("a name");
    let open = store::open_users::insert(&sql, fresh(), &name, None, 0).await;
    let open = open.expect("a statement").expect("an open user").id;
    let everybody = ConversationOwner::OpenUsers;
    for _ in 0..3 {
        let made = conversations::insert(&sql, fresh(), everybody, open, None, 0, 1).await;
        assert!(made.expect("a statement").is_some());
    }
}
