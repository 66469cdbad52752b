//! Turns of the team, with a scripted model on real sockets and a runner that the test plays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use http::Method;
use model_stub::scripted::{Gate, Script};
use serde_json::{Value, json};
use stage::Stage;
use std::{sync::atomic::Ordering, time::Duration};
use test_app::{Answer, Lines, RUNNER_TOKEN, Reply};

const LONG: Duration = Duration::from_secs(60);

/// What readers were shown of a tool's end.
fn ended(events: &[agent::Event], tool: &str) -> (agent::CallState, String) {
    let mut ends = events.iter().filter_map(|event| match &event.kind {
        agent::Kind::ToolEnded {
            tool: ended,
            state,
            output,
            ..
        } if ended == tool => Some((*state, output.clone())),
        _ => None,
    });
    ends.next().expect("the tool's end")
}

#[tokio::test]
async fn mike_has_alex_write_and_run_a_file() {
    let stage = Stage::start().await;
    let task = json!({"agent": "Alex", "task": "Write a.txt and look at it"});
    stage.model.push(Script::call("assign", &task));
    stage.model.push(Script::calls(&[
        ("write_file", json!({"path": "a.txt", "content": "hello"})),
        ("exec", json!({"command": "cat a.txt"})),
    ]));
    stage.model.push(Script::answer(&["It says", " hello."]));
    stage.model.push(Script::answer(&["Alex", " did it."]));
    let turn = stage.say("Make a file").await.done(200);
    let said = |message: &Value| (message["agent"].clone(), message["content"].clone());
    let responses: Vec<_> = turn["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(said)
        .collect();
    let expected = [
        (json!("Alex"), json!("It says hello.")),
        (json!("Mike"), json!("Alex did it.")),
    ];
    assert_eq!(responses, expected);
    assert_eq!(turn["user"]["content"], "Make a file");
    assert_eq!(turn["run"]["status"], "succeeded", "{turn}");
    // What is listed is what was answered.
    let mut all = vec![turn["user"].clone()];
    all.extend(turn["responses"].as_array().unwrap().clone());
    assert_eq!(stage.messages().await, Value::from(all.clone()));
    // What is exported too.
    let export = format!("GET /api/v1/sessions/{}/export?format=json", stage.session);
    let exported = stage.call(&stage.ada, &export, &Value::Null).await;
    assert_eq!(exported.done(200)["messages"], Value::from(all.clone()));
    // Each says what it took, which is the turn's usage together.
    assert_eq!(all[0]["usage"], Value::Null);
    for member in ["input_tokens", "output_tokens"] {
        let took = all
            .iter()
            .filter_map(|message| message["usage"][member].as_i64());
        assert_eq!(json!(took.sum::<i64>()), turn["run"][member], "{turn}");
    }
    // So are the events.
    let events = stage.checked_events();
    let (state, output) = ended(&events, "exec");
    assert_eq!(state, agent::CallState::Done);
    assert_eq!(output, "hello\n[exit code 0]");
    let changed = events.iter().any(|event| {
        matches!(&event.kind, agent::Kind::FileChange { change, .. } if change.path == "a.txt")
    });
    assert!(changed);
    // And the executions.
    let executions = "SELECT agents.name || ' ' || execution_type || ' ' || executions.status \
        FROM executions JOIN agents ON agents.id = agent_id ORDER BY executions.id";
    let executions = stage.all(executions).await;
    assert_eq!(executions, ["Mike CHAT SUCCEEDED", "Alex TASK SUCCEEDED"]);
    let sums = "SELECT (SELECT SUM(input_tokens + output_tokens) FROM executions) || '/' || \
        (SELECT input_tokens + output_tokens FROM runs)";
    let sums = stage.one(sums).await;
    let (executed, run) = sums.split_once('/').unwrap();
    assert_eq!(executed, run);
    assert_ne!(run, "0");
    // The sandbox was launched once, for ada.
    let asked = stage.accounts.runner.asked();
    let launches = asked
        .iter()
        .filter(|one| one.line.starts_with("PUT /v1/sandboxes/"));
    let launches: Vec<_> = launches
        .filter(|one| !one.line.ends_with("/files"))
        .collect();
    assert_eq!(launches.len(), 1);
    assert_eq!(launches[0].json(), json!({"user": 1, "network": false}));
}

#[tokio::test]
async fn whoever_is_addressed_answers() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&["I am Emma."]));
    let turn = stage.say("@emma who are you?").await.done(200);
    assert_eq!(turn["responses"][0]["agent"], "Emma");
    stage.model.push(Script::answer(&["Mike here."]));
    let turn = stage.say("And you?").await.done(200);
    assert_eq!(turn["responses"][0]["agent"], "Mike");
    let asked = stage.model.requests();
    let told = asked[1].json["messages"].to_string();
    assert!(told.contains("I am Emma."), "the chat goes on: {told}");
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let stage = Stage::start().await;
    let line = "POST /api/v1/chat/messages";
    for (content, field) in [
        (json!(""), "content"),
        (json!(" \n"), "content"),
        (json!("a\0b"), "content"),
        (json!("x".repeat(32_001)), "content"),
        (json!(7), "content"),
        (Value::Null, "content"),
    ] {
        let body = json!({ "session_id": stage.session, "content": content });
        let answer = stage.call(&stage.ada, line, &body).await;
        answer.refused(422);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let body = json!({ "session_id": stage.session, "content": "x" });
    let answer = stage.call(&stage.eve, line, &body).await;
    answer.problem(404, "Session not found");
    stage.call("nonsense", line, &body).await.refused(401);
    let interrupt = format!("POST /api/v1/sessions/{}/interrupt", stage.session);
    let answer = stage.call(&stage.eve, &interrupt, &Value::Null).await;
    answer.problem(404, "Session not found");
    let answer = stage.call(&stage.ada, &interrupt, &Value::Null).await;
    assert_eq!(answer.done(200), json!({"interrupted": false}));
    assert!(stage.all("SELECT uuid FROM runs").await.is_empty());
}

#[tokio::test]
async fn without_a_runner_nothing_is_kept() {
    let stage = Stage::start().await;
    stage.runner.away.store(true, Ordering::SeqCst);
    let answer = stage.say("Hello").await;
    answer.refused(503);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(stage.messages().await, json!([]));
    for table in ["runs", "steps", "executions"] {
        assert!(
            stage
                .all(
                    &format!("SELECT uuid FROM {table}")
                        .replace("uuid FROM steps", "body FROM steps")
                )
                .await
                .is_empty()
        );
    }
    stage.runner.away.store(false, Ordering::SeqCst);
    stage.model.push(Script::answer(&["Hi."]));
    stage.say("Hello").await.done(200);
}

#[tokio::test]
async fn a_turn_is_interrupted_and_the_model_dropped() {
    let stage = Stage::start().await;
    stage
        .model
        .push(Script::new().head().token("Once upon").stall());
    let body = json!({ "session_id": stage.session, "content": "Tell a story" });
    let telling = stage.open(
        &stage.ada,
        "POST /api/v1/chat/messages",
        "text/event-stream",
        &body,
    );
    let telling = telling.await;
    stage
        .until("SELECT 1 FROM steps WHERE kind = 'started'")
        .await;
    let busy = stage.say("More").await;
    busy.problem(
        409,
        "The session is busy: its last message is still being answered",
    );
    let interrupt = format!("POST /api/v1/sessions/{}/interrupt", stage.session);
    let answer = stage.call(&stage.ada, &interrupt, &Value::Null).await;
    assert_eq!(answer.done(202), json!({"interrupted": true}));
    let told = tokio::time::timeout(LONG, Answer::read(telling))
        .await
        .unwrap();
    let (events, last) = told.text.rsplit_once("event: turn\ndata: ").unwrap();
    let turn: Value = serde_json::from_str(last.trim()).unwrap();
    assert_eq!(turn["run"]["status"], "cancelled");
    assert_eq!(turn["responses"][0]["content"], "Once upon");
    assert_eq!(turn["responses"][0]["status"], "interrupted");
    assert!(
        events.contains("\"content\":\"Once upon\",\"final\":false"),
        "{events}"
    );
    assert!(events.contains("\"status\":\"interrupted\""), "{events}");
    stage.checked_events();
    let left = stage.model.outcome(0);
    let left = tokio::time::timeout(LONG, left).await.unwrap();
    assert_eq!(left, model_stub::scripted::Outcome::ClientLeft);
    stage.model.push(Script::answer(&["Hi."]));
    stage.say("Hello").await.done(200);
}

#[tokio::test]
async fn a_reader_that_leaves_stops_nothing_that_is_stored() {
    let stage = Stage::start().await;
    let run = stage.store("@Alex run it").await;
    let gate = Gate::new();
    stage
        .model
        .push(Script::call("exec", &json!({"command": "ls"})));
    stage
        .model
        .push(Script::new().head().token("Half a").hold(&gate));
    let mut lines = Lines::of(stage.runner.execute(&run, 0).await);
    // Somebody else may not execute it meanwhile.
    assert_eq!(stage.runner.execute(&run, 0).await.status(), 409);
    let mut events = Vec::new();
    let mut seen = 0;
    let half = |events: &[agent::Event]| {
        let is_delta =
            |event: &agent::Event| matches!(event.kind, agent::Kind::MessageDelta { .. });
        events.iter().any(is_delta)
    };
    while !half(&events) {
        let batch = lines.told().await.unwrap().batch.unwrap();
        seen = batch.step.unwrap_or(seen);
        let batch = batch.events.into_iter();
        events.extend(batch.map(|event| serde_json::from_value(event).unwrap()));
    }
    drop(lines);
    stage.until("SELECT 1 FROM runs WHERE lease IS NULL").await;
    stage.model.push(Script::answer(&["Now it is whole."]));
    let mut lines = Lines::of(stage.runner.execute(&run, seen).await);
    let (told, end) = lines.to_the_end().await;
    let told = told.into_iter();
    events.extend(told.map(|event| serde_json::from_value(event).unwrap()));
    assert_eq!(end.outcome, "succeeded");
    assert!(lines.next().await.is_none(), "the end is the last line");
    agent::order::check(&events).unwrap_or_else(|fault| panic!("{fault}: {events:#?}"));
    let runs = stage.accounts.runner.asked();
    let commands = runs
        .iter()
        .filter(|one| one.line.ends_with("/exec"))
        .count();
    assert_eq!(commands, 1, "nothing is repeated");
    let messages = stage.messages().await;
    let contents: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["content"])
        .collect();
    assert_eq!(contents.last().unwrap(), &"Now it is whole.");
    // Whoever was cut off before the end is told the rest of it, whoever executes nothing any more.
    let mut again = Lines::of(stage.runner.execute(&run, seen).await);
    let (mut rest, end) = again.to_the_end().await;
    assert_eq!(end.outcome, "succeeded");
    assert!(again.next().await.is_none(), "the end is the last line");
    let last: agent::Event = serde_json::from_value(rest.pop().unwrap()).unwrap();
    assert!(
        matches!(last.kind, agent::Kind::RunEnded { .. }),
        "{last:#?}"
    );
}

#[tokio::test]
async fn deleting_the_session_stops_its_run() {
    let stage = Stage::start().await;
    stage
        .model
        .push(Script::call("exec", &json!({"command": "ls"})));
    stage
        .model
        .push(Script::new().head().token("On and").stall());
    let body = json!({ "session_id": stage.session, "content": "@Alex go on" });
    let answering = stage.open(
        &stage.ada,
        "POST /api/v1/chat/messages",
        "application/json",
        &body,
    );
    let deleting = async {
        stage
            .until("SELECT 1 FROM steps WHERE kind = 'started'")
            .await;
        let line = format!("DELETE /api/v1/sessions/{}", stage.session);
        stage
            .accounts
            .call_as(&stage.ada, &line, &Value::Null)
            .await
            .done(204);
    };
    let (answer, ()) = tokio::time::timeout(LONG, async { tokio::join!(answering, deleting) })
        .await
        .unwrap();
    Answer::read(answer)
        .await
        .problem(404, "The session was deleted");
    let left = stage.model.outcome(1);
    let left = tokio::time::timeout(LONG, left).await.unwrap();
    assert_eq!(left, model_stub::scripted::Outcome::ClientLeft);
    // What it had used until then is known.
    let execution = "SELECT status || ' ' || (input_tokens > 0 AND output_tokens > 0) \
        FROM executions";
    assert_eq!(stage.one(execution).await, "CANCELLED 1");
}

#[tokio::test]
async fn what_goes_wrong_has_a_clear_outcome() {
    let stage = Stage::start().await;
    let runner = &stage.accounts.runner;
    let refusal = Reply::Problem(400, "The path leads out of the workspace");
    runner.answers("GET /v1/sandboxes/*/files", refusal);
    for (tool, arguments, state, told) in [
        ("fly", json!({}), agent::CallState::Refused, "fly"),
        (
            "exec",
            json!({"command": 7}),
            agent::CallState::Refused,
            "command",
        ),
        ("exec", json!({}), agent::CallState::Refused, "command"),
        (
            "read_file",
            json!({"path": "../x"}),
            agent::CallState::Failed,
            "The path leads out",
        ),
        (
            "apply_patch",
            json!({"patch": "nonsense"}),
            agent::CallState::Failed,
            "Begin Patch",
        ),
    ] {
        stage.model.push(Script::call(tool, &arguments));
        stage.model.push(Script::answer(&["I see."]));
        let turn = stage.say("@Alex try").await.done(200);
        assert_eq!(turn["run"]["status"], "succeeded");
        let (found, output) = ended(&stage.checked_events(), tool);
        assert_eq!(found, state, "{output}");
        assert!(output.contains(told), "{output}");
    }
    // A model that fails for good is the answer itself.
    stage
        .model
        .push(Script::refusal(400, "no such model: secret-detail"));
    let answer = stage.say("Hello").await;
    answer.refused(502);
    assert!(!answer.text.contains("secret-detail"));
    stage.checked_events();
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_point() {
    let stage = Stage::start().await;
    let arguments = json!({"command": "ls", "timeout": 30.0});
    stage.model.push(Script::call("exec", &arguments));
    stage.model.push(Script::answer(&["Done."]));
    stage.say("@Alex look").await.done(200);
    let asked = stage.accounts.runner.asked();
    let mut asked = asked.iter().filter(|one| one.line.ends_with("/exec"));
    assert_eq!(asked.next().unwrap().json()["timeout_ms"], 30_000);
}

#[tokio::test]
async fn a_patch_that_cannot_be_written_changes_nothing() {
    let stage = Stage::start().await;
    let runner = &stage.accounts.runner;
    let full = Reply::Problem(507, "The workspace is full");
    runner.answers("POST /v1/sandboxes/*/files/edits", full);
    let patch = "*** Begin Patch\n*** Add File: a\n+1\n*** Add File: b\n+2\n*** End Patch";
    stage
        .model
        .push(Script::call("apply_patch", &json!({"patch": patch})));
    stage.model.push(Script::answer(&["It is full."]));
    stage.say("@Alex patch").await.done(200);
    let (state, output) = ended(&stage.checked_events(), "apply_patch");
    assert_eq!(state, agent::CallState::Failed);
    assert_eq!(output, "The workspace is full. Nothing was changed");
}

#[tokio::test]
async fn only_the_runner_has_runs_executed() {
    let stage = Stage::start().await;
    let run = stage.store("Hello").await;
    let path = format!("/internal/runs/{run}");
    for token in ["nonsense", ""] {
        for (method, path) in [
            (Method::POST, path.as_str()),
            (Method::GET, "/internal/runs?unfinished"),
        ] {
            let body = "{\"seen\":0}".to_owned();
            let answer = stage.runner.edge.ask(method, path, body, token).await;
            assert_eq!(answer.status(), 401);
        }
    }
    let (path, body) = ("/internal/runs?unfinished", String::new());
    let edge = &stage.runner.edge;
    let listed = edge.ask(Method::GET, path, body, RUNNER_TOKEN);
    let listed = Answer::read(listed.await).await.done(200);
    assert_eq!(listed["runs"][0]["run"], run);
    assert_eq!(listed["runs"][0]["session"], stage.session);
    let unknown = stage
        .runner
        .execute("00000000-0000-7000-8000-000000000000", 0)
        .await;
    assert_eq!(unknown.status(), 404);
    let (path, body) = ("/internal/runs?unfinished&ended_within=x", String::new());
    let none = edge.ask(Method::GET, path, body, RUNNER_TOKEN);
    let none = Answer::read(none.await).await;
    none.refused(422);
    assert_eq!(none.fields(), ["query.ended_within"]);
}

#[tokio::test]
async fn a_session_without_a_title_gets_one_from_its_first_exchange() {
    let stage = Stage::with(&[("session_titles", "true")]).await;
    stage.provide(&stage.model.base_url(), 100).await;
    for change in [
        "UPDATE sessions SET title = NULL",
        "UPDATE models SET input_price = 1000000, output_price = 2000000",
    ] {
        stage.accounts.sql(change, Vec::new()).await;
    }
    let answer = Script::new().token("I can.").finish("stop");
    stage.model.push(answer.usage(100, 10).done());
    let title = Script::new().tokens(&["\"Mending", " the build\"\n"]);
    stage.model.push(title.finish("stop").usage(30, 5).done());
    stage.say("Can you mend the build?").await.done(200);
    stage
        .until("SELECT 1 FROM sessions WHERE title = 'Mending the build'")
        .await;
    // What it took is a part of the turn's execution.
    let took = "SELECT input_tokens || '/' || output_tokens || '/' || cost || '/' || estimated \
        FROM executions";
    assert_eq!(stage.one(took).await, "130/15/160/0");
    // Only the first exchange makes one.
    stage.model.push(Script::answer(&["Done."]));
    stage.say("Do it").await.done(200);
    assert_eq!(stage.model.requests().len(), 3);
}

/// A server need not count, and what it says need not be a title.
#[tokio::test]
async fn what_was_to_be_a_title_is_counted_too() {
    let stage = Stage::with(&[("session_titles", "true")]).await;
    let untitled = "UPDATE sessions SET title = NULL";
    stage.accounts.sql(untitled, Vec::new()).await;
    let answer = Script::new().token("I can.").finish("stop");
    stage.model.push(answer.usage(100, 10).done());
    stage.model.push(Script::answer(&["One\n", "Two"]));
    stage.say("Can you mend the build?").await.done(200);
    stage
        .until("SELECT 1 FROM executions WHERE input_tokens > 100 AND output_tokens = 12")
        .await;
    let untitled = "SELECT uuid FROM sessions WHERE title IS NULL AND kind = 'workspace'";
    assert_eq!(stage.one(untitled).await, stage.session);
    let estimated = "SELECT CAST(estimated AS TEXT) FROM executions";
    assert_eq!(stage.one(estimated).await, "1");
}

#[tokio::test]
async fn a_run_is_put_down_after_its_slice_and_goes_on() {
    let stage = Stage::with(&[("run_slice", "1")]).await;
    let slow = Script::new().head().wait(Duration::from_millis(1_100));
    let arguments = json!({"command": "ls"}).to_string();
    let slow = slow.tool_call(0, "c", "exec", &arguments);
    stage.model.push(slow.finish("tool_calls").done());
    stage.model.push(Script::answer(&["There."]));
    let turn = stage.say("@Alex look").await.done(200);
    assert_eq!(turn["responses"][0]["content"], "There.");
    stage.checked_events();
    let kinds = stage.all("SELECT kind FROM steps ORDER BY number").await;
    assert!(kinds.iter().any(|kind| kind == "paused"), "{kinds:?}");
    let asked = stage.accounts.runner.asked();
    assert_eq!(
        asked
            .iter()
            .filter(|one| one.line.ends_with("/exec"))
            .count(),
        1
    );
}
