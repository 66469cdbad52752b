//! Search in messages on real SQLite.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::{SessionKey, SessionKind};
use given::{account, database, fresh};
use platform_native::sqlite::Database;
use store::{
    Window,
    runs::{self, Beginning},
    search,
    sessions::{self, Scope},
};

async fn say(sql: &Database, user: domain::UserId, text: &str) -> domain::Session {
    let made = sessions::insert(sql, fresh(), SessionKind::Workspace, user, None, 0).await;
    let session = made.expect("a statement").expect("a session");
    // Written as JSON writes it: nothing here needs an escape but these.
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let body = format!(
        r#"{{"type":"user","message_id":"{}","text":"{text}"}}"#,
        fresh()
    );
    let beginning = Beginning {
        uuid: fresh(),
        session: session.id,
        user,
        agent: None,
        body: &body,
        options: "{}",
        now: 5,
    };
    runs::begin(sql, &beginning).await.expect("a run");
    session
}

#[tokio::test]
async fn terms_are_found_in_ones_own_messages() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let eve = account(&sql, "eve", "h").await;
    let first = say(&sql, ada.id, "Fix the Build, please").await;
    say(&sql, ada.id, "部署到生产环境").await;
    say(&sql, ada.id, "100% of a_b in \"quotes\" \\ here").await;
    say(&sql, eve.id, "Fix the build of eve").await;
    let check = async |terms: &[&str], count: usize| {
        let window = Window { skip: 0, limit: 10 };
        let found = search::messages(&sql, ada.id, terms, window).await;
        let found = found.expect("a statement");
        assert_eq!(found.items.len(), count, "{terms:?}");
        assert_eq!(found.total, i64::try_from(count).expect("few"));
    };
    check(&["build"], 1).await;
    check(&["BUILD", "fix"], 1).await;
    check(&["build", "生产"], 0).await;
    check(&["uil"], 1).await;
    check(&["生产"], 1).await;
    check(&["生产环境"], 1).await;
    check(&["0%"], 1).await;
    check(&["%%"], 0).await;
    check(&["_b"], 1).await;
    check(&["\""], 1).await;
    check(&["\"quotes\""], 1).await;
    check(&["OR NOT"], 0).await;
    check(&["NEAR("], 0).await;
    check(&["*"], 0).await;
    check(&["e"], 2).await;
    let scope = Scope::of(ada.id, &SessionKind::OF_ACCOUNTS);
    let deleted = sessions::delete(&sql, scope, SessionKey::Id(first.id)).await;
    assert!(deleted.expect("a statement"));
    check(&["build"], 0).await;
}
