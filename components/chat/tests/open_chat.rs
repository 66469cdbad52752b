//! `POST /chat`: section 4 of the `chat` contract, against a scripted model on real sockets.

#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use model_stub::scripted::{Gate, Outcome, Script, ScriptedModel};
use platform_native::ManualClock;
use ports::Platform;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use test_app::{Answer, TestApp};

struct Setting {
    app: TestApp,
    model: ScriptedModel,
}

impl Setting {
    async fn new() -> Self {
        Self::on(|platform| platform).await
    }

    async fn on(change: impl FnOnce(Platform) -> Platform) -> Self {
        let model = ScriptedModel::start().await.expect("a model");
        let base_url = model.base_url();
        let variables = [("llm_base_url", base_url.as_str())];
        let app = TestApp::on(chat::router, &variables, change).await;
        app.sql(
            "INSERT INTO users (uuid, realm, username, created_at) VALUES ('u', 'open', 'a', 0)",
            Vec::new(),
        )
        .await;
        app.sql(
            "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES \
             ('00000000-0000-7000-8000-000000000001', 'open', 1, 0)",
            Vec::new(),
        )
        .await;
        Self { app, model }
    }

    async fn open(&self, message: &str) -> Response<Body> {
        let body = json!({"conversation_id": 1, "message": message}).to_string();
        let request = Request::post("/api/v1/chat").header("content-type", "application/json");
        self.app
            .send(request.body(Body::from(body)).expect("a request"))
            .await
    }

    async fn say(&self, message: &str) -> Answer {
        Answer::read(self.open(message).await).await
    }

    /// The conversation's messages as role, content, status.
    async fn history(&self) -> Vec<[String; 3]> {
        let session = domain::SessionId(1);
        let now = self.app.platform.clock.now();
        store::messages::of_session(&*self.app.platform.sql, session, None, 200, now)
            .await
            .expect("messages")
            .items
            .into_iter()
            .map(|message| {
                [
                    message.role.as_str().into(),
                    message.content,
                    message.status.as_str().into(),
                ]
            })
            .collect()
    }

    /// Waits until nothing is being answered, and returns the history.
    async fn settled(&self) -> Vec<[String; 3]> {
        const OPEN: &str = "SELECT 1 FROM messages WHERE status = 'answering'";
        while !self.app.sql(OPEN, Vec::new()).await.is_empty() {
            tokio::task::yield_now().await;
        }
        self.history().await
    }
}

fn said(rows: &[[&str; 3]]) -> Vec<[String; 3]> {
    rows.iter().map(|row| row.map(str::to_owned)).collect()
}

async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let piece = stream.next().await?.expect("a piece");
    Some(String::from_utf8_lossy(&piece).into_owned())
}

#[tokio::test]
async fn an_answer_streams_byte_for_byte_and_is_stored() {
    let setting = Setting::new().await;
    setting
        .model
        .push(Script::answer(&["The", " sky", " is", " blue...\nyes"]));
    let answer = setting.say("Why?").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("cache-control"), "no-cache, no-transform");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    let expected = "data: The\n\ndata:  sky\n\ndata:  is\n\ndata:  blue...\ndata: yes\n\n";
    assert_eq!(answer.text, expected);
    let expected = [
        ["user", "Why?", "complete"],
        ["assistant", "The sky is blue...\nyes", "complete"],
    ];
    assert_eq!(setting.history().await, said(&expected));
}

#[tokio::test]
async fn each_token_goes_out_as_it_comes() {
    let setting = Setting::new().await;
    let (first, second) = (Gate::new(), Gate::new());
    let script = Script::new()
        .head()
        .hold(&first)
        .token("a")
        .hold(&second)
        .token("b");
    setting.model.push(script.finish("stop").done());
    let answer = tokio::join!(setting.open("go"), async {
        first.reached().await;
        assert_eq!(setting.history().await, said(&[["user", "go", "complete"]]));
        first.release();
    });
    let mut stream = answer.0.into_body().into_data_stream();
    assert_eq!(next(&mut stream).await.as_deref(), Some("data: a\n\n"));
    second.release();
    assert_eq!(next(&mut stream).await.as_deref(), Some("data: b\n\n"));
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn the_model_is_told_what_was_said_before() {
    let setting = Setting::new().await;
    setting.model.push(Script::answer(&["one"]));
    setting.model.push(Script::answer(&["two"]));
    setting.say("first").await;
    setting.say("second").await;
    let asked = setting.model.requests().pop().expect("a request").json;
    let expected = json!([
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "second"},
    ]);
    assert_eq!(asked["messages"], expected);
    assert_eq!(asked["model"], "scripted");
    assert_eq!(asked["stream"], true);
}

#[tokio::test]
async fn the_whole_answer_is_stored_although_the_reader_left() {
    let setting = Setting::new().await;
    let gate = Gate::new();
    let script = Script::new()
        .head()
        .token("a")
        .hold(&gate)
        .token("b")
        .token("c");
    setting.model.push(script.finish("stop").done());
    let mut stream = setting.open("go").await.into_body().into_data_stream();
    next(&mut stream).await;
    drop(stream);
    gate.reached().await;
    gate.release();
    let expected = [["user", "go", "complete"], ["assistant", "abc", "complete"]];
    assert_eq!(setting.settled().await, said(&expected));
    assert_eq!(setting.model.outcome(0).await, Outcome::Played);
}

#[tokio::test]
async fn a_second_message_while_it_answers_is_a_conflict() {
    let setting = Setting::new().await;
    let gate = Gate::new();
    let script = Script::new().head().token("a").hold(&gate).token("b");
    setting.model.push(script.finish("stop").done());
    let response = setting.open("go").await;
    setting
        .say("again")
        .await
        .problem(409, "The conversation is still answering");
    gate.release();
    response.into_body().collect().await.expect("a body");
    setting.model.push(Script::answer(&["c"]));
    assert_eq!(setting.say("now").await.text, "data: c\n\n");
    assert_eq!(
        setting.history().await.len(),
        4,
        "the refused message is not stored"
    );
}

#[tokio::test]
async fn of_many_messages_at_once_one_is_answered() {
    let setting = Setting::new().await;
    let gate = Gate::new();
    let script = Script::new()
        .head()
        .hold(&gate)
        .token("a")
        .finish("stop")
        .done();
    setting.model.push(script);
    let release = async {
        gate.reached().await;
        gate.release();
    };
    let (a, b, c, d, ()) = tokio::join!(
        setting.say("1"),
        setting.say("2"),
        setting.say("3"),
        setting.say("4"),
        release
    );
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!(setting.history().await.len(), 2);
}

#[tokio::test]
async fn a_model_that_fails_before_its_first_token_is_a_problem_and_the_next_message_works() {
    let setting = Setting::new().await;
    let check = async |script: Script, status: u16| {
        setting.model.push(script);
        let answer = setting.say("go").await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        answer.header("retry-after").to_owned()
    };
    check(Script::refusal(500, "secret"), 502).await;
    check(Script::refusal(401, "secret"), 502).await;
    assert_eq!(
        check(
            Script::refusal(429, "secret").header("retry-after", "7"),
            503
        )
        .await,
        "7"
    );
    check(Script::new().head().error("secret"), 502).await;
    check(Script::new().head().reset(), 502).await;
    check(Script::response(200, "text/html", "<p>secret</p>"), 502).await;
    setting.model.push(Script::answer(&["fine"]));
    assert_eq!(setting.say("go").await.text, "data: fine\n\n");
    let history = setting.history().await;
    assert_eq!(
        history.len(),
        8,
        "six questions without an answer, one with: {history:?}"
    );
}

#[tokio::test]
async fn a_model_that_fails_midway_ends_the_stream_with_an_error_and_keeps_the_part() {
    let setting = Setting::new().await;
    let cuts = [
        Script::new().head().token("par").token("t").reset(),
        Script::new().head().token("par").token("t").error("secret"),
        Script::new().head().token("par").token("t").cut(),
        Script::new()
            .head()
            .token("par")
            .token("t")
            .data("{not json"),
    ];
    for (number, script) in cuts.into_iter().enumerate() {
        setting.model.push(script);
        let answer = setting.say("go").await;
        let (tokens, error) = answer.text.split_at("data: par\n\ndata: t\n\n".len());
        assert_eq!(tokens, "data: par\n\ndata: t\n\n", "{number}");
        let data = error
            .strip_prefix("event: error\ndata: ")
            .and_then(|rest| rest.strip_suffix("\n\n"))
            .unwrap_or_else(|| unreachable!("{number}: {error}"));
        let problem: Value = serde_json::from_str(data).expect("a problem");
        assert_eq!(problem["status"], 502, "{number}: {problem}");
        assert!(!error.contains("secret"), "{number}: {error}");
        let last = setting.history().await.pop();
        assert_eq!(
            last,
            Some(["assistant", "part", "failed"].map(str::to_owned)),
            "{number}"
        );
    }
}

#[tokio::test]
async fn no_model_configured_is_unavailable_and_stores_nothing() {
    let setting = Setting::new().await;
    let app = TestApp::start(chat::router, &[]).await;
    let answer = app
        .post(
            "/api/v1/chat",
            &json!({"conversation_id": 1, "message": "x"}),
        )
        .await;
    answer.problem(503, "No model is configured");
    assert_eq!(answer.header("retry-after"), "30");
    drop(setting);
}

#[tokio::test]
async fn a_model_that_is_down_is_unavailable() {
    let setting = Setting::new().await;
    let Setting { app, model } = setting;
    model.kill().await;
    let answer = app
        .post(
            "/api/v1/chat",
            &json!({"conversation_id": 1, "message": "x"}),
        )
        .await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn a_silent_model_gets_heartbeats_then_counts_as_failed() {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let shared = clock.clone();
    let setting = Setting::on(|platform| Platform {
        clock: shared,
        ..platform
    })
    .await;
    setting.model.push(Script::new().head().token("a").stall());
    let mut stream = setting.open("go").await.into_body().into_data_stream();
    assert_eq!(next(&mut stream).await.as_deref(), Some("data: a\n\n"));
    // The writer sleeps between two ticks; the clock moves when it does.
    let mut heard = Vec::new();
    let read = async {
        while let Some(piece) = next(&mut stream).await {
            heard.push(piece);
        }
    };
    let time = async {
        loop {
            clock.advance(Duration::from_secs(3));
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! { () = read => {}, () = time => {} }
    let beats = heard.iter().filter(|piece| *piece == ": \n\n").count();
    assert!((7..=8).contains(&beats), "{heard:?}");
    assert!(
        heard
            .last()
            .is_some_and(|last| last.contains("\"status\":504")),
        "{heard:?}"
    );
    let last = setting.history().await.pop();
    assert_eq!(last, Some(["assistant", "a", "failed"].map(str::to_owned)));
}

#[tokio::test]
async fn a_conversation_whose_writer_is_gone_is_free_again() {
    let setting = Setting::new().await;
    setting
        .app
        .sql(
            "INSERT INTO messages (uuid, session_id, role, content, status, lease_until, \
             created_at) VALUES ('00000000-0000-7000-8000-00000000000a', 1, 'assistant', 'lost', 'answering', 1, 0)",
            Vec::new(),
        )
        .await;
    setting.model.push(Script::answer(&["b"]));
    assert_eq!(setting.say("go").await.text, "data: b\n\n");
    let history = setting.history().await;
    assert_eq!(
        history[0],
        ["assistant", "lost", "interrupted"].map(str::to_owned)
    );
    assert_eq!(history.len(), 3);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let setting = Setting::new().await;
    let long = "x".repeat(60_000);
    let script = Script::new().head().forever(&long, Duration::ZERO);
    setting.model.push(script);
    let answer = setting.say("go").await;
    assert!(
        answer.text.contains("event: error"),
        "an answer of {} bytes",
        answer.text.len()
    );
    assert_eq!(setting.model.outcome(0).await, Outcome::ClientLeft);
    let last = setting.history().await.pop().expect("an answer");
    assert_eq!((last[1].len(), last[2].as_str()), (240_000, "failed"));
}

#[tokio::test]
async fn invalid_requests_name_their_fields() {
    let setting = Setting::new().await;
    let check = async |body: Value, field: &str| {
        let answer = setting.app.post("/api/v1/chat", &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(answer.json()["errors"][0]["field"], field);
    };
    check(json!({"message": "x"}), "conversation_id").await;
    check(json!({"conversation_id": 1}), "message").await;
    check(
        json!({"conversation_id": "1", "message": "x"}),
        "conversation_id",
    )
    .await;
    check(json!({"conversation_id": 1, "message": ""}), "message").await;
    check(
        json!({"conversation_id": 1, "message": "x".repeat(32_001)}),
        "message",
    )
    .await;
    let unknown = json!({"conversation_id": 7, "message": "x"});
    setting
        .app
        .post("/api/v1/chat", &unknown)
        .await
        .problem(404, "Conversation not found");
}

#[tokio::test]
async fn turns_of_strangers_are_counted() {
    let model = ScriptedModel::start().await.expect("a model");
    let base_url = model.base_url();
    let variables = [
        ("llm_base_url", base_url.as_str()),
        ("limit_chat_turns_address", "2"),
    ];
    let app = TestApp::on(chat::router, &variables, |platform| platform).await;
    let ask = async |from: &str| {
        let headers = [("spin-client-addr", from)];
        let body = json!({"conversation_id": 1, "message": "Hello"});
        let answer = app.call_with(&headers, "POST /api/v1/chat", &body).await;
        answer.status.as_u16()
    };
    // There is no such conversation; a turn is counted before it is judged.
    for expected in [404, 404, 429] {
        assert_eq!(ask("192.0.2.1:1").await, expected);
    }
    assert_eq!(ask("192.0.2.2:1").await, 404);
    for _ in 0..4 {
        assert_eq!(ask("127.0.0.1:1").await, 404);
    }
}
