//! Coding sessions on real SQLite: settings, submissions, the queue, approvals.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::{ErrorKind, Session, SessionKey, SessionKind, UserId, event::TokenCount};
use given::{account, count, database, fresh, one};
use platform_native::sqlite::Database;
use store::{
    codex::{
        self, CodexSettings,
        approvals::{self, ApprovalKind, NewApproval, PatchOutcome, Verdict},
        submissions::{self, NewMessage, NewSubmission, Submitted},
    },
    runs::{self, Lease},
    sessions::{self, Scope},
    steps::{self, StoredStep},
};
use uuid::Uuid;

fn settings() -> CodexSettings {
    CodexSettings {
        cwd: "/workspace/app".to_owned(),
        project: None,
        model: Some("claude-3-sonnet".to_owned()),
        oss: false,
        web_search: true,
        profile: "default".to_owned(),
        network: false,
        read_only: true,
    }
}

async fn session(sql: &Database, user: UserId) -> Session {
    let made = codex::insert(sql, fresh(), user, &settings(), 3, 100).await;
    made.expect("a statement").expect("a session")
}

async fn say(
    sql: &Database,
    session: &Session,
    user: UserId,
    submission: &str,
) -> Result<(Submitted, Uuid), domain::Error> {
    let run = fresh();
    let body = format!(
        r#"{{"type":"user","run_id":"{run}","message_id":"{}","text":"{submission}"}}"#,
        fresh()
    );
    let new = NewMessage {
        session: session.id,
        user,
        submission,
        content_hash: submission,
        run,
        agent: "Alex",
        body: &body,
        now: 5,
    };
    let submitted = submissions::message(sql, &new).await?;
    Ok((submitted, run))
}

async fn lease(sql: &Database, run: Uuid) -> Lease {
    let taken = runs::take(sql, run, "me", 10, 60).await;
    Lease {
        run: taken.expect("a statement").expect("the run").run.id,
        token: "me".to_owned(),
    }
}

/// Ends a run by its last step.
async fn end(sql: &Database, lease: &Lease) {
    let number: i64 = one(sql, "SELECT 1 + MAX(number) FROM steps", Vec::new()).await;
    let step = StoredStep {
        number,
        at: 9,
        agent: None,
        thread: None,
        kind: "ended".to_owned(),
        body: r#"{"type":"ended","reason":"completed","detail":"done"}"#.to_owned(),
    };
    steps::insert(sql, lease, &step, None)
        .await
        .expect("stored");
}

async fn unfinished(sql: &Database, session: &Session) -> Option<Uuid> {
    let found = runs::unfinished_of(sql, session.id).await;
    found.expect("a statement").map(|run| run.uuid)
}

#[tokio::test]
async fn a_session_has_its_settings_from_the_first_moment() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let made = session(&sql, ada.id).await;
    assert_eq!(made.kind, SessionKind::Codex);
    let found = codex::settings(&sql, made.id).await.expect("a statement");
    assert_eq!(found, Some(settings()));
    let glances = codex::glances(&sql, std::slice::from_ref(&made), 5).await;
    let glance = &glances.expect("a statement")[0];
    assert_eq!(
        (glance.running, glance.queued, glance.approvals),
        (false, 0, 0)
    );
    let nobody = codex::insert(&sql, fresh(), UserId(99), &settings(), 3, 100).await;
    assert_eq!(nobody.expect("a statement"), None);
    let scope = Scope::of(ada.id, &[SessionKind::Codex]);
    let key = SessionKey::Id(made.id);
    say(&sql, &made, ada.id, "a").await.expect("stored");
    say(&sql, &made, ada.id, "b").await.expect("stored");
    assert!(
        sessions::delete(&sql, scope, key)
            .await
            .expect("a statement")
    );
    for table in [
        "codex_sessions",
        "codex_queue",
        "codex_submissions",
        "runs",
        "steps",
    ] {
        assert_eq!(count(&sql, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn messages_wait_their_turn() {
    let sql = database().await;
    let (ada, eve) = (
        account(&sql, "ada", "h").await,
        account(&sql, "eve", "h").await,
    );
    let session = session(&sql, ada.id).await;
    let refused = say(&sql, &session, eve.id, "x").await.expect_err("eve's");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let (_, first) = say(&sql, &session, ada.id, "first").await.expect("stored");
    assert_eq!(unfinished(&sql, &session).await, Some(first));
    let mut waiting = Vec::new();
    for number in 0..submissions::QUEUED_MOST {
        let stored = say(&sql, &session, ada.id, &format!("w{number}")).await;
        waiting.push(stored.expect("stored").1);
    }
    let refused = say(&sql, &session, ada.id, "over").await.expect_err("full");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    // What was refused may come again; what was taken is answered as it was.
    let (again, _) = say(&sql, &session, ada.id, "w3").await.expect("known");
    assert_eq!(again, before(5, Some("{\"taken\":5}")));
    let other = NewSubmission {
        session: session.id,
        submission: "w3",
        content_hash: "another",
        now: 6,
        done_within: 1,
    };
    let refused = submissions::remember(&sql, &other).await.expect_err("used");
    assert_eq!(refused.detail(), "This id was used for something else");
    let mut running = first;
    for next in waiting {
        end(&sql, &lease(&sql, running).await).await;
        assert_eq!(unfinished(&sql, &session).await, Some(next));
        running = next;
    }
    end(&sql, &lease(&sql, running).await).await;
    assert_eq!(unfinished(&sql, &session).await, None);
    let asked: i64 = one(
        &sql,
        "SELECT COUNT(*) FROM messages WHERE role = 'user'",
        Vec::new(),
    )
    .await;
    assert_eq!(asked, 1 + submissions::QUEUED_MOST);
    let order: String = one(
        &sql,
        "SELECT GROUP_CONCAT(content) FROM (SELECT content FROM messages ORDER BY id)",
        Vec::new(),
    )
    .await;
    assert!(order.starts_with("first,w0,w1,w2,"), "{order}");
}

#[tokio::test]
async fn the_turn_after_an_undo_knows() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let (_, first) = say(&sql, &session, ada.id, "a").await.expect("stored");
    let checkpoint = first.to_string();
    let first = lease(&sql, first).await;
    end(&sql, &first).await;
    let undone = async |checkpoint: &str| {
        let done = codex::undone(&sql, session.id, checkpoint).await;
        done.expect("a statement");
    };
    undone(&checkpoint).await;
    let (_, second) = say(&sql, &session, ada.id, "b").await.expect("stored");
    let second = lease(&sql, second).await;
    let knows = async |lease: &Lease| {
        let known = codex::was_undone(&sql, session.id, lease.run).await;
        known.expect("a statement")
    };
    assert!(knows(&second).await && !knows(&first).await);
    end(&sql, &second).await;
    // A patch of one's own that is taken back is nothing that the agent did.
    undone(&fresh().to_string()).await;
    let (_, third) = say(&sql, &session, ada.id, "c").await.expect("stored");
    assert!(!knows(&lease(&sql, third).await).await);
}

/// A turn that is taken back before it began keeps no message waiting.
#[tokio::test]
async fn a_message_does_not_wait_for_a_turn_that_is_taken_back() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let (_, first) = say(&sql, &session, ada.id, "a").await.expect("stored");
    let (_, second) = say(&sql, &session, ada.id, "b").await.expect("stored");
    assert!(runs::take_back(&sql, first).await.expect("a statement"));
    assert_eq!(unfinished(&sql, &session).await, Some(second));
}

#[tokio::test]
async fn other_sessions_have_no_queue() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let made = sessions::insert(&sql, fresh(), SessionKind::Workspace, ada.id, None, 0, 100).await;
    let session = made.expect("a statement").expect("a session");
    let refused = say(&sql, &session, ada.id, "x")
        .await
        .expect_err("no codex");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

fn before(at: i64, answer: Option<&str>) -> Submitted {
    let answer = answer.map(str::to_owned);
    Submitted::Before(submissions::Before { at, answer })
}

#[tokio::test]
async fn what_is_no_message_is_remembered_too() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let submit = async |name: &str, content_hash: &str, now| {
        let new = NewSubmission {
            session: session.id,
            submission: name,
            content_hash,
            now,
            done_within: 1_000,
        };
        submissions::remember(&sql, &new).await
    };
    let remember = async |name: &str, now| submit(name, "h", now).await.expect("a statement");
    assert_eq!(remember("a", 7).await, Submitted::New);
    assert_eq!(remember("a", 8).await, before(7, None));
    let answered = submissions::answered(&sql, session.id, "a", "{}").await;
    answered.expect("a statement");
    assert_eq!(remember("a", 8).await, before(7, Some("{}")));
    let forgotten = submissions::forget(&sql, session.id, "a").await;
    forgotten.expect("a statement");
    assert_eq!(remember("a", 9).await, Submitted::New);
    for number in 0..1_001 {
        remember(&number.to_string(), 10).await;
    }
    assert_eq!(count(&sql, "codex_submissions").await, 1_000);
    assert_eq!(remember("1000", 11).await, before(10, None));
    // What was cut off is done again, what has an answer is not.
    let late = 10 + 1_001;
    assert_eq!(remember("1000", late).await, Submitted::New);
    assert_eq!(remember("1000", late).await, before(late, None));
    // A name stands for one thing, whether that is being done, is answered, or was cut off.
    for now in [late, late + 1_001] {
        let refused = submit("1000", "other", now).await.expect_err("used");
        assert_eq!(refused.kind(), ErrorKind::Conflict);
    }
    let answered = submissions::answered(&sql, session.id, "1000", "{}").await;
    answered.expect("a statement");
    let refused = submit("1000", "other", late).await.expect_err("used");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(remember("1000", late).await, before(late, Some("{}")));
}

fn approval<'a>(call_id: &'a str, kind: ApprovalKind, subject: &'a str) -> NewApproval<'a> {
    NewApproval {
        call_id,
        kind,
        subject,
        now: 10,
        expires_at: 100,
    }
}

#[tokio::test]
async fn a_decision_is_made_once_and_in_time() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let (_, run) = say(&sql, &session, ada.id, "go").await.expect("stored");
    let lease = lease(&sql, run).await;
    let ask = async |call: &str, kind, subject: &str| {
        let asked = approvals::ask(&sql, lease.run, &approval(call, kind, subject)).await;
        asked.expect("a statement")
    };
    let decide = async |call: &str, verdict, now| {
        let decided = approvals::decide(&sql, session.id, call, verdict, now).await;
        decided.expect("a statement")
    };
    let said = async |call: &str| {
        let said = approvals::said(&sql, session.id, call).await;
        said.expect("a statement")
    };
    assert_eq!(ask("c1", ApprovalKind::Command, "ls").await, None);
    assert_eq!(said("c1").await, Some(None));
    assert_eq!(said("c0").await, None);
    assert!(!decide("c0", Verdict::Approved, 20).await);
    assert!(!decide("c1", Verdict::Approved, 100).await, "too late");
    assert!(decide("c1", Verdict::Denied, 20).await);
    assert!(!decide("c1", Verdict::Approved, 20).await, "decided");
    assert_eq!(said("c1").await, Some(Some(Verdict::Denied)));
    // For the session: the same command, and no other.
    assert_eq!(ask("c2", ApprovalKind::Command, "ls").await, None);
    assert!(decide("c2", Verdict::ApprovedForSession, 20).await);
    assert_eq!(
        ask("c3", ApprovalKind::Command, "ls").await,
        Some(Verdict::Approved)
    );
    assert_eq!(ask("c4", ApprovalKind::Command, "rm").await, None);
    assert_eq!(ask("p1", ApprovalKind::Patch, "{}").await, None);
    assert_eq!(ask("p2", ApprovalKind::Patch, "{}").await, None);
    let pending = approvals::pending(&sql, session.id, 50)
        .await
        .expect("a statement");
    let calls: Vec<_> = pending.iter().map(|one| one.call_id.as_str()).collect();
    assert_eq!(calls, ["c4", "p1", "p2"]);
    let newest = approvals::newest_patch(&sql, session.id, 50).await;
    assert_eq!(newest.expect("a statement").as_deref(), Some("p2"));
    // Nobody executes the run any more who could hear it.
    assert!(!decide("p2", Verdict::Approved, 60).await);
    assert!(decide("p2", Verdict::Approved, 50).await);
    // Every patch, whatever it is.
    assert!(decide("p1", Verdict::ApprovedForSession, 50).await);
    assert_eq!(
        ask("p3", ApprovalKind::Patch, "[1]").await,
        Some(Verdict::Approved)
    );
    let none = approvals::newest_patch(&sql, session.id, 50).await;
    assert_eq!(none.expect("a statement"), None);
    let outcome = async |call: &str| {
        let outcome = approvals::outcome(&sql, session.id, call).await;
        outcome.expect("a statement")
    };
    let settled = approvals::settle(&sql, session.id, "p2", &PatchOutcome::Applied).await;
    settled.expect("a statement");
    assert_eq!(outcome("p2").await, Some(PatchOutcome::Applied));
    assert_eq!(outcome("p3").await, None);
    end(&sql, &lease).await;
    assert_eq!(said("c4").await, Some(Some(Verdict::Withdrawn)));
    assert!(matches!(outcome("p3").await, Some(PatchOutcome::Failed(_))));
    let late = approvals::ask(
        &sql,
        lease.run,
        &approval("c9", ApprovalKind::Command, "ls"),
    )
    .await;
    assert_eq!(late.expect_err("ended").kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_dead_executor_waits_for_nothing() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let (_, run) = say(&sql, &session, ada.id, "go").await.expect("stored");
    let lease = lease(&sql, run).await;
    for call in ["p1", "p2"] {
        let new = approval(call, ApprovalKind::Patch, "{}");
        let asked = approvals::ask(&sql, lease.run, &new).await;
        assert_eq!(asked.expect("a statement"), None);
    }
    let decided = approvals::decide(&sql, session.id, "p1", Verdict::Approved, 20).await;
    assert!(decided.expect("a statement"));
    let withdraw = async |now| {
        let withdrawn = approvals::withdraw(&sql, lease.run, now).await;
        withdrawn.expect("a statement")
    };
    // What was approved is not withdrawn, and nothing is twice.
    assert_eq!(withdraw(30).await, ["p2"]);
    assert_eq!(withdraw(31).await, Vec::<String>::new());
    let said = approvals::said(&sql, session.id, "p2").await;
    assert_eq!(said.expect("a statement"), Some(Some(Verdict::Withdrawn)));
    let outcome = approvals::outcome(&sql, session.id, "p1").await;
    let interrupted = PatchOutcome::Failed("The turn was interrupted".to_owned());
    assert_eq!(outcome.expect("a statement"), Some(interrupted));
}

#[tokio::test]
async fn tokens_are_those_of_the_turns_before() {
    let sql = database().await;
    let ada = account(&sql, "ada", "h").await;
    let session = session(&sql, ada.id).await;
    let mut before = Vec::new();
    for (turn, input) in [10, i64::MAX, i64::MAX, 1].into_iter().enumerate() {
        let (_, run) = say(&sql, &session, ada.id, &format!("turn {turn}"))
            .await
            .expect("stored");
        let lease = lease(&sql, run).await;
        let first = codex::is_first_turn(&sql, session.id, lease.run).await;
        assert_eq!(first.expect("a statement"), turn == 0);
        let tokens = codex::tokens_before(&sql, session.id, lease.run).await;
        before.push(tokens.expect("a statement"));
        end(&sql, &lease).await;
        let used = "UPDATE runs SET input_tokens = ?2, output_tokens = 2 WHERE id = ?1";
        let used = ports::Sql::execute(&sql, used, vec![lease.run.0.into(), input.into()]).await;
        used.expect("a statement");
    }
    let count = |input, output| TokenCount { input, output };
    assert_eq!(before[..2], [count(0, 0), count(10, 2)]);
    // However servers count, it is a number.
    let most = i64::MAX.unsigned_abs();
    assert_eq!(before[2..], [count(most, 4), count(most, 6)]);
}
