//! The scripted model, asked over real sockets: each fault is what the client finds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod asker;

use asker::{Asker, text, user};
use futures::StreamExt;
use llm::{Error, Event, FinishReason, Timeouts, Usage};
use model_stub::scripted::{Gate, Outcome, Script, ScriptedModel};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;

async fn start() -> (ScriptedModel, Asker) {
    let model = ScriptedModel::start().await.unwrap();
    let asker = Asker::new(&model.base_url());
    (model, asker)
}

/// Has `script` played and expects this text and this error.
async fn check(script: Script, expected: &str, error: impl Fn(&Option<Error>) -> bool) {
    let (model, asker) = start().await;
    model.push(script);
    let (events, ended) = asker.read("hi").await;
    assert_eq!(text(&events), expected);
    assert!(error(&ended), "{ended:?}");
    // The next question is answered: no fault outlives its exchange.
    model.push(Script::answer(&["fine"]));
    assert_eq!(text(&asker.read("hi").await.0), "fine");
}

#[tokio::test]
async fn answers() {
    let fine = |error: &Option<Error>| error.is_none();
    check(Script::answer(&["a", " b", "\n", "ü"]), "a b\nü", fine).await;
    check(
        Script::new().torn_token("Grüße 🦀").finish("stop").done(),
        "Grüße 🦀",
        fine,
    )
    .await;
    check(
        Script::new().token("no done").finish("stop"),
        "no done",
        fine,
    )
    .await;
    check(
        Script::new().head().token("no reason").done(),
        "no reason",
        fine,
    )
    .await;
    check(
        Script::new().bytes(": keep-alive\n\n").token("a").done(),
        "a",
        fine,
    )
    .await;
    let whole = json!({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]});
    check(
        Script::response(200, "application/json", whole.to_string()),
        "whole",
        fine,
    )
    .await;
}

#[tokio::test]
async fn faults() {
    let begun = || Script::new().token("begun");
    let broken = |error: &Option<Error>| matches!(error, Some(Error::Broken { .. }));
    check(begun().reset(), "begun", broken).await;
    check(begun().cut(), "begun", broken).await;
    check(Script::new().reset(), "", broken).await;
    check(Script::new().cut(), "", broken).await;
    let truncated = |error: &Option<Error>| error == &Some(Error::Truncated);
    check(begun(), "begun", truncated).await;
    check(begun().bytes("data: {\"choi"), "begun", truncated).await;
    let reported = |error: &Option<Error>| {
        let message = "boom".to_owned();
        error == &Some(Error::InStream { message })
    };
    check(begun().error("boom"), "begun", reported).await;
    check(Script::new().error("boom").done(), "", reported).await;
    let malformed = |error: &Option<Error>| matches!(error, Some(Error::Malformed { .. }));
    check(begun().data("{not json").done(), "begun", malformed).await;
    check(Script::response(200, "text/html", "<html>"), "", malformed).await;
}

#[tokio::test]
async fn refusals() {
    let is = |code: u16, seconds: Option<u64>| {
        move |error: &Option<Error>| {
            error
                == &Some(Error::Status {
                    code,
                    message: "no".to_owned(),
                    retry_after: seconds.map(Duration::from_secs),
                })
        }
    };
    check(
        Script::refusal(429, "no").header("retry-after", "3"),
        "",
        is(429, Some(3)),
    )
    .await;
    check(Script::refusal(500, "no"), "", is(500, None)).await;
    check(Script::response(502, "text/plain", "no"), "", is(502, None)).await;
}

const USAGE: Usage = Usage {
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
};

/// The whole calls among events: id, tool, arguments.
fn calls(events: &[Event]) -> Vec<(&str, &str, &str)> {
    let calls = events.iter().filter_map(|event| match event {
        Event::ToolCall { call, .. } => Some(call),
        _ => None,
    });
    let texts = calls.map(|call| {
        (
            call.id.as_str(),
            call.name.as_str(),
            call.arguments.as_str(),
        )
    });
    texts.collect()
}

#[tokio::test]
async fn tool_calls_reasoning_and_usage() {
    let (model, asker) = start().await;
    let arguments = json!({"index": null, "function": {"arguments": "{}"}});
    model.push(
        Script::new()
            .reasoning("hm")
            .tool_call(0, "a", "exec", r#"{"command":"ls"}"#)
            .delta(&json!({"tool_calls": [{"id": "b", "function": {"name": "read"}}]}))
            .delta(&json!({"tool_calls": [arguments]}))
            .finish("stop")
            .usage(3, 4)
            .done(),
    );
    let (events, error) = asker.read("hi").await;
    assert_eq!(error, None);
    assert_eq!(events[0], Event::Reasoning("hm".to_owned()));
    assert_eq!(
        calls(&events),
        [("a", "exec", r#"{"command":"ls"}"#), ("b", "read", "{}")]
    );
    let reason = FinishReason::ToolCalls;
    assert!(events.ends_with(&[Event::Usage(USAGE), Event::Finish { reason }]));
}

/// Those of an endpoint that does not stream.
#[tokio::test]
async fn whole_answers() {
    let (model, mut asker) = start().await;
    asker.endpoint.streams = false;
    let message = json!({"role": "assistant", "content": "Grüße"});
    model.push(Script::whole(&message, "stop", 3, 4));
    let reason = FinishReason::Stop;
    let expected = vec![
        Event::Text("Grüße".to_owned()),
        Event::Usage(USAGE),
        Event::Finish { reason },
    ];
    assert_eq!(asker.read("hi").await, (expected, None));
    let asked = model.request(0).await.json;
    assert_eq!(asked["stream"], false);
    assert!(asked.get("stream_options").is_none(), "{asked}");

    let call = |id: &str, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"id": id, "type": "function", "function": function})
    };
    let both = [call("a", "exec", "{\"n\":1}"), call("b", "exec", "{}")];
    let message = json!({"role": "assistant", "content": null, "tool_calls": both});
    model.push(Script::whole(&message, "tool_calls", 3, 4));
    let (events, error) = asker.read("hi").await;
    assert_eq!(error, None);
    assert_eq!(
        calls(&events),
        [("a", "exec", "{\"n\":1}"), ("b", "exec", "{}")]
    );
    let reason = FinishReason::ToolCalls;
    assert!(events.ends_with(&[Event::Usage(USAGE), Event::Finish { reason }]));

    // A server that streams all the same.
    model.push(Script::answer(&["in", " pieces"]));
    assert_eq!(text(&asker.read("hi").await.0), "in pieces");
}

/// Whether an error is the one that is expected.
type Expected = fn(&Error) -> bool;

#[tokio::test]
async fn faults_of_whole_answers() {
    let (model, mut asker) = start().await;
    asker.endpoint.streams = false;
    let json = |body: &str| Script::response(200, "application/json", body);
    let begun = || json(r#"{"choices":[{"message":{"content":"begun"#);
    let checks: [(Script, Expected); 6] = [
        (
            json(r#"{"error":{"message":"boom"}}"#),
            |error| matches!(error, Error::InStream { message } if message == "boom"),
        ),
        (Script::refusal(429, "no"), |error| {
            matches!(error, Error::Status { code: 429, .. })
        }),
        (json(r#"{"detail":"boom"}"#), |error| {
            matches!(error, Error::Malformed { .. })
        }),
        (begun(), |error| *error == Error::Truncated),
        (begun().cut(), |error| matches!(error, Error::Broken { .. })),
        (begun().reset(), |error| {
            matches!(error, Error::Broken { .. })
        }),
    ];
    for (script, is_expected) in checks {
        model.push(script);
        let (events, error) = asker.read("hi").await;
        assert_eq!(events, []);
        assert!(error.as_ref().is_some_and(is_expected), "{error:?}");
    }
    // It may say nothing for as long as one that streams.
    model.push(json("").stall());
    let mut answer = asker.ask(&user("hi")).await.unwrap();
    asker.clock.advance(Timeouts::default().first_token);
    assert_eq!(answer.next().await, Some(Err(Error::FirstTokenTimeout)));
}

#[tokio::test]
async fn requests_are_recorded_and_the_connection_is_used_again() {
    let (model, asker) = start().await;
    model.answer_with(|request| {
        let question = request.json["messages"][0]["content"]
            .as_str()
            .unwrap_or_default();
        Script::answer(&["you said ", question])
    });
    for word in ["one", "two"] {
        assert_eq!(text(&asker.read(word).await.0), format!("you said {word}"));
    }
    let second = model.request(1).await;
    assert_eq!(second.method, "POST");
    assert_eq!(second.target, "/v1/chat/completions");
    assert_eq!(second.header("authorization"), Some("Bearer sk-test"));
    assert_eq!(second.json["messages"][0]["content"], "two");
    assert_eq!(second.json["stream_options"]["include_usage"], true);
    assert_eq!(model.requests().len(), 2);
    assert_eq!(model.outcome(1).await, Outcome::Played);
}

#[tokio::test]
async fn a_test_holds_the_server_where_it_wants() {
    let (model, asker) = start().await;
    let (before_head, after_one) = (Gate::new(), Gate::new());
    let script = Script::new()
        .hold(&before_head)
        .token("one")
        .hold(&after_one);
    model.push(script.token("two").finish("stop").done());
    let asking = async { asker.ask(&user("hi")).await.unwrap() };
    let releasing = async {
        before_head.reached().await;
        before_head.release();
    };
    let (mut answer, ()) = tokio::join!(asking, releasing);
    let one = Event::Text("one".to_owned());
    assert_eq!(
        answer.next().await,
        Some(Ok(one)),
        "before the server goes on"
    );
    after_one.reached().await;
    after_one.release();
    let (rest, error) = asker::read(answer).await;
    assert_eq!((text(&rest).as_str(), error), ("two", None));
}

#[tokio::test]
async fn silence_is_noticed_and_ends_the_exchange() {
    let (model, asker) = start().await;
    model.push(Script::new().token("one").stall());
    let mut answer = asker.ask(&user("hi")).await.unwrap();
    assert!(answer.next().await.unwrap().is_ok());
    asker.clock.advance(Duration::from_secs(120));
    assert_eq!(answer.next().await, Some(Err(Error::SilenceTimeout)));
    assert_eq!(model.outcome(0).await, Outcome::ClientLeft);

    let gate = Gate::new();
    model.push(Script::new().hold(&gate));
    let question = user("hi");
    let asking = asker.ask(&question);
    let advancing = async {
        gate.reached().await;
        asker.clock.advance(Duration::from_secs(60));
    };
    let (answer, ()) = tokio::join!(asking, advancing);
    assert_eq!(answer.err(), Some(Error::FirstTokenTimeout));
    assert_eq!(model.outcome(1).await, Outcome::ClientLeft);
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed() {
    let (model, asker) = start().await;
    model.push(Script::new().forever("again ", Duration::ZERO));
    let mut answer = asker.ask(&user("hi")).await.unwrap();
    for _ in 0..100 {
        let again = Event::Text("again ".to_owned());
        assert_eq!(answer.next().await, Some(Ok(again)));
    }
    drop(answer);
    assert_eq!(model.outcome(0).await, Outcome::ClientLeft);
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back() {
    let (model, asker) = start().await;
    model.push(Script::new().token("one").stall());
    let mut answer = asker.ask(&user("hi")).await.unwrap();
    assert!(answer.next().await.unwrap().is_ok());
    let address = model.address();
    model.kill().await;
    assert!(matches!(
        answer.next().await,
        Some(Err(Error::Broken { .. }))
    ));
    assert!(matches!(
        asker.read("hi").await.1,
        Some(Error::Connect { .. })
    ));

    let listener = TcpListener::bind(address).await.unwrap();
    let model = ScriptedModel::start_on(listener).unwrap();
    model.push(Script::answer(&["back"]));
    assert_eq!(text(&asker.read("hi").await.0), "back");
}

#[tokio::test]
async fn requests_with_a_chunked_body_are_read() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (model, _) = start().await;
    model.push(Script::answer(&["hi"]));
    let mut socket = tokio::net::TcpStream::connect(model.address())
        .await
        .unwrap();
    let request = "POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\n{\"a\":\r\n2\r\n1}\r\n0\r\nTrailer: t\r\n\r\n";
    for byte in request.bytes() {
        socket.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(model.request(0).await.json, json!({"a": 1}));
    socket.shutdown().await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn the_list_of_models_can_be_scripted() {
    let (model, asker) = start().await;
    let list = json!({"data": [{"id": "a"}]}).to_string();
    model.push(Script::response(200, "application/json", list));
    let models = asker
        .client()
        .models(&asker.endpoint, &Timeouts::default())
        .await;
    assert_eq!(models.unwrap(), ["a"]);
    assert_eq!(model.request(0).await.target, "/v1/models");
}
