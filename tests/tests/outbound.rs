//! What the platform asks on somebody's behalf: nothing private that the operator did not name, as
//! often as a provider allows, and without a word of its key anywhere else.

use crate::studio::{Studio, id_of};
use comfyui_stub::{Canned, Stub};
use edge_host::{Addresses, Resolver};
use futures::future::join_all;
use model_stub::scripted::{Recorded, Script};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tests::{Person, Stack, eventually, processes::Processes, traces::file_with};
use tokio::net::TcpListener;

/// Something private that waits for requests.
struct Canary {
    port: u16,
    sang: Arc<AtomicUsize>,
}

impl Canary {
    /// Listens on that address and port, 0 for any.
    async fn listen(address: IpAddr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sang = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sang);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { port, sang }
    }

    fn sang(&self) -> usize {
        self.sang.load(Ordering::Relaxed)
    }
}

/// A name that means what is allowed at first, and something private from the second time on.
#[derive(Debug, Default)]
struct Rebinding {
    asked: AtomicUsize,
    turned: AtomicBool,
}

impl Resolver for Rebinding {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Addresses<'a> {
        let last = if host == "rebind.example" && self.turned.load(Ordering::Relaxed) {
            3
        } else {
            2
        };
        self.asked.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port));
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// Every way to write this machine's address, as a service's and as a provider's.
#[tokio::test]
async fn no_spelling_of_a_private_address_is_asked() {
    let studio = Studio::open().await;
    let canary = Canary::listen(Ipv4Addr::UNSPECIFIED.into(), 0).await;
    let port = canary.port;
    let root = &studio.root;
    let service = json!({ "name": "S", "url": "http://192.0.2.7:8188" });
    let service = id_of(&root.done("POST /api/v1/services", &service).await);
    let provider = json!({ "name": "P", "code": "p", "baseUrl": "https://models.example/v1" });
    let provider = id_of(&root.done("POST /api/v1/model-providers", &provider).await);
    let mut asked = 0;
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "[::]",
        "1.1.1.1@127.0.0.1",
        "user:pass@localhost",
        "127.0.0.1%2f@1.1.1.1",
        "127.0.0.2",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ] {
        for (line, member, path) in [
            (format!("/api/v1/services/{service}"), "url", ""),
            (
                format!("/api/v1/model-providers/{provider}"),
                "baseUrl",
                "/v1",
            ),
        ] {
            for scheme in ["http", "https"] {
                let change = json!({ member: format!("{scheme}://{host}:{port}{path}") });
                let changed = root.ask(&format!("PUT {line}"), &change).await;
                if changed.status == 400 {
                    continue;
                }
                assert_eq!(changed.status, 200, "{change}: {}", changed.text());
                asked += 1;
                let tested = root.done(&format!("POST {line}/test"), &Value::Null).await;
                assert_eq!(tested["data"]["status"], "OFFLINE", "{change}: {tested}");
            }
        }
    }
    assert!(asked > 20, "{asked}");

    // A server that may be asked sends on to one that may not.
    let sends_on = || Canned::Redirect(format!("http://127.0.0.1:{port}/system_stats"));
    for path in ["/system_stats", "/object_info", "/prompt", "/queue"] {
        studio.comfy.answer(path, sends_on());
    }
    let tested = root
        .done("POST /api/v1/services/1/test", &Value::Null)
        .await;
    assert_eq!(tested["data"]["status"], "OFFLINE", "{tested}");
    let validate = format!("POST /api/v1/workflows/{}/validate", studio.workflow);
    assert_eq!(studio.ada.ask(&validate, &Value::Null).await.status, 502);
    assert_eq!(canary.sang(), 0);
    studio.stack.stop().await;
}

/// A name is looked up once a connection, and what was checked is what is connected to.
#[tokio::test]
async fn a_name_that_means_something_else_the_next_time() {
    let comfy = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let comfy = Stub::start_on(comfy).unwrap();
    let port = comfy.address().port();
    let canary = Canary::listen(Ipv4Addr::new(127, 0, 0, 3).into(), port).await;
    let names = Arc::new(Rebinding::default());
    let (stack, mailbox) = Stack::resolving(comfy.address(), Arc::clone(&names) as _).await;
    Person::sign_up(stack.door(), &mailbox, "root").await;
    let admin = "UPDATE users SET role = 'ADMIN' WHERE username = 'root'";
    stack.state.sql().execute(admin, []).unwrap();
    let root = Person::sign_in_to_studio(stack.door(), "root").await;
    let service = json!({ "name": "GPU", "url": format!("http://rebind.example:{port}") });
    let service = id_of(&root.done("POST /api/v1/services", &service).await);
    let test = format!("POST /api/v1/services/{service}/test");
    let tested = root.done(&test, &Value::Null).await;
    assert_eq!(tested["data"]["status"], "ONLINE", "{tested}");
    assert_eq!(names.asked.load(Ordering::Relaxed), 1, "looked up once");
    names.turned.store(true, Ordering::Relaxed);
    // The connection from before leads to what was checked. Without it there is none.
    root.done(&test, &Value::Null).await;
    comfy.kill();
    let tested = root.done(&test, &Value::Null).await;
    assert_eq!(tested["data"]["status"], "OFFLINE", "{tested}");
    assert!(names.asked.load(Ordering::Relaxed) > 1, "looked up again");
    assert_eq!(canary.sang(), 0);
    stack.stop().await;
}

/// A provider's key goes to the provider, and is nowhere else to be found.
#[tokio::test]
async fn a_key_is_in_no_answer_log_database_or_backup() {
    const KEY: &str = "sk-sentinel-5d1f0c27b94e4a80";
    let stack = Processes::start().await;
    stack.model.answer_with(|_| Script::answer(&["Well."]));
    let root = Person::sign_in_to_studio(stack.door(), "admin").await;
    let mut answers = Vec::new();
    let mut ask = async |line: &str, body: Value| {
        let answer = root.ask(line, &body).await;
        answers.push(answer.text().to_owned());
        answer.json()
    };
    let provider = json!({ "name": "House", "code": "house", "apiKey": KEY,
        "baseUrl": stack.model.base_url() });
    let made = ask("POST /api/v1/model-providers", provider.clone()).await;
    let provider_path = format!("/api/v1/model-providers/{}", id_of(&made));
    let tested = ask(&format!("POST {provider_path}/test"), Value::Null).await;
    assert_eq!(tested["code"], 200, "{tested}");
    let model = json!({ "providerId": id_of(&made), "name": "Large", "modelCode": "large",
        "modelType": "CHAT" });
    let model = id_of(&ask("POST /api/v1/models", model).await);
    for agent in 1..=7 {
        let line = format!("PUT /api/v1/agents/{agent}");
        ask(&line, json!({ "modelId": model })).await;
    }
    let session = id_of(&ask("POST /api/v1/sessions", json!({})).await);
    let messages = format!("/api/v1/sessions/{session}/messages");
    let said = ask(&format!("POST {messages}"), json!({ "content": "Hi" })).await;
    assert_eq!(said["data"]["content"], "Well.", "{said}");
    let was_sent =
        |asked: &Recorded| asked.header("authorization") == Some(&format!("Bearer {KEY}"));
    assert!(
        stack.model.requests().iter().any(was_sent),
        "the provider got it"
    );

    // Faults tell most.
    stack
        .model
        .answer_with(|_| Script::refusal(401, "this key is no good"));
    ask(
        &format!("POST {messages}"),
        json!({ "content": "And now?" }),
    )
    .await;
    ask("POST /api/v1/model-providers", provider).await;
    ask(
        &format!("PUT {provider_path}"),
        json!({ "apiKey": KEY, "timeoutMs": 1 }),
    )
    .await;
    ask(&format!("PUT {provider_path}"), json!({ "apiKey": [KEY] })).await;
    for path in [
        "/api/v1/model-providers",
        "/api/v1/models",
        "/api/v1/agents",
        &provider_path,
        &messages,
        "/api/v1/infra/health",
        "/api/openapi.json",
    ] {
        ask(&format!("GET {path}"), Value::Null).await;
    }
    for answer in &answers {
        assert!(!answer.contains(KEY), "{answer}");
    }
    // Beside the live files, a backup as the documentation says to make one.
    let backup = stack.state.edge().join("backup.db");
    let into = "VACUUM INTO ?1";
    stack
        .state
        .sql()
        .execute(into, [backup.to_str().unwrap()])
        .unwrap();
    let state = stack.stop().await;
    for folder in [state.edge(), state.runner(), state.logs()] {
        assert_eq!(file_with(&folder, KEY), None);
    }
    let log = std::fs::read_to_string(state.logs().join("edge-host")).unwrap();
    assert!(log.contains("/api/v1/model-providers"), "{log}");
}

/// Fifty runs at once ask a provider that allows five requests a minute.
#[tokio::test]
async fn fifty_runs_keep_to_what_a_provider_allows() {
    const ALLOWED: usize = 5;
    let studio = Studio::open().await;
    let root = &studio.root;
    let ada = Person::sign_in(studio.stack.door(), "ada@example.org").await;
    let provider = json!({ "name": "Slow", "code": "slow", "rateLimit": ALLOWED,
        "baseUrl": studio.stack.model().base_url() });
    let provider = id_of(&root.done("POST /api/v1/model-providers", &provider).await);
    let model = json!({ "providerId": provider, "name": "M", "modelCode": "m",
        "modelType": "CHAT" });
    let model = id_of(&root.done("POST /api/v1/models", &model).await);
    for agent in 1..=7 {
        let line = format!("PUT /api/v1/agents/{agent}");
        root.done(&line, &json!({ "modelId": model })).await;
    }
    studio
        .stack
        .model()
        .answer_with(|_| Script::answer(&["Done."]));
    let mut sessions = Vec::new();
    for _ in 0..50 {
        sessions.push(ada.session().await);
    }
    let began = std::time::Instant::now();
    let turns = sessions.iter().map(|session| {
        let body = json!({ "session_id": session, "content": "Go" });
        let ada = ada.clone();
        async move {
            let line = "POST /api/v1/chat/messages";
            ada.stream(line, "text/event-stream", &body).await
        }
    });
    let streams = join_all(turns).await;
    let waiting = "SELECT COUNT(*) FROM runs WHERE status IN ('queued', 'running')";
    let count = |sql: &rusqlite::Connection| -> usize {
        let counted = sql.query_row(waiting, [], |row| row.get::<_, i64>(0));
        usize::try_from(counted.unwrap()).unwrap()
    };
    let sql = studio.stack.state.sql();
    let asked = eventually("those that may have asked", async || {
        let asked = studio.stack.model().requests().len();
        (asked >= ALLOWED && count(&sql) == sessions.len() - asked).then_some(asked)
    })
    .await;
    // Those who wait give no sign of it: only time shows that none of them asks after all.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let now = studio.stack.model().requests().len();
    // Wherever on the clock that was; only on a very slow machine is a minute over.
    let most = ALLOWED * (usize::try_from(began.elapsed().as_secs()).unwrap() / 60 + 1);
    assert!(asked <= now && now <= most, "{now} of {most}");
    // Who waits can be told to stop.
    let stopped = sessions.iter().map(|session| {
        let line = format!("POST /api/v1/sessions/{session}/interrupt");
        let ada = ada.clone();
        async move { ada.ask(&line, &Value::Null).await.status }
    });
    let stopped = join_all(stopped).await;
    assert!(
        stopped
            .iter()
            .all(|status| [200, 202, 204, 409].contains(status)),
        "{stopped:?}"
    );
    eventually("nobody waits", async || (count(&sql) == 0).then_some(())).await;
    drop(streams);
    studio.stack.stop().await;
}
