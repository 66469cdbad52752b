//! What is sent, where to, and what becomes of refusals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod doubles;

use doubles::{FINISHED, Stage, endpoint, poll, question};
use http::Response;
use llm::{Endpoint, EndpointError, Error, Message, Request, Role, Timeouts, Tool, ToolCall};
use ports::HttpError;
use serde_json::{Value, json};
use std::{task::Poll, time::Duration};

/// Asks with everything prepared; what becomes of it.
fn ask(stage: &Stage, endpoint: &Endpoint, request: &Request) -> Result<(), Error> {
    let (client, timeouts) = (stage.client(), Timeouts::default());
    let mut asked = Box::pin(client.stream(endpoint, request, &timeouts));
    for _ in 0..10 {
        if let Poll::Ready(result) = poll(asked.as_mut()) {
            return result.map(|_| ());
        }
        // A refusal's body does not end by itself here.
        stage.clock.advance(Duration::from_secs(5));
    }
    panic!("no answer");
}

fn sent(stage: &Stage, number: usize) -> Value {
    serde_json::from_slice(stage.http.requests.lock().unwrap()[number].body()).unwrap()
}

fn ok() -> http::response::Builder {
    Response::builder().status(200)
}

#[test]
fn base_urls() {
    let check = |base: &str, expected: &str| {
        let stage = Stage::default();
        stage.respond_whole(ok(), FINISHED);
        let endpoint = Endpoint::parse(base, "", "m").unwrap();
        ask(&stage, &endpoint, &question()).unwrap();
        let requests = stage.http.requests.lock().unwrap();
        assert_eq!(requests[0].uri().to_string(), expected, "{base}");
        assert!(!requests[0].headers().contains_key("authorization"));
    };
    check("http://h/v1", "http://h/v1/chat/completions");
    check("http://h/v1/", "http://h/v1/chat/completions");
    check(
        " https://h:8443/v1// ",
        "https://h:8443/v1/chat/completions",
    );
    check("http://h", "http://h/chat/completions");
    check("http://[::1]:1/", "http://[::1]:1/chat/completions");
    check("http://h/a/b/v1", "http://h/a/b/v1/chat/completions");
    check(
        "http://h/v1?api-version=2",
        "http://h/v1/chat/completions?api-version=2",
    );
    check(
        "http://h/v1/chat/completions",
        "http://h/v1/chat/completions",
    );
}

#[test]
fn settings_that_are_no_endpoint() {
    let check = |base: &str, key: &str, expected: EndpointError| {
        let error = Endpoint::parse(base, key, "m").unwrap_err();
        assert_eq!(error, expected, "{base}");
        assert!(!error.to_string().contains("secret"));
    };
    check("", "", EndpointError::Url);
    check("/v1", "", EndpointError::Url);
    check("h/v1", "", EndpointError::Url);
    check("http://", "", EndpointError::Url);
    check("http://h:99999/v1", "", EndpointError::Url);
    check("http://h /v1", "", EndpointError::Url);
    check("ftp://h/v1", "", EndpointError::Scheme);
    check("http://me:secret@h/v1", "", EndpointError::Credentials);
    check("http://h/v1", "sk secret", EndpointError::Key);
    check("http://h/v1", "sk-\u{e9}secret", EndpointError::Key);
}

#[test]
fn the_request_on_the_wire() {
    let stage = Stage::default();
    stage.respond_whole(ok(), FINISHED);
    let call = ToolCall {
        id: "a".to_owned(),
        name: "exec".to_owned(),
        arguments: "{}".to_owned(),
    };
    let request = Request {
        messages: vec![
            Message::new(Role::System, "Be brief."),
            Message::new(Role::User, "ls"),
            Message {
                tool_calls: vec![call],
                ..Message::new(Role::Assistant, "")
            },
            Message::tool_result("a", "src"),
            Message::new(Role::Assistant, ""),
        ],
        tools: vec![Tool {
            name: "exec".to_owned(),
            description: "Runs a command.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        temperature: Some(0.5),
        max_tokens: Some(100),
    };
    ask(&stage, &endpoint(), &request).unwrap();
    assert_eq!(
        sent(&stage, 0),
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "ls"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "a", "type": "function",
                     "function": {"name": "exec", "arguments": "{}"}},
                ]},
                {"role": "tool", "content": "src", "tool_call_id": "a"},
                {"role": "assistant", "content": ""},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {
                "name": "exec", "description": "Runs a command.",
                "parameters": {"type": "object"},
            }}],
            "temperature": 0.5,
            "max_tokens": 100,
        })
    );
    let requests = stage.http.requests.lock().unwrap();
    assert_eq!(requests[0].method(), "POST");
    assert_eq!(requests[0].headers()["authorization"], "Bearer sk-secret");
    assert_eq!(requests[0].headers()["content-type"], "application/json");
    assert!(!format!("{:?} {:?}", requests[0].headers(), endpoint()).contains("secret"));
}

#[test]
fn nothing_is_sent_that_was_not_set() {
    let stage = Stage::default();
    stage.respond_whole(ok(), FINISHED);
    ask(&stage, &endpoint(), &question()).unwrap();
    let body = sent(&stage, 0);
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["messages", "model", "stream", "stream_options"]);
}

#[test]
fn an_endpoint_that_does_not_stream() {
    let stage = Stage::default();
    stage.respond_whole(ok(), r#"{"choices":[{"message":{"content":"hi"}}]}"#);
    let mut endpoint = endpoint();
    endpoint.streams = false;
    ask(&stage, &endpoint, &question()).unwrap();
    let body = sent(&stage, 0);
    assert_eq!(body["stream"], false);
    assert_eq!(body.get("stream_options"), None);
}

#[test]
fn a_server_that_does_not_count() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"message":"Unrecognized request argument: stream_options"}}"#,
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","stream_options","include_usage"],"msg":"extra"}]}"#,
        ),
    ] {
        let stage = Stage::default();
        stage.respond_whole(Response::builder().status(status), body);
        stage.respond_whole(ok(), FINISHED);
        ask(&stage, &endpoint(), &question()).unwrap();
        assert_eq!(
            sent(&stage, 0)["stream_options"],
            json!({"include_usage": true})
        );
        assert_eq!(sent(&stage, 1).get("stream_options"), None);
    }
    // Once only, and only where the field is named.
    let stage = Stage::default();
    for _ in 0..2 {
        stage.respond_whole(Response::builder().status(400), "stream_options again");
    }
    ask(&stage, &endpoint(), &question()).unwrap_err();
    assert_eq!(stage.http.requests.lock().unwrap().len(), 2);
    let stage = Stage::default();
    stage.respond_whole(Response::builder().status(400), "too long");
    ask(&stage, &endpoint(), &question()).unwrap_err();
    assert_eq!(stage.http.requests.lock().unwrap().len(), 1);
}

fn check_refusal(head: http::response::Builder, body: &str, shown: &str, detail: &str) -> Error {
    let stage = Stage::default();
    stage.respond_whole(head, body);
    let error = ask(&stage, &endpoint(), &question()).unwrap_err();
    assert_eq!(error.to_string(), shown);
    assert_eq!(error.detail().as_deref(), Some(detail));
    assert!(!format!("{error:?}").contains("sk-secret"), "{error:?}");
    error
}

#[test]
fn refusals() {
    let status = |code: u16| Response::builder().status(code);
    check_refusal(
        status(401),
        r#"{"error":{"message":"Incorrect API key provided: sk-secret."}}"#,
        "the model server refused the key (401)",
        "401: Incorrect API key provided: [key].",
    );
    check_refusal(
        status(404),
        r#"{"detail":"model `m` not found"}"#,
        "the model server does not know the address or the model (404)",
        "404: model `m` not found",
    );
    let error = check_refusal(
        status(429).header("retry-after", "7"),
        "slow down",
        "the model server has too much to do (429)",
        "429: slow down",
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = check_refusal(
        status(503).header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
        "<html><title>Down</title>",
        "the model server failed (503)",
        "503: a web page: Down",
    );
    assert_eq!(error.retry_after(), None);
    check_refusal(
        status(301).header("location", "http://elsewhere/"),
        "",
        "the model server refused the request (301)",
        "301: ",
    );
}

#[test]
fn no_connection() {
    let check = |error: HttpError, expected: Error| {
        let stage = Stage::default();
        stage.fail(error);
        assert_eq!(ask(&stage, &endpoint(), &question()), Err(expected));
    };
    let detail = "10.0.0.1 is private".to_owned();
    check(HttpError::Denied(detail.clone()), Error::Denied { detail });
    let detail = "refused".to_owned();
    check(
        HttpError::Unreachable(detail.clone()),
        Error::Connect { detail },
    );
    check(HttpError::ConnectTimeout, Error::ConnectTimeout);
    assert!(Error::ConnectTimeout.is_timeout());
    assert!(!Error::Truncated.is_timeout());
}

#[test]
fn errors_show_nothing_of_the_server() {
    let inside = "data: {\"error\":{\"message\":\"key sk-secret at 10.0.0.1\"}}\n\n";
    let stage = Stage::default();
    stage.respond_whole(ok(), inside);
    let mut answer = stage.answer();
    let Poll::Ready(Some(Err(error))) = doubles::next(&mut answer) else {
        panic!("an error was sent");
    };
    assert_eq!(
        error.to_string(),
        "the model server reported an error in its answer"
    );
    assert_eq!(error.detail().as_deref(), Some("key [key] at 10.0.0.1"));
}

#[test]
fn the_list_of_models() {
    let check = |status: u16, body: &str| {
        let stage = Stage::default();
        let sender = stage.respond_with(Response::builder().status(status));
        doubles::send(&sender, body);
        drop(sender);
        let (client, endpoint, timeouts) = (stage.client(), endpoint(), Timeouts::default());
        let mut asked = Box::pin(client.models(&endpoint, &timeouts));
        let Poll::Ready(result) = poll(asked.as_mut()) else {
            panic!("the response is there");
        };
        let requests = stage.http.requests.lock().unwrap();
        assert_eq!(requests[0].method(), "GET");
        assert_eq!(requests[0].uri(), "http://models.test/v1/models");
        result
    };
    let list = r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b"}]}"#;
    assert_eq!(check(200, list).unwrap(), ["a", "b"]);
    assert!(matches!(check(200, "{}"), Err(Error::Malformed { .. })));
    assert!(matches!(check(200, "<html>"), Err(Error::Malformed { .. })));
    assert!(matches!(
        check(401, "no"),
        Err(Error::Status { code: 401, .. })
    ));
}
