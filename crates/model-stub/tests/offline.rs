//! The offline model, asked over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod asker;

use asker::{Asker, read, text, tool, user};
use llm::{Event, FinishReason, Message, Request, Role, Timeouts, ToolCall};
use model_stub::offline::{self, Options};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

struct Offline {
    base_url: String,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

async fn start() -> Offline {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let options = Options {
        token_delay: Duration::ZERO,
    };
    Offline {
        base_url,
        server: tokio::spawn(offline::serve(listener, stop.clone(), options)),
        stop,
    }
}

#[tokio::test]
async fn an_answer_streams() {
    let server = start().await;
    let asker = Asker::new(&server.base_url);
    let (events, error) = asker.read("Guten Tag, schöne Welt").await;
    assert_eq!(error, None);
    let tokens = events
        .iter()
        .filter(|event| matches!(event, Event::Text(_)));
    assert!(tokens.count() > 20, "token by token");
    let said = text(&events);
    assert!(said.contains("no language model"), "{said}");
    assert!(
        said.ends_with("You wrote 4 words: Guten Tag, schöne Welt"),
        "{said}"
    );
    let Some([Event::Usage(usage), Event::Finish { reason }]) = events.last_chunk() else {
        panic!("{events:?}");
    };
    assert_eq!(usage.prompt_tokens, 4);
    assert_eq!(usage.total_tokens, 4 + usage.completion_tokens);
    assert_eq!(reason, &FinishReason::Stop);
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_reported() {
    let server = start().await;
    let asker = Asker::new(&server.base_url);
    let mut request = Request {
        tools: vec![tool("exec", &json!({"command": {"type": "string"}}))],
        ..user("run: ls -la")
    };
    let (events, error) = read(asker.ask(&request).await.unwrap()).await;
    assert_eq!(error, None);
    let calls: Vec<&ToolCall> = events
        .iter()
        .filter_map(|event| match event {
            Event::ToolCall { call, .. } => Some(call),
            _ => None,
        })
        .collect();
    let [call] = calls[..] else {
        panic!("{events:?}");
    };
    assert_eq!(call.name, "exec");
    assert_eq!(call.arguments, r#"{"command":"ls -la"}"#);
    let reason = FinishReason::ToolCalls;
    assert_eq!(events.last(), Some(&Event::Finish { reason }));

    request.messages.push(Message {
        tool_calls: vec![call.clone()],
        ..Message::new(Role::Assistant, "")
    });
    request
        .messages
        .push(Message::tool_result(&call.id, "total 0\nsrc"));
    let (events, error) = read(asker.ask(&request).await.unwrap()).await;
    assert_eq!(error, None);
    assert_eq!(text(&events), "The tool `exec` answered:\n\ntotal 0\nsrc");
}

#[tokio::test]
async fn the_rest_of_the_wire() {
    let server = start().await;
    let asker = Asker::new(&server.base_url);
    let models = asker
        .client()
        .models(&asker.endpoint, &Timeouts::default())
        .await;
    assert_eq!(models.unwrap(), ["offline"]);

    let chat = format!("{}/chat/completions", server.base_url);
    let ask = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let (status, body) = asker.raw("POST", &chat, ask.to_string()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &answer["object"]),
        (200, &json!("chat.completion"))
    );
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.contains("1 word: hi"), "{said}");

    let ask = json!({"stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let (_, body) = asker.raw("POST", &chat, ask.to_string()).await;
    let body = String::from_utf8(body).unwrap();
    assert!(body.ends_with("\n\ndata: [DONE]\n\n"), "{body}");
    assert!(!body.contains("usage"), "nobody asked for it");
}

#[tokio::test]
async fn what_is_refused_is_refused_in_the_wires_own_shape() {
    let server = start().await;
    let asker = Asker::new(&server.base_url);
    let too_long = vec![b' '; (8 << 20) + 1];
    for (method, path, body, expected) in [
        ("GET", "/nothing", Vec::new(), 404),
        ("GET", "/chat/completions", Vec::new(), 405),
        ("POST", "/chat/completions", b"{".to_vec(), 400),
        (
            "POST",
            "/chat/completions",
            br#"{"messages":[]}"#.to_vec(),
            400,
        ),
        ("POST", "/chat/completions", too_long, 413),
    ] {
        let url = format!("{}{path}", server.base_url);
        let (status, body) = asker.raw(method, &url, body).await;
        assert_eq!(status, expected, "{method} {path}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(body["error"]["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn it_stops_when_told() {
    let server = start().await;
    let asker = Asker::new(&server.base_url);
    assert_eq!(asker.read("hi").await.1, None);
    server.stop.cancel();
    server.server.await.unwrap().unwrap();
    assert!(matches!(
        asker.read("hi").await.1,
        Some(llm::Error::Connect { .. })
    ));
}
