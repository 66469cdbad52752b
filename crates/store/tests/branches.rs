//! Branches of sessions on real SQLite.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::{Account, ErrorKind, Message, Session, SessionKind};
use given::{account, count, database, fresh};
use platform_native::sqlite::Database;
use store::{
    Window,
    branches::{self, Branching},
    messages,
    runs::{self, Beginning, Lease, RunId},
    search, sessions,
    steps::{self, StoredStep},
};
use uuid::Uuid;

const ALL: Window = Window {
    skip: 0,
    limit: 100,
};

struct Talk {
    sql: Database,
    ada: Account,
    session: Session,
}

impl Talk {
    async fn start() -> Self {
        let sql = database().await;
        let ada = account(&sql, "ada", "h").await;
        let made =
            sessions::insert(&sql, fresh(), SessionKind::Workspace, ada.id, None, 0, 100).await;
        let session = made.expect("a statement").expect("a session");
        Self { sql, ada, session }
    }

    /// Says something, as `message`, in the branch that is shown or beside a run.
    async fn begin(&self, message: Uuid, text: &str, beside: Option<RunId>) -> Uuid {
        let uuid = fresh();
        let body = format!(r#"{{"type":"user","message_id":"{message}","text":"{text}"}}"#);
        let beginning = Beginning {
            uuid,
            session: self.session.id,
            user: self.ada.id,
            agent: Some("Mike"),
            body: &body,
            options: "{}",
            now: 5,
        };
        let begun = match beside {
            None => runs::begin(&self.sql, &beginning).await,
            Some(run) => runs::begin_beside(&self.sql, &beginning, run).await,
        };
        begun.expect("a run");
        uuid
    }

    /// Answers in so many messages, and ends.
    async fn answer(&self, run: Uuid, answers: &[&str]) {
        let sql = &self.sql;
        let taken = runs::take(sql, run, "t", 10, 20).await;
        let lease = Lease {
            run: taken.expect("a statement").expect("a run").run.id,
            token: "t".to_owned(),
        };
        let last: i64 = given::one(sql, "SELECT MAX(number) FROM steps", Vec::new()).await;
        let step = |number, kind: &str, rest: String| StoredStep {
            number,
            at: 7,
            agent: Some("Mike".to_owned()),
            thread: None,
            kind: kind.to_owned(),
            body: format!(r#"{{"type":"{kind}",{rest}}}"#),
        };
        let mut number = last;
        for text in answers {
            number += 1;
            let rest = format!(
                r#""message_id":"{}","started":true,"text":"{text}","state":"complete""#,
                fresh()
            );
            let stored = steps::insert(sql, &lease, &step(number, "answer", rest), None).await;
            stored.expect("stored");
        }
        let rest = r#""reason":"completed","detail":"done""#.to_owned();
        let ended = steps::insert(sql, &lease, &step(number + 1, "ended", rest), None).await;
        ended.expect("stored");
    }

    async fn say(&self, text: &str, answers: &[&str]) {
        let run = self.begin(fresh(), text, None).await;
        self.answer(run, answers).await;
    }

    async fn shown(&self) -> Vec<Message> {
        let listed = messages::of_session(&self.sql, self.session.id, Some(ALL), 100, 9).await;
        let listed = listed.expect("messages");
        assert_eq!(
            listed.total,
            i64::try_from(listed.items.len()).expect("few")
        );
        listed.items
    }

    async fn check(&self, expected: &[&str]) {
        let shown = self.shown().await;
        let texts: Vec<_> = shown.iter().map(|one| one.content.as_str()).collect();
        assert_eq!(texts, expected);
        // Each follows the one before it.
        let mut before = None;
        for message in &shown {
            assert_eq!(message.place.parent, before, "{}", message.content);
            before = Some(message.uuid);
        }
    }

    async fn named(&self, text: &str) -> Branching {
        let uuid: String = given::one(
            &self.sql,
            "SELECT uuid FROM messages WHERE content = ?1 ORDER BY id DESC LIMIT 1",
            vec![text.into()],
        )
        .await;
        let uuid = Uuid::parse_str(&uuid).expect("a UUID");
        let found = branches::find(&self.sql, self.session.id, uuid).await;
        found.expect("a statement").expect("a message")
    }

    async fn show(&self, text: &str) {
        let message = self.named(text).await.message;
        let shown = branches::show(&self.sql, &message).await;
        shown.expect("shown");
    }

    /// What the model is told before the newest run.
    async fn told(&self) -> Vec<String> {
        let newest: i64 = given::one(&self.sql, "SELECT MAX(id) FROM runs", Vec::new()).await;
        let found = steps::up_to(&self.sql, RunId(newest)).await.expect("steps");
        let texts = found.earlier.iter().filter_map(|step| {
            let (_, rest) = step.body.split_once(r#""text":""#)?;
            Some(rest.split_once('"')?.0.to_owned())
        });
        texts.collect()
    }
}

#[tokio::test]
async fn an_answer_that_is_given_again_stands_beside_the_first() {
    let talk = Talk::start().await;
    talk.say("one", &["1"]).await;
    talk.say("two", &["2 a", "2 b"]).await;
    talk.say("three", &["3"]).await;
    let first = talk.named("2 a").await;
    assert_eq!(
        (first.text.as_str(), first.message.place.siblings),
        ("two", 1)
    );
    let again = talk.begin(first.question, "two", Some(first.run)).await;
    talk.check(&["one", "1", "two"]).await;
    assert_eq!(talk.told().await, ["one", "1"]);
    let said = messages::of_run(&talk.sql, again).await.expect("messages");
    assert_eq!(said[0].uuid, first.question);
    talk.answer(again, &["2 c"]).await;
    talk.check(&["one", "1", "two", "2 c"]).await;
    let second = talk.named("2 c").await.message;
    assert_eq!((second.place.siblings, second.place.number), (2, 2));
    let siblings = branches::siblings(&talk.sql, &second, ALL).await;
    let siblings = siblings.expect("messages");
    let texts = siblings.items.iter().map(|one| one.content.as_str());
    let texts: Vec<_> = texts.collect();
    assert_eq!((texts, siblings.total), (vec!["2 a", "2 c"], 2));
    talk.say("four", &["4"]).await;
    assert_eq!(talk.told().await, ["one", "1", "two", "2 c"]);
    talk.check(&["one", "1", "two", "2 c", "four", "4"]).await;
    talk.show("2 b").await;
    talk.check(&["one", "1", "two", "2 a", "2 b", "three", "3"])
        .await;
    // The user's message belongs to both; the newest that goes on from it is shown.
    talk.show("two").await;
    talk.check(&["one", "1", "two", "2 c", "four", "4"]).await;
}

#[tokio::test]
async fn a_message_that_is_edited_begins_a_branch() {
    let talk = Talk::start().await;
    talk.say("one", &["1"]).await;
    talk.say("two", &["2"]).await;
    let first = talk.named("one").await;
    let edited = talk.begin(fresh(), "uno", Some(first.run)).await;
    assert_eq!(talk.told().await, Vec::<String>::new());
    talk.answer(edited, &["I"]).await;
    talk.check(&["uno", "I"]).await;
    assert_eq!(talk.named("one").await.message.place.siblings, 2);
    assert_eq!(talk.named("1").await.message.place.siblings, 1);
    let found = search::messages(&talk.sql, talk.ada.id, &["two"], ALL).await;
    assert_eq!(found.expect("found").total, 0, "it is not shown");
    talk.show("1").await;
    talk.check(&["one", "1", "two", "2"]).await;
    let found = search::messages(&talk.sql, talk.ada.id, &["two"], ALL).await;
    assert_eq!(found.expect("found").total, 1);
}

#[tokio::test]
async fn what_is_taken_back_leaves_the_branch_as_it_was() {
    let talk = Talk::start().await;
    talk.say("one", &["1"]).await;
    talk.say("two", &["2"]).await;
    let first = talk.named("1").await;
    for (message, text) in [(fresh(), "uno"), (first.question, "one")] {
        let run = talk.begin(message, text, Some(first.run)).await;
        let refused = branches::show(&talk.sql, &first.message).await;
        assert_eq!(refused.expect_err("busy").kind(), ErrorKind::Conflict);
        assert!(runs::take_back(&talk.sql, run).await.expect("a statement"));
        talk.check(&["one", "1", "two", "2"]).await;
        assert_eq!(count(&talk.sql, "messages").await, 4);
    }
    talk.say("three", &["3"]).await;
    talk.check(&["one", "1", "two", "2", "three", "3"]).await;
}

#[tokio::test]
async fn a_branch_beside_a_run_of_another_session_is_none() {
    let talk = Talk::start().await;
    talk.say("one", &["1"]).await;
    let run = talk.named("1").await.run;
    let other = sessions::insert(
        &talk.sql,
        fresh(),
        SessionKind::Workspace,
        talk.ada.id,
        None,
        0,
        100,
    );
    let other = other.await.expect("a statement").expect("a session");
    let body = format!(r#"{{"type":"user","message_id":"{}","text":"x"}}"#, fresh());
    let beginning = Beginning {
        uuid: fresh(),
        session: other.id,
        user: talk.ada.id,
        agent: None,
        body: &body,
        options: "{}",
        now: 5,
    };
    let begun = runs::begin_beside(&talk.sql, &beginning, run).await;
    assert!(begun.is_err());
    let foreign = talk.named("1").await.message.uuid;
    let found = branches::find(&talk.sql, other.id, foreign).await;
    assert_eq!(found.expect("a statement"), None);
}

#[tokio::test]
async fn a_run_with_a_step_that_is_no_json_can_be_ended() {
    let talk = Talk::start().await;
    let run = talk.begin(fresh(), "one", None).await;
    let broken = "INSERT INTO steps (session_id, run_id, number, at, kind, body) \
        SELECT session_id, id, 2, 7, 'compaction', '{' FROM runs";
    ports::Sql::execute(&talk.sql, broken, Vec::new())
        .await
        .expect("stored");
    talk.answer(run, &["1"]).await;
    talk.say("two", &[]).await;
    assert_eq!(talk.told().await, ["one", "1"]);
}
