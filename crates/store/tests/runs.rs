//! Runs and their steps on real SQLite.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::{
    AgentId, ErrorKind, ExecutionStatus, ExecutionType, Session, SessionKey, SessionKind,
    TokenUsage, UserId,
};
use given::{account, count, database, fresh, one};
use platform_native::sqlite::Database;
use store::{
    executions::{self, Ending, NewExecution},
    messages,
    runs::{self, Beginning, Lease, RunStatus, StoredRun, Taken},
    sessions::{self, Scope},
    steps::{self, StoredStep},
};
use uuid::Uuid;

async fn session(sql: &Database, user: UserId) -> Session {
    let made = sessions::insert(sql, fresh(), SessionKind::Workspace, user, None, 0, 100).await;
    made.expect("a statement").expect("a session")
}

async fn begin(sql: &Database, session: &Session, user: UserId) -> Result<Uuid, domain::Error> {
    let uuid = fresh();
    let body = format!(
        r#"{{"type":"user","run_id":"{uuid}","message_id":"{}","text":"Hello"}}"#,
        fresh()
    );
    let beginning = Beginning {
        uuid,
        session: session.id,
        user,
        agent: Some("Mike"),
        body: &body,
        options: "{}",
        now: 5,
    };
    runs::begin(sql, &beginning).await.map(|()| uuid)
}

async fn lease(sql: &Database, run: Uuid, token: &str, now: i64) -> Option<Lease> {
    let taken = runs::take(sql, run, token, now, now + 10).await;
    Some(Lease {
        run: taken.expect("a statement")?.run.id,
        token: token.to_owned(),
    })
}

async fn find(sql: &Database, run: Uuid) -> StoredRun {
    let found = runs::find(sql, run).await.expect("a statement");
    found.expect("a run")
}

fn step(number: i64, kind: &str, rest: &str) -> StoredStep {
    StoredStep {
        number,
        at: 7,
        agent: Some("Mike".to_owned()),
        thread: None,
        kind: kind.to_owned(),
        body: format!(r#"{{"type":"{kind}"{rest}}}"#),
    }
}

fn answer(number: i64, started: bool) -> StoredStep {
    let rest = format!(
        r#","message_id":"{}","started":{started},"text":"Hi","state":"failed",
        "usage":{{"input":10,"output":2,"cost":7,"estimated":true}}"#,
        fresh()
    );
    step(number, "answer", &rest)
}

/// The step as one of the work that was handed on.
fn handed_on(step: StoredStep) -> StoredStep {
    StoredStep {
        thread: Some("call".to_owned()),
        ..step
    }
}

const ENDED: &str = r#","reason":"completed","detail":"done""#;

#[tokio::test]
async fn a_run_begins_with_its_message_or_not_at_all() {
    let sql = database().await;
    let (ada, eve) = (
        account(&sql, "ada", "h").await,
        account(&sql, "eve", "h").await,
    );
    let session = session(&sql, ada.id).await;
    let refused = begin(&sql, &session, eve.id).await.expect_err("eve's");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let refused = begin(&sql, &session, ada.id).await.expect_err("busy");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    for (table, rows) in [("runs", 1), ("steps", 1), ("messages", 1)] {
        assert_eq!(count(&sql, table).await, rows, "{table}");
    }
    let said = messages::of_run(&sql, run).await.expect("messages");
    assert_eq!(
        (said[0].content.as_str(), said[0].agent.as_deref()),
        ("Hello", None)
    );
    assert!(runs::take_back(&sql, run).await.expect("a statement"));
    for table in ["runs", "steps", "messages", "executions"] {
        assert_eq!(count(&sql, table).await, 0, "{table}");
    }
    let again = begin(&sql, &session, ada.id).await.expect("a run");
    lease(&sql, again, "a", 10).await.expect("a lease");
    assert!(!runs::take_back(&sql, again).await.expect("a statement"));
}

#[tokio::test]
async fn of_parallel_messages_one_begins_a_run() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let tries = (0..20).map(|_| begin(&sql, &session, ada.id));
    let outcomes = futures::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(count(&sql, "steps").await, 1);
}

#[tokio::test]
async fn one_holds_a_run_at_a_time() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let first = lease(&sql, run, "a", 10).await.expect("a lease");
    assert_eq!(lease(&sql, run, "b", 20).await, None);
    assert_eq!(
        runs::renew(&sql, &first, 40).await.expect("a statement"),
        Some(false)
    );
    assert_eq!(lease(&sql, run, "b", 40).await, None);
    let second = lease(&sql, run, "b", 41).await.expect("run out");
    assert_eq!(runs::look(&sql, &first).await.expect("a statement"), None);
    let late = steps::insert(&sql, &first, &answer(2, true), None).await;
    assert_eq!(late.expect_err("lost").kind(), ErrorKind::Conflict);
    steps::insert(&sql, &second, &answer(2, true), None)
        .await
        .expect("stored");
    let taken = steps::insert(&sql, &second, &answer(2, true), None).await;
    assert_eq!(taken.expect_err("taken").kind(), ErrorKind::Conflict);
    assert_eq!(
        messages::of_run(&sql, run).await.expect("messages").len(),
        2
    );
    runs::release(&sql, &second).await.expect("released");
    assert!(lease(&sql, run, "c", 42).await.is_some());
}

#[tokio::test]
async fn whoever_takes_a_run_is_told_how_it_stands() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let take = async |now: i64| -> Option<Taken> {
        let taken = runs::take(&sql, run, "t", now, now + 10).await;
        taken.expect("a statement")
    };
    let first = take(10).await.expect("it is nobody's");
    assert_eq!(first.run, find(&sql, run).await);
    assert_eq!(
        (first.run.session_uuid, first.run.session_kind),
        (session.uuid, SessionKind::Workspace)
    );
    assert_eq!(first.run.status, RunStatus::Running);
    assert!(!first.is_to_stop && !first.goes_on);
    assert_eq!(take(15).await, None);
    let held = Lease {
        run: first.run.id,
        token: "t".to_owned(),
    };
    let stored = steps::insert(&sql, &held, &answer(2, true), None).await;
    stored.expect("stored");
    let asked = runs::interrupt(&sql, session.id, 16).await;
    assert!(asked.expect("a statement"));
    let second = take(30).await.expect("it ran out");
    assert!(second.is_to_stop && second.goes_on);
    assert_eq!(second.run.usage.input, 10);
}

#[tokio::test]
async fn what_readers_see_comes_with_the_steps() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let held = lease(&sql, run, "a", 10).await.expect("a lease");
    let started = step(2, "started", r#","draft":"""#);
    steps::insert(&sql, &held, &started, None)
        .await
        .expect("stored");
    let longer = r#"{"type":"started","draft":"H"}"#;
    steps::replace(&sql, &held, 2, longer)
        .await
        .expect("stored");
    steps::insert(&sql, &held, &answer(3, true), None)
        .await
        .expect("stored");
    steps::insert(&sql, &held, &answer(4, false), None)
        .await
        .expect("stored");
    let result = step(5, "result", r#","call_id":"c1""#);
    steps::insert(&sql, &held, &result, Some("whole"))
        .await
        .expect("stored");
    let drafted: String = one(&sql, "SELECT body FROM steps WHERE number = 2", Vec::new()).await;
    assert_eq!(drafted, longer);
    let said = messages::of_run(&sql, run).await.expect("messages");
    let said: Vec<_> = said
        .iter()
        .map(|one| (one.agent.as_deref(), one.status.as_str()))
        .collect();
    assert_eq!(said, [(None, "complete"), (Some("Mike"), "failed")]);
    let output = steps::output(&sql, held.run, "c1").await;
    assert_eq!(output.expect("a statement").as_deref(), Some("whole"));
    assert_eq!(
        steps::output(&sql, held.run, "c2")
            .await
            .expect("a statement"),
        None
    );
}

#[tokio::test]
async fn a_message_says_what_its_agent_took_for_it() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let held = lease(&sql, run, "a", 10).await.expect("a lease");
    for next in [
        answer(2, false),
        handed_on(answer(3, false)),
        handed_on(answer(4, true)),
        step(5, "compaction", r#","through":2,"usage":{"input":1}"#),
        answer(6, true),
        answer(7, true),
    ] {
        let stored = steps::insert(&sql, &held, &next, None).await;
        stored.expect("stored");
    }
    let said = messages::of_run(&sql, run).await.expect("messages");
    let took = said.iter().map(|message| {
        let usage = message.usage?;
        Some((usage.input, usage.output, usage.cost, usage.estimated))
    });
    let took: Vec<_> = took.collect();
    let expected = [
        None,
        Some((20, 4, 14, true)),
        Some((21, 4, 14, true)),
        Some((10, 2, 7, true)),
    ];
    assert_eq!(took, expected);
    let all = find(&sql, run).await.usage;
    assert_eq!((all.input, all.output), (51, 10));
}

#[tokio::test]
async fn the_last_step_ends_the_run_and_its_execution() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let held = lease(&sql, run, "a", 10).await.expect("a lease");
    for next in [
        step(2, "started", r#","draft":"""#),
        answer(3, true),
        answer(4, false),
        step(5, "notice", ""),
    ] {
        let stored = steps::insert(&sql, &held, &next, None).await;
        stored.expect("stored");
    }
    assert!(
        runs::interrupt(&sql, session.id, 9)
            .await
            .expect("a statement")
    );
    assert_eq!(
        runs::look(&sql, &held).await.expect("a statement"),
        Some(true)
    );
    assert_eq!(
        runs::unfinished(&sql, None, 10).await.expect("runs").len(),
        1
    );
    steps::insert(&sql, &held, &step(6, "ended", ENDED), None)
        .await
        .expect("stored");
    let ended = find(&sql, run).await;
    assert_eq!(
        (ended.status, ended.reason.as_deref()),
        (RunStatus::Succeeded, Some("completed"))
    );
    let tokens: i64 = one(
        &sql,
        "SELECT input_tokens + cost + estimated FROM runs",
        Vec::new(),
    )
    .await;
    assert_eq!(tokens, 20 + 14 + 1);
    assert!(
        !runs::interrupt(&sql, session.id, 9)
            .await
            .expect("a statement")
    );
    assert_eq!(lease(&sql, run, "b", 1_000).await, None);
    let execution = "SELECT status || '/' || reason || '/' || input_tokens || '/' || ended_at \
        FROM executions";
    let execution: String = one(&sql, execution, Vec::new()).await;
    assert_eq!(execution, "SUCCEEDED/done/20/7");
    // The next run knows this one.
    let next = begin(&sql, &session, ada.id).await.expect("a run");
    let next = find(&sql, next).await;
    let found = steps::up_to(&sql, next.id).await.expect("steps");
    // Without that it, and its answer, began and ended.
    let kinds: Vec<_> = found.earlier.iter().map(|step| &*step.kind).collect();
    assert_eq!(kinds, ["user", "answer", "answer", "notice"]);
    assert_eq!(found.run.len(), 1);
    assert_eq!(found.run[0].number, 7);
}

#[tokio::test]
async fn the_many_runs_of_one_keep_nobodys_from_being_listed() {
    let sql = database().await;
    let (ada, eve) = (
        account(&sql, "ada", "h").await,
        account(&sql, "eve", "h").await,
    );
    let mut begun = Vec::new();
    for user in [ada.id, ada.id, ada.id, eve.id] {
        let session = session(&sql, user).await;
        begun.push(begin(&sql, &session, user).await.expect("a run"));
    }
    let listed = async |ended: Option<i64>, most: i64| -> Vec<Uuid> {
        let found = runs::unfinished(&sql, ended, most).await.expect("runs");
        found.iter().map(|one| one.run).collect()
    };
    assert_eq!(listed(None, 2).await, [begun[0], begun[3]]);
    let all = [begun[0], begun[3], begun[1], begun[2]];
    assert_eq!(listed(None, 10).await, all);
    // One that has ended comes after those that are to be driven on.
    let held = lease(&sql, begun[0], "a", 10).await.expect("a lease");
    let ended = steps::insert(&sql, &held, &step(2, "ended", ENDED), None).await;
    ended.expect("stored");
    assert_eq!(listed(None, 10).await, [begun[1], begun[3], begun[2]]);
    let with_ended = [begun[1], begun[3], begun[2], begun[0]];
    assert_eq!(listed(Some(0), 10).await, with_ended);
}

#[tokio::test]
async fn what_a_summary_tells_is_not_read_again() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let held = lease(&sql, run, "a", 10).await.expect("a lease");
    for next in [
        answer(2, true),
        step(3, "compaction", r#","through":2,"usage":{"input":1}"#),
        answer(4, true),
        step(5, "ended", ENDED),
    ] {
        steps::insert(&sql, &held, &next, None)
            .await
            .expect("stored");
    }
    let next = begin(&sql, &session, ada.id).await.expect("a run");
    let next = find(&sql, next).await;
    let found = steps::up_to(&sql, next.id).await.expect("steps");
    let numbers: Vec<_> = found.earlier.iter().map(|step| step.number).collect();
    assert_eq!(numbers, [3, 4]);
}

#[tokio::test]
async fn a_session_takes_its_runs_along() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let run = begin(&sql, &session, ada.id).await.expect("a run");
    let held = lease(&sql, run, "a", 10).await.expect("a lease");
    for next in [
        answer(2, false),
        handed_on(answer(3, true)),
        answer(4, false),
    ] {
        let stored = steps::insert(&sql, &held, &next, None).await;
        stored.expect("stored");
    }
    work_was_done(&sql, &session, run).await;
    let scope = Scope::of(ada.id, &SessionKind::OF_ACCOUNTS);
    let key = SessionKey::Uuid(session.uuid);
    assert!(
        sessions::delete(&sql, scope, key)
            .await
            .expect("a statement")
    );
    for table in ["runs", "steps", "messages"] {
        assert_eq!(count(&sql, table).await, 0, "{table}");
    }
    // What the turn itself used is kept: all but what was handed on.
    let executions = "SELECT group_concat(status || '/' || input_tokens || '/' || output_tokens, ' ') \
        FROM (SELECT * FROM executions ORDER BY id)";
    let executions: String = one(&sql, executions, Vec::new()).await;
    assert_eq!(executions, "CANCELLED/20/4 SUCCEEDED/10/2");
    assert_eq!(
        runs::renew(&sql, &held, 40).await.expect("a statement"),
        None
    );
    let late = steps::insert(&sql, &held, &answer(5, true), None).await;
    assert_eq!(late.expect_err("gone").kind(), ErrorKind::Conflict);
}

/// The execution of the work that a run handed on, which took an answer.
async fn work_was_done(sql: &Database, session: &Session, run: Uuid) {
    let (uuid, run) = (fresh(), run.to_string());
    let new = NewExecution {
        uuid,
        run_id: Some(&run),
        agent: AgentId(4),
        session: Some(session.id),
        execution_type: ExecutionType::Task,
        now: 7,
    };
    let begun = executions::insert(sql, &new).await.expect("a statement");
    assert!(begun.is_some());
    let ending = Ending {
        status: ExecutionStatus::Succeeded,
        reason: None,
        usage: TokenUsage {
            input: 10,
            output: 2,
            cost: 0,
            estimated: true,
        },
        now: 8,
    };
    let ended = executions::finish(sql, uuid, &ending).await;
    assert!(ended.expect("a statement"));
}
