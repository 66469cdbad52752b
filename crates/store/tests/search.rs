//! Search in messages on real SQLite.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::{
    ConversationOwner, MessageId, MessageStatus, SessionId, SessionKey, SessionKind, UserId,
};
use given::{account, database, fresh, one};
use platform_native::sqlite::Database;
use store::{
    Window,
    answers::{self, Question},
    conversations,
    runs::{self, Beginning},
    search,
    sessions::{self, Scope},
};

async fn say(sql: &Database, user: domain::UserId, text: &str) -> domain::Session {
    let made = sessions::insert(
        sql,
        fresh(),
        SessionKind::Workspace,
        user,
        None,
        0,
        i64::MAX,
    )
    .await;
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
    say(&sql, ada.id, "Да, Йога").await;
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
    for term in ["да", "Да", "дА", "ДА", "й", "Й", "йога", "ЙОГА"] {
        check(&[term], 1).await;
    }
    check(&["да", "нет"], 0).await;
    check(&["0%"], 1).await;
    check(&["%%"], 0).await;
    check(&["_b"], 1).await;
    check(&["\""], 1).await;
    check(&["\"quotes\""], 1).await;
    check(&["OR NOT"], 0).await;
    check(&["NEAR("], 0).await;
    check(&["*"], 0).await;
    // How the index knows whose they are is nothing that was said.
    check(&[&format!("u{}u", ada.id.0)], 0).await;
    check(&["e"], 2).await;
    let scope = Scope::of(ada.id, &SessionKind::OF_ACCOUNTS);
    let deleted = sessions::delete(&sql, scope, SessionKey::Id(first.id)).await;
    assert!(deleted.expect("a statement"));
    check(&["build"], 0).await;
}

/// A conversation of `user` that begins with a question, and the answer's number.
async fn ask(
    sql: &Database,
    owner: ConversationOwner,
    user: UserId,
    content: &str,
) -> (SessionId, MessageId) {
    let made = conversations::insert(sql, fresh(), owner, user, None, 0, i64::MAX).await;
    let session = made.expect("a statement").expect("a conversation").id;
    let question = Question {
        session,
        owner,
        content,
        uuid: fresh(),
        answer_uuid: fresh(),
        now: 1,
        lease_until: 10,
    };
    let answer = answers::begin(sql, &question).await.expect("begun");
    (session, answer)
}

#[tokio::test]
async fn conversations_of_accounts_are_searched_and_those_of_strangers_never() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let find = async |user: UserId, term: &str| {
        let window = Window { skip: 0, limit: 10 };
        let found = search::messages(&sql, user, &[term], window).await;
        found.expect("a statement").items
    };
    let insert = "INSERT INTO users (uuid, realm, username, created_at) \
        VALUES ('x', 'open', 'eve', 0) RETURNING id";
    let eve = UserId(one(&sql, insert, Vec::new()).await);
    let stranger = ask(&sql, ConversationOwner::OpenUsers, eve, "Is the sky red?").await;
    let own = ConversationOwner::Account(ada.id);
    let (session, answer) = ask(&sql, own, ada.id, "Is the sky blue?").await;
    // What is being written is not found yet.
    for answer in [answer, stranger.1] {
        let renewed = answers::renew(&sql, answer, Some("The sky"), 20).await;
        assert!(renewed.expect("a statement"));
    }
    assert_eq!(find(ada.id, "sky").await.len(), 1);
    for answer in [answer, stranger.1] {
        let (text, status) = ("The sky is.", MessageStatus::Complete);
        let finished = answers::finish(&sql, answer, text, status, 3).await;
        assert!(finished.expect("a statement"));
    }
    let found = find(ada.id, "SKY").await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].message.content, "The sky is.");
    // A session is called what lists call it.
    assert_eq!(found[0].title.as_deref(), Some("Is the sky blue?"));
    assert!(find(eve, "sky").await.is_empty());
    let indexed = "SELECT COUNT(*) FROM message_texts WHERE message_texts MATCH 'sky'";
    assert_eq!(one::<i64>(&sql, indexed, Vec::new()).await, 2);
    let of_user = "SELECT COUNT(*) FROM message_texts WHERE message_texts MATCH ?1";
    for (user, count) in [(ada.id, 2), (eve, 0)] {
        let whose = format!("searched : \"u{}u\"", user.0);
        assert_eq!(one::<i64>(&sql, of_user, vec![whose.into()]).await, count);
    }
    let scope = Scope::of(ada.id, &SessionKind::ALL);
    let deleted = sessions::delete(&sql, scope, SessionKey::Id(session)).await;
    assert!(deleted.expect("a statement"));
    assert_eq!(one::<i64>(&sql, indexed, Vec::new()).await, 0);
}
