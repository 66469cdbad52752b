//! `POST /model-providers/{id}/test`, against a real server, and how often providers are asked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{PROVIDERS, SENTINEL, Studio, holds, log_of_all, provider, with};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use test_app::{PASSWORD, Reply, TestApp, Way};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that behaves as the first segment of the path says, and keeps what it was sent.
#[derive(Clone)]
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().answer(stream));
            }
        });
        server
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let behaviour = head.split('/').nth(1).unwrap().to_owned();
        self.asked.lock().unwrap().push(head);
        let models = r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#;
        let echo = format!(r#"{{"error":{{"message":"{SENTINEL} is not known"}}}}"#);
        let (status, headers, body) = match behaviour.as_str() {
            "online" => ("200 OK", String::new(), models.to_owned()),
            "refused" => ("401 Unauthorized", String::new(), echo),
            "broken" => ("500 Internal Server Error", String::new(), String::new()),
            "page" => ("200 OK", String::new(), "<html>".to_owned()),
            "elsewhere" => {
                let location = format!("location: {}/online/models\r\n", self.address);
                ("302 Found", location, String::new())
            }
            "huge" => ("200 OK", String::new(), " ".repeat(20 << 20)),
            _ => {
                // Silence, until the asker has gone.
                let _ = stream.read_u8().await;
                return;
            }
        };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        // An asker that has heard enough hangs up.
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// An app over real HTTP, and its administrator's token.
async fn start() -> (TestApp, String) {
    let own = [
        ("admin_username", "root"),
        ("admin_email", "root@example.org"),
        ("admin_password", PASSWORD),
    ];
    let app = TestApp::start(over_auth::router, &own).await;
    let (line, body) = Way::Studio.request("root", PASSWORD);
    let token = Way::Studio.token_of(&app.call(line, &body).await.done(200));
    (app, token)
}

#[tokio::test]
async fn a_server_is_online_when_it_lists_its_models() {
    let (app, token) = start().await;
    let server = Server::start().await;
    let mut body = provider("main");
    body["timeoutMs"] = json!(600_000);
    let made = app
        .call_as(&token, &format!("POST {PROVIDERS}"), &body)
        .await;
    made.done(200);
    let place = async |url: &str, timeout: i64| {
        let update = "UPDATE providers SET base_url = ?1, timeout_ms = ?2";
        app.sql(update, vec![url.into(), timeout.into()]).await;
    };
    let test = async || {
        let answer = app
            .call_as(&token, &format!("POST {PROVIDERS}/1/test"), &Value::Null)
            .await;
        assert!(!answer.text.contains(SENTINEL), "{}", answer.text);
        answer.data()
    };
    place(&format!("{}/online", server.address), 600_000).await;
    let online = test().await;
    assert_eq!(online["status"], "ONLINE");
    assert_eq!(online["message"], "It has 2 models");
    assert!(online["responseTime"].as_i64().unwrap() >= 0);
    let asked = server.asked().remove(0).to_ascii_lowercase();
    assert!(asked.starts_with("get /online/models http/1.1"), "{asked}");
    let header = format!("authorization: bearer {}", SENTINEL.to_ascii_lowercase());
    assert!(asked.contains(&header), "{asked}");
    for (behaviour, message) in [
        ("refused", "the model server refused the key (401)"),
        ("broken", "the model server failed (500)"),
        ("page", "the model server's answer cannot be understood"),
        ("elsewhere", "the model server refused the request (302)"),
        ("huge", "the model server's answer is too long"),
    ] {
        place(&format!("{}/{behaviour}", server.address), 600_000).await;
        let expected = json!({ "status": "OFFLINE", "responseTime": null, "message": message });
        assert_eq!(test().await, expected, "{behaviour}");
        assert_eq!(
            server.asked().len(),
            1,
            "{behaviour}: asked once, redirected nowhere"
        );
    }
    place(&format!("{}/silent", server.address), 50).await;
    assert_eq!(
        test().await["message"],
        "the model server did not begin to answer in time"
    );
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    place(&address, 600_000).await;
    assert_eq!(
        test().await["message"],
        "the model server cannot be reached"
    );
}

#[test]
fn what_a_server_repeats_of_the_key_is_in_no_log() {
    let log = log_of_all("what_a_server_repeats_of_the_key_is_in_no_log");
    assert!(holds(&log, "[key] is not known"), "what it says is logged");
    assert!(!holds(&log, SENTINEL));
}

#[tokio::test]
async fn a_provider_gets_no_more_requests_a_minute_than_it_may() {
    let studio = Studio::start(&[]).await;
    let listed = json!({ "data": [{ "id": "a" }] });
    studio
        .app
        .runner
        .answers("GET /v1/models", Reply::Json(200, listed));
    let key = "a-token-for-tests";
    let main = with(
        &with(&provider("main"), "apiKey", json!(key)),
        "rateLimit",
        json!(5),
    );
    let main = studio.create(PROVIDERS, &main).await;
    let free = with(&provider("free"), "apiKey", json!(key));
    let free = studio.create(PROVIDERS, &free).await;
    let test = async |provider: i64| {
        let line = format!("POST {PROVIDERS}/{provider}/test");
        let answer = studio.call(&line, &Value::Null).await;
        if answer.status == 200 {
            assert_eq!(answer.data()["status"], "ONLINE");
            return true;
        }
        let detail = "The model provider has had its requests for this minute";
        answer.problem(429, detail);
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=65).contains(&wait), "{wait}");
        false
    };
    for _ in 0..2 {
        let all = futures::future::join_all((0..50).map(|_| test(main))).await;
        assert_eq!(all.iter().filter(|passed| **passed).count(), 5);
        assert_eq!(studio.app.runner.asked().len(), 5);
        assert!(!test(main).await);
        // Another has its own count, and none where none is set.
        assert!(test(free).await);
        let _ = studio.app.runner.asked();
        // Whoever else asks it, in whatever component, is counted with the others.
        let platform = &studio.app.platform;
        let found = store::providers::find(&*platform.sql, domain::ProviderId(main)).await;
        let found = found.unwrap().unwrap().provider;
        let refused = web::limits::provider(platform, &found).await.unwrap_err();
        assert_eq!(refused.kind(), domain::ErrorKind::TooManyRequests);
        assert!(refused.retry_after().is_some());
        // The minute before is over, wherever on the clock it began.
        studio.app.wait(65);
    }
    let line = format!("PUT {PROVIDERS}/{main}");
    studio
        .call(&line, &json!({ "rateLimit": 1 }))
        .await
        .done(200);
    assert!(test(main).await);
    assert!(!test(main).await);
}
