//! What goes wrong with a model, a transcript or a team: each ends a run, with a clear reason, in
//! everything that tells of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::{Outcome, Script};
use serde_json::{Value, json};
use stage::{Stage, ag_ui};
use std::time::{Duration, Instant};
use test_app::{Answer, Lines};

const LONG: Duration = Duration::from_secs(60);

/// What must hold of a run that failed after something was said: the turn, the run, its execution,
/// its messages and its events say so.
async fn check_failed(stage: &Stage, turn: &Value, reason: &str, said: &[(&str, &str)]) {
    assert_eq!(
        (&turn["run"]["status"], &turn["run"]["reason"]),
        (&json!("failed"), &json!(reason)),
        "{turn}"
    );
    let responses = turn["responses"].as_array().unwrap().iter();
    let found: Vec<_> = responses
        .map(|one| {
            (
                one["content"].as_str().unwrap(),
                one["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, said);
    check_recorded(stage, turn["run"]["detail"].as_str().unwrap(), reason).await;
}

/// What must hold of a run that failed before anything was said: the answer is an error, and all
/// that is recorded says why.
async fn check_unanswered(stage: &Stage, answer: &Answer, status: u16, reason: &str) {
    let problem = answer.refused(status);
    check_recorded(stage, problem["detail"].as_str().unwrap(), reason).await;
}

/// The run, its execution and its events say that it failed, and why.
async fn check_recorded(stage: &Stage, detail: &str, reason: &str) {
    assert!(!detail.is_empty());
    let recorded = stage
        .one("SELECT status || '/' || reason FROM runs ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(recorded, format!("failed/{reason}"));
    let executed = stage
        .one("SELECT status || '/' || reason FROM executions ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(executed, format!("FAILED/{detail}"));
    let events = stage.checked_events();
    let Some(agent::Kind::RunEnded {
        outcome,
        reason: ended,
        ..
    }) = events.last().map(|event| &event.kind)
    else {
        panic!("{events:#?}");
    };
    assert_eq!((*outcome, ended.as_str()), (agent::Outcome::Failed, reason));
}

#[tokio::test]
async fn faults_of_the_model() {
    let begin = || Script::new().tokens(&["Half ", "of"]);
    let half: &[(&str, &str)] = &[("Half of", "failed")];
    for (fault, said) in [
        (Script::refusal(400, "secret-detail"), &[][..]),
        (Script::refusal(401, "secret-detail"), &[][..]),
        (
            Script::refusal(503, "secret-detail").header("retry-after", "3600"),
            &[][..],
        ),
        (Script::new().data("secret-detail"), &[][..]),
        (begin().error("secret-detail"), half),
        (begin().reset(), half),
        (begin().cut(), half),
        (begin().data("{"), half),
    ] {
        let stage = Stage::start().await;
        stage.model.push(fault.clone());
        let answer = stage.say("Hello").await;
        match said {
            [] => check_unanswered(&stage, &answer, 502, "model_failed").await,
            said => check_failed(&stage, &answer.done(200), "model_failed", said).await,
        }
        assert!(!answer.text.contains("secret-detail"), "{fault:?}");
        // The session is free for the next message.
        stage.model.push(Script::answer(&["Here."]));
        stage.say("Again").await.done(200);
    }
}

#[tokio::test]
async fn a_model_that_stalls() {
    let stage = Stage::with(&[("llm_silence_timeout", "1")]).await;
    stage.model.push(Script::new().token("I am").stall());
    let turn = stage.say("Hello").await.done(200);
    check_failed(&stage, &turn, "model_failed", &[("I am", "failed")]).await;
    let left = tokio::time::timeout(LONG, stage.model.outcome(0)).await;
    assert_eq!(left.unwrap(), Outcome::ClientLeft);
}

#[tokio::test]
async fn a_model_that_does_not_begin_is_asked_twice() {
    let stage = Stage::with(&[("llm_silence_timeout", "1")]).await;
    for _ in 0..2 {
        stage.model.push(Script::new().head().stall());
    }
    stage.say("Hello").await;
    let ended = stage.one("SELECT reason FROM runs").await;
    assert_eq!(ended, "model_failed");
    assert_eq!(stage.model.requests().len(), 2);
    stage.checked_events();
}

#[tokio::test]
async fn an_interrupt_reaches_the_model_within_two_seconds() {
    let stage = Stage::start().await;
    stage
        .model
        .push(Script::new().head().token("Once upon").stall());
    let body = json!({ "session_id": stage.session, "content": "Tell a story" });
    let line = "POST /api/v1/chat/messages";
    let telling = stage
        .open(&stage.ada, line, "text/event-stream", &body)
        .await;
    stage
        .until("SELECT 1 FROM steps WHERE kind = 'started'")
        .await;
    let asked = Instant::now();
    let interrupt = format!("POST /api/v1/sessions/{}/interrupt", stage.session);
    stage
        .call(&stage.ada, &interrupt, &Value::Null)
        .await
        .done(202);
    let left = tokio::time::timeout(LONG, stage.model.outcome(0)).await;
    assert_eq!(left.unwrap(), Outcome::ClientLeft);
    assert!(
        asked.elapsed() <= Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    Answer::read(telling).await;
    stage.checked_events();
}

/// Breaks a step of the only run: the database has something that no program wrote.
async fn spoil(stage: &Stage, number: i64, body: &str) {
    let update = "UPDATE steps SET body = ?2 WHERE number = ?1";
    stage
        .accounts
        .sql(update, vec![number.into(), body.into()])
        .await;
}

#[tokio::test]
async fn a_transcript_that_cannot_be_read_ends_its_run() {
    for (number, body) in [
        (1, "{"),
        (1, r#"{"type":"dream","message_id":"x"}"#),
        (2, "nonsense"),
        (2, r#"{"type":"started"}"#),
    ] {
        let stage = Stage::start().await;
        let run = stage.store("Hello").await;
        if number == 2 {
            stage
                .model
                .push(Script::new().head().token("Half a").stall());
            let lines = stage.runner.execute(&run, 0).await;
            let mut lines = Lines::of(lines);
            while lines.told().await.unwrap().batch.unwrap().step != Some(2) {}
            drop(lines);
            stage.until("SELECT 1 FROM runs WHERE lease IS NULL").await;
        }
        spoil(&stage, number, body).await;
        let mut lines = Lines::of(stage.runner.execute(&run, 0).await);
        let mut events = Vec::new();
        let end = loop {
            let line = lines.told().await.unwrap();
            if let Some(end) = line.end {
                break end;
            }
            let batch = line.batch.unwrap().events.into_iter();
            events.extend(batch.map(|event| serde_json::from_value(event).unwrap()));
        };
        assert_eq!(
            (end.outcome.as_str(), end.reason.as_str()),
            ("failed", "unreadable")
        );
        agent::order::check(&events).unwrap_or_else(|fault| panic!("{fault}: {events:#?}"));
        let executed = stage
            .one("SELECT status || '/' || reason FROM executions")
            .await;
        assert_eq!(executed, format!("FAILED/{}", end.detail));
        // It is not asked for again, and the session goes on.
        let unfinished = stage
            .all("SELECT uuid FROM runs WHERE ended_at IS NULL")
            .await;
        assert!(unfinished.is_empty());
        stage.model.push(Script::answer(&["Here."]));
        let turn = stage.say("Are you there?").await.done(200);
        assert_eq!(turn["responses"][0]["content"], "Here.");
        // Of what the run did by itself, the next one reads nothing.
        let told = stage.model.requests().last().unwrap().json["messages"].to_string();
        assert_eq!(told.contains("cannot be read"), number == 1, "{told}");
    }
}

#[tokio::test]
async fn a_chat_whose_run_cannot_be_read_says_so() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&["1"]));
    let body = json!({ "message": "one" });
    let line = "POST /api/v1/agent-chats";
    let chat = stage.call(&stage.ada, line, &body).await.done(200);
    let session = chat["session_id"].as_str().unwrap();
    // It is read when it is to be answered on.
    let spoiling = "UPDATE steps SET body = '{' WHERE kind = 'answer'";
    stage.accounts.sql(spoiling, Vec::new()).await;
    stage.model.push(Script::answer(&["2"]));
    let body = json!({ "message": "two", "session_id": session });
    let chat = stage.call(&stage.ada, line, &body).await.done(200);
    assert_eq!(chat["output"], "2");
    let told = stage.model.requests().last().unwrap().json["messages"].to_string();
    assert!(told.contains("cannot be read"), "{told}");
    ag_ui::check_chat(&chat);
}

#[tokio::test]
async fn a_run_that_nobody_can_answer_any_more_ends() {
    for gone in [
        "UPDATE agents SET status = 'DISABLED'",
        "UPDATE models SET status = 'DISABLED'",
        "UPDATE providers SET status = 'DISABLED'",
    ] {
        let stage = Stage::start().await;
        stage.provide("http://127.0.0.1:1/v1", 100).await;
        let run = stage.store("Hello").await;
        stage.accounts.sql(gone, Vec::new()).await;
        let mut lines = Lines::of(stage.runner.execute(&run, 0).await);
        let end = loop {
            if let Some(end) = lines.told().await.unwrap().end {
                break end;
            }
        };
        assert_eq!(
            (end.outcome.as_str(), end.reason.as_str()),
            ("failed", "no_agent")
        );
        // Who asks now is told at once, and nothing is kept of it.
        stage.say("Hello?").await.refused(503);
        assert!(stage.model.requests().is_empty());
    }
}

/// How many turns begin at once, and how many of them the provider takes in a minute.
const TURNS: usize = 50;
const A_MINUTE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_limit_holds_for_all_turns_together() {
    let stage = Stage::start().await;
    stage.provide(&stage.model.base_url(), A_MINUTE).await;
    stage.model.answer_with(|_| Script::answer(&["Here."]));
    let mut sessions = Vec::new();
    for _ in 0..TURNS {
        let line = "POST /api/v1/sessions";
        let made = stage.accounts.call_as(&stage.ada, line, &Value::Null).await;
        sessions.push(made.done(201)["id"].as_str().unwrap().to_owned());
    }
    let line = "POST /api/v1/chat/messages";
    let turns = sessions.iter().map(|session| {
        let body = json!({ "session_id": session, "content": "Hello" });
        let stage = &stage;
        async move { stage.call(&stage.ada, line, &body).await }
    });
    let stopping = async {
        // All the others wait, and say so.
        let waits = |kind: &agent::Kind| matches!(kind, agent::Kind::Warning { code, .. } if code == "waiting");
        let all_wait = async {
            loop {
                let events = stage.runner.events.lock().unwrap().clone();
                let waiting = events.iter().filter(|event| waits(&event.kind)).count();
                let ended = stage
                    .all("SELECT uuid FROM runs WHERE ended_at IS NOT NULL")
                    .await;
                if waiting == TURNS - A_MINUTE && ended.len() == A_MINUTE {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, all_wait)
            .await
            .expect("they wait");
        assert_eq!(stage.model.requests().len(), A_MINUTE);
        for session in &sessions {
            let line = format!("POST /api/v1/sessions/{session}/interrupt");
            let stopped = stage.call(&stage.ada, &line, &Value::Null).await;
            assert!(
                matches!(stopped.status.as_u16(), 200 | 202),
                "{}",
                stopped.text
            );
        }
    };
    let (turns, ()) = tokio::join!(futures::future::join_all(turns), stopping);
    let (answered, stopped): (Vec<_>, Vec<_>) =
        turns.iter().partition(|turn| turn.status.is_success());
    assert_eq!(answered.len(), A_MINUTE);
    for turn in answered {
        assert_eq!(turn.json()["run"]["status"], "succeeded");
    }
    for turn in stopped {
        turn.problem(409, "the run was interrupted");
    }
    assert_eq!(stage.model.requests().len(), A_MINUTE);
}

#[tokio::test]
async fn a_model_that_does_not_stream_is_not_asked_to() {
    let stage = Stage::start().await;
    stage.provide(&stage.model.base_url(), 100).await;
    let whole = "UPDATE models SET support_stream = 0";
    stage.accounts.sql(whole, Vec::new()).await;
    let message = json!({ "role": "assistant", "content": "Here." });
    stage.model.push(Script::whole(&message, "stop", 3, 4));
    let turn = stage.say("Hello").await.done(200);
    assert_eq!(turn["run"]["status"], "succeeded", "{turn}");
    assert_eq!(turn["responses"][0]["content"], "Here.");
    assert_eq!(stage.model.requests()[0].json["stream"], false);
}

#[tokio::test]
async fn a_provider_that_says_nothing_for_its_time_has_failed() {
    let stage = Stage::start().await;
    stage.provide(&stage.model.base_url(), 100).await;
    let short = "UPDATE providers SET timeout_ms = 1000";
    stage.accounts.sql(short, Vec::new()).await;
    stage.model.push(Script::new().token("I am").stall());
    let turn = stage.say("Hello").await.done(200);
    check_failed(&stage, &turn, "model_failed", &[("I am", "failed")]).await;
}

/// A run may cost so much: it is not begun to cost more.
#[tokio::test]
async fn a_limit_on_cost_ends_a_run() {
    let stage = Stage::with(&[("run_cost_limit", "0.002")]).await;
    stage.provide(&stage.model.base_url(), 100).await;
    let price = "UPDATE models SET input_price = 1000000, output_price = 0";
    stage.accounts.sql(price, Vec::new()).await;
    let call = || {
        let arguments = json!({ "path": "a.txt", "content": "hello" }).to_string();
        let call = Script::new().tool_call(0, "call", "write_file", &arguments);
        call.finish("tool_calls").usage(1_000, 10).done()
    };
    stage.model.push(call());
    stage.model.push(call());
    let answer = stage.say("@Alex write").await;
    check_unanswered(&stage, &answer, 503, "cost_limit").await;
    assert_eq!(stage.model.requests().len(), 2, "the third is not asked");
    let misread = Stage::with(&[("run_cost_limit", "much")]).await;
    let run = misread.store("Hello").await;
    let refused = misread.runner.execute(&run, 0).await;
    assert_eq!(refused.status(), 503);
}

/// A server may count what it wants to: the run ends all the same.
#[tokio::test]
async fn a_model_server_that_cannot_count() {
    let stage = Stage::start().await;
    stage.provide(&stage.model.base_url(), 100).await;
    let price = "UPDATE models SET input_price = 1000000000000, output_price = 1000000000000";
    stage.accounts.sql(price, Vec::new()).await;
    let call = json!({ "path": "a.txt", "content": "hello" }).to_string();
    let call = Script::new().tool_call(0, "call", "write_file", &call);
    let most = usize::MAX;
    stage
        .model
        .push(call.finish("tool_calls").usage(most, most).done());
    stage.model.push(
        Script::new()
            .token("Here.")
            .finish("stop")
            .usage(most, 1)
            .done(),
    );
    let answer = stage.say("@Alex write").await;
    check_unanswered(&stage, &answer, 503, "token_limit").await;
    let recorded = "SELECT typeof(input_tokens) || typeof(cost) FROM runs";
    assert_eq!(stage.one(recorded).await, "integerinteger");
}

/// What a message waits until somebody drives its run is no time at work.
#[tokio::test]
async fn a_run_that_waited_for_hours_is_worked_on() {
    let stage = Stage::start().await;
    let run = stage.store("Hello").await;
    let earlier = "UPDATE steps SET at = at - 7200000";
    stage.accounts.sql(earlier, Vec::new()).await;
    stage.model.push(Script::answer(&["At last."]));
    let mut lines = Lines::of(stage.runner.execute(&run, 0).await);
    let (_, end) = lines.to_the_end().await;
    assert_eq!(end.reason, "completed", "{end:?}");
}
