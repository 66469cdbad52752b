//! Two users: whatever path or socket one of them tries, what is the other's is not there.

use crate::studio::Studio;
use model_stub::scripted::Script;
use serde_json::{Value, json};
use tests::{Person, Room, client::upgrading, eventually};
use tokio_tungstenite::tungstenite::Error;

/// What shows to everybody what it shows to one, by its contract: profiles, avatars, services, what
/// has a signed address, and the open users' conversations.
const SHARED: [&str; 6] = [
    "get /api/v1/users/{username}",
    "get /api/v1/users/{user_id}/conversations",
    "get /api/v1/conversations/{conversation_id}",
    "get /api/v1/files/avatar/{key}",
    "get /api/v1/files/stored/{key}/content",
    "get /api/v1/services/{id}",
];

/// Where only administrators have anything to do.
const ADMINISTRATORS: [&str; 4] = [
    "/api/v1/services/",
    "/api/v1/agents/",
    "/api/v1/model-providers/",
    "/api/v1/models/",
];

/// Something of everything, all of it Ada's.
struct Hers {
    /// Her sessions by UUID: of `workspace`, with a sandbox and a message; of `codex`; of `studio`.
    sessions: Vec<String>,
    message: String,
    studio_session: i64,
    workflow: i64,
    file: i64,
    login: String,
    key: String,
}

impl Hers {
    async fn make(studio: &Studio, ada: &Person) -> Self {
        let session = ada.session().await;
        let launch = json!({ "session_id": session });
        ada.done("POST /api/v1/sandbox/launch", &launch).await;
        ada.exec(&session, "echo hers > hers.txt").await;
        studio.stack.model().push(Script::answer(&["Hello."]));
        let say = json!({ "session_id": session, "content": "Hi" });
        let turn = ada.done("POST /api/v1/chat/messages", &say).await;
        let coding = ada.done("POST /api/sessions", &json!({})).await;
        let select = "SELECT uuid FROM sessions WHERE id = ?1";
        let sql = studio.stack.state.sql();
        let of_studio = sql.query_row(select, [studio.session], |row| row.get::<_, String>(0));
        studio.calls("run_workflow", &json!({}));
        studio.stack.model().push(Script::answer(&["There."]));
        let run = format!("POST /api/v1/sessions/{}/messages", studio.session);
        studio.ada.done(&run, &json!({ "content": "Run it" })).await;
        let files = studio.ada.done("GET /api/v1/files", &Value::Null).await;
        let logins = ada.done("GET /api/v1/auth/logins", &Value::Null).await;
        let key = json!({ "name": "laptop", "password": tests::person::PASSWORD });
        let key = ada.done("POST /api/v1/users/me/api-keys", &key).await;
        Self {
            sessions: vec![
                session,
                coding["session_id"].as_str().unwrap().to_owned(),
                of_studio.unwrap(),
            ],
            message: turn["user"]["message_id"].as_str().unwrap().to_owned(),
            studio_session: studio.session,
            workflow: studio.workflow,
            file: files["data"][0]["id"].as_i64().unwrap(),
            login: shown(&logins[0]["id"]),
            key: shown(&key["id"]),
        }
    }

    /// The path with what is hers in it, once for each session that could be meant.
    fn fill(&self, path: &str) -> Vec<String> {
        let path = path
            .replace("{message_id}", &self.message)
            .replace("{login_id}", &self.login)
            .replace("{key_id}", &self.key)
            .replace("{number}", "1")
            .replace("{command}", "1")
            .replace("/workflows/{id}", &format!("/workflows/{}", self.workflow))
            .replace(
                "/files/stored/{id}",
                &format!("/files/stored/{}", self.file),
            )
            .replace("{id}", "1");
        if !path.contains("{session_id}") {
            return vec![path];
        }
        let numbers = [self.studio_session.to_string()];
        let sessions = self.sessions.iter().chain(&numbers);
        sessions
            .map(|session| path.replace("{session_id}", session))
            .collect()
    }
}

/// An id, whether it is a number or a text.
fn shown(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// A body that the operation would take, so that nothing else is wrong with the request.
fn body(line: &str) -> Value {
    let patch = "*** Begin Patch\n*** Delete File: hers.txt\n*** End Patch";
    let endings = [
        ("/submit", json!({ "type": "user_message", "content": "x" })),
        ("/apply_patch", json!({ "patch": patch })),
        ("/messages", json!({ "content": "x" })),
        ("/edit", json!({ "content": "x" })),
        ("/move", json!({ "from": "hers.txt", "to": "his.txt" })),
        ("/commands", json!({ "command": "true" })),
        ("/directory", json!({ "path": "his" })),
        ("/favorite", json!({ "favorite": true })),
    ];
    let found = endings.into_iter().find(|(end, _)| line.ends_with(end));
    match found {
        Some((_, body)) => body,
        None if line.starts_with("PATCH /api/v1/sessions/") => json!({ "title": "x" }),
        None if line.starts_with("PUT") => json!({ "name": "x" }),
        None => json!({}),
    }
}

/// What all of it looks like to her.
async fn pictures(ada: &Person, studio: &Studio, hers: &Hers) -> Vec<Value> {
    let workspace = &hers.sessions[0];
    let mut seen = Vec::new();
    for path in [
        format!("/api/v1/sessions/{workspace}"),
        format!("/api/v1/sessions/{workspace}/messages"),
        format!("/api/v1/files/{workspace}?path=hers.txt"),
        format!("/api/sessions/{}", hers.sessions[1]),
        "/api/v1/users/me/api-keys".to_owned(),
    ] {
        let mut shown = ada.done(&format!("GET {path}"), &Value::Null).await;
        // Looking at its files prolongs the life of a sandbox.
        let sandbox = shown.get_mut("sandbox").and_then(Value::as_object_mut);
        if let Some(sandbox) = sandbox {
            sandbox.remove("expires_at");
        }
        seen.push(shown);
    }
    for path in [
        format!("/api/v1/workflows/{}", hers.workflow),
        format!("/api/v1/workflows/{}/versions", hers.workflow),
        format!("/api/v1/sessions/{}/messages", hers.studio_session),
        format!("/api/v1/files/stored/{}", hers.file),
    ] {
        let mut shown = studio.ada.done(&format!("GET {path}"), &Value::Null).await;
        // Signed anew each time.
        if let Some(data) = shown["data"].as_object_mut() {
            data.remove("accessUrl");
        }
        seen.push(shown);
    }
    seen
}

#[tokio::test]
async fn what_is_anothers_is_not_there_on_any_path() {
    let studio = Studio::open().await;
    let door = studio.stack.door();
    let ada = Person::sign_in(door, "ada@example.org").await;
    let eves = [
        Person::sign_in(door, "eve@example.org").await,
        studio.eve.clone(),
    ];
    let hers = Hers::make(&studio, &ada).await;
    let before = pictures(&ada, &studio, &hers).await;
    let document = door.get("/api/openapi.json").await.json();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.contains('{') {
            continue;
        }
        let administrators = ADMINISTRATORS.iter().any(|start| path.starts_with(start));
        let status = if administrators { 403 } else { 404 };
        let methods = methods.as_object().unwrap().keys();
        for method in methods.filter(|method| !SHARED.contains(&&*format!("{method} {path}"))) {
            for filled in hers.fill(path) {
                let line = format!("{} {filled}", method.to_uppercase());
                let body = match method.as_str() {
                    "get" | "delete" => Value::Null,
                    _ => body(&line),
                };
                let line = match path.starts_with("/api/v1/files/{session_id}") {
                    true => format!("{line}?path=hers.txt"),
                    false => line,
                };
                for eve in &eves {
                    if is_socket(path) {
                        not_found(eve, &filled).await;
                    } else {
                        let answer = eve.ask(&line, &body).await;
                        assert_eq!(answer.status, status, "{line}: {}", answer.text());
                    }
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
    let after = pictures(&ada, &studio, &hers).await;
    assert_eq!(before, after, "nothing has changed");
    studio.stack.stop().await;
}

fn is_socket(path: &str) -> bool {
    path.starts_with("/api/sessions/") && path.ends_with("/events") || path.contains("/ws/")
}

/// Asks for a socket that is not there.
async fn not_found(person: &Person, path: &str) {
    let status = refusal(person, path, Some(&person.token)).await;
    assert_eq!(status, 404, "{path}");
}

/// The status of the answer that is no socket.
async fn refusal(person: &Person, path: &str, token: Option<&str>) -> u16 {
    match Room::try_enter(person, path, token)
        .await
        .map_err(|error| *error)
    {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{path}: {error}"),
        Ok(_) => panic!("{path}: let in"),
    }
}

#[tokio::test]
async fn what_is_anothers_is_not_there_in_any_body() {
    let studio = Studio::open().await;
    let door = studio.stack.door();
    let ada = Person::sign_in(door, "ada@example.org").await;
    let eve = Person::sign_in(door, "eve@example.org").await;
    let hers = Hers::make(&studio, &ada).await;
    let asked = studio.stack.model().requests().len();
    for session in &hers.sessions {
        for (line, body) in [
            (
                "POST /api/v1/sandbox/launch",
                json!({ "session_id": session }),
            ),
            (
                "POST /api/v1/sandbox/destroy",
                json!({ "session_id": session }),
            ),
            (
                "POST /api/v1/sandbox/exec",
                json!({ "session_id": session, "command": "rm hers.txt" }),
            ),
            (
                "POST /api/v1/chat/messages",
                json!({ "session_id": session, "content": "x" }),
            ),
            (
                "POST /api/v1/agent-chats",
                json!({ "session_id": session, "input": "x", "message": "x" }),
            ),
        ] {
            let answer = eve.ask(line, &body).await;
            assert_eq!(answer.status, 404, "{line}: {}", answer.text());
        }
    }
    let about = json!({ "workflowId": hers.workflow });
    let answer = studio.eve.ask("POST /api/v1/sessions", &about).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    // Nothing of it is in a list or found by a search either.
    for line in [
        "GET /api/v1/sessions",
        "GET /api/sessions",
        "GET /api/v1/messages/search?q=Hello",
        "GET /api/v1/users/me/api-keys",
    ] {
        let listed = eve.done(line, &Value::Null).await.to_string();
        for session in &hers.sessions {
            assert!(!listed.contains(session.as_str()), "{line}: {listed}");
        }
        assert!(!listed.contains("laptop"), "{line}: {listed}");
    }
    assert_eq!(
        studio.stack.model().requests().len(),
        asked,
        "nobody was asked"
    );
    studio.stack.stop().await;
}

/// Event sockets: who may, by what, from where, and how many.
#[tokio::test]
async fn event_sockets_let_in_whom_they_should() {
    let studio = Studio::open().await;
    let door = studio.stack.door();
    let ada = Person::sign_in(door, "ada@example.org").await;
    let eve = Person::sign_in(door, "eve@example.org").await;
    let made = ada.done("POST /api/sessions", &json!({})).await;
    let id = made["session_id"].as_str().unwrap();
    let path = format!("/api/sessions/{id}/events");
    assert_eq!(refusal(&ada, &path, None).await, 401);
    assert_eq!(refusal(&ada, &path, Some("nobody")).await, 401);
    not_found(&eve, &path).await;
    let ticket = async |person: &Person| {
        let made = person.done("POST /api/v1/auth/tickets", &json!({})).await;
        format!("{path}?ticket={}", made["ticket"].as_str().unwrap())
    };
    let hers = ticket(&ada).await;
    let entered = Room::try_enter(&ada, &hers, None).await;
    assert!(entered.is_ok(), "by a ticket");
    assert_eq!(refusal(&ada, &hers, None).await, 401, "used up");
    assert_eq!(refusal(&eve, &ticket(&eve).await, None).await, 404);
    // A page of another site has the cookie, and not the token.
    let cookie = format!("access_token={}", ada.token);
    let bearer = format!("Bearer {}", ada.token);
    for (origin, header, value, status) in [
        ("https://evil.example", "cookie", &cookie, 403),
        ("null", "cookie", &cookie, 403),
        ("null", "authorization", &bearer, 403),
    ] {
        let upgrade = upgrading(http::Request::get(path.as_str()))
            .header("origin", origin)
            .header(header, value);
        let answer = door.send(upgrade, "").await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.text());
    }
    // The first one is gone as soon as the runner has seen that.
    drop(entered);
    let mut open = Vec::new();
    let full = eventually("as many as may be", async || {
        match Room::try_enter(&ada, &path, Some(&ada.token))
            .await
            .map_err(|error| *error)
        {
            Ok(room) => {
                open.push(room);
                None
            }
            Err(Error::Http(answer)) => Some(answer),
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    assert_eq!(full.status(), 429);
    assert!(full.headers().contains_key("retry-after"));
    let problem: Value = serde_json::from_slice(full.body().as_ref().unwrap()).unwrap();
    assert_eq!(problem["error"], "TooManyConnections", "{problem}");
    assert!((63..=64).contains(&open.len()), "{}", open.len());
    studio.stack.stop().await;
}

/// Every row of the `codex` document's table of errors, by the real parts.
#[tokio::test]
async fn the_table_of_errors() {
    let studio = Studio::open().await;
    let ada = Person::sign_in(studio.stack.door(), "ada@example.org").await;
    let made = ada.done("POST /api/sessions", &json!({})).await;
    let one = format!("/api/sessions/{}", made["session_id"].as_str().unwrap());
    let check = async |person: &Person, line: &str, body: Value, status: u16, error: &str| {
        let answer = person.ask(line, &body).await;
        let problem = answer.json();
        assert_eq!(answer.status, status, "{line}: {problem}");
        assert_eq!(problem["error"], error, "{line}: {problem}");
        assert_eq!(problem["status"], status, "{line}: {problem}");
    };
    let submit = format!("POST {one}/submit");
    let nonsense = json!({ "type": "dance" });
    check(&ada, &submit, nonsense, 400, "InvalidRequest").await;
    let outside = json!({ "cwd": "/etc" });
    check(&ada, "POST /api/sessions", outside, 400, "InvalidRequest").await;
    let nobody = Person {
        token: "nobody".to_owned(),
        ..ada.clone()
    };
    let hello = json!({ "type": "user_message", "content": "x" });
    check(&nobody, &submit, hello.clone(), 401, "Unauthorized").await;
    let gone = "POST /api/sessions/00000000-0000-7000-8000-000000000000/submit";
    check(&ada, gone, hello.clone(), 404, "SessionNotFound").await;
    let break_it = "ALTER TABLE codex_sessions RENAME TO elsewhere";
    studio.stack.state.sql().execute(break_it, []).unwrap();
    check(&ada, &submit, hello, 500, "InternalError").await;
    let whole = ada.ask(&format!("GET {one}"), &Value::Null).await;
    assert_eq!(whole.status, 500);
    for secret in ["codex_sessions", "SELECT", "sqlite", "/"] {
        let detail = whole.json()["detail"].as_str().unwrap().to_owned();
        assert!(!detail.contains(secret), "{detail}");
    }
    studio.stack.stop().await;
}
