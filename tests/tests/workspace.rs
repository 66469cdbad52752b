//! The `workspace` contract's sessions, sandboxes, files and rooms, through the front door, on
//! both backends.

use model_stub::scripted::Script;
use serde_json::{Value, json};
use tests::{
    Person, Room, Stack, eventually,
    stack::{Choice, backends},
};

#[tokio::test]
async fn a_session_has_a_sandbox_with_files_and_commands() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        documented_paths(&ada).await;
        stack.stop().await;
    }
}

async fn documented_paths(ada: &Person) {
    let body = json!({ "title": "Sorting" });
    let session = ada.done("POST /api/v1/sessions", &body).await;
    let id = session["id"].as_str().unwrap().to_owned();
    assert_eq!(session["title"], "Sorting");
    assert_eq!(session["sandbox"], Value::Null);
    let no_sandbox = format!("GET /api/v1/files/{id}/tree");
    assert_eq!(ada.ask(&no_sandbox, &Value::Null).await.status, 404);

    let launch = json!({ "session_id": id });
    let launched = ada.done("POST /api/v1/sandbox/launch", &launch).await;
    assert_eq!(
        launched,
        json!({ "session_id": id, "status": "running", "created": true })
    );
    let again = ada.done("POST /api/v1/sandbox/launch", &launch).await;
    assert_eq!(again["created"], false);

    let run = json!({
        "session_id": id,
        "command": ["sh", "-c", "mkdir -p src && printf 'fn main() {}' > src/main.rs; \
                     echo \"$GREETING\"; pwd; echo bad >&2; exit 3"],
        "cwd": "/workspace",
        "env": { "GREETING": "hello" },
        "timeout": 30,
    });
    let output = ada.done("POST /api/v1/sandbox/exec", &run).await;
    assert_eq!(output["exit_code"], 3);
    assert_eq!(output["stdout"], "hello\n/workspace\n");
    assert_eq!(output["stderr"], "bad\n");
    assert_eq!(output["timed_out"], false);
    assert_eq!(output["truncated"], false);
    assert!(output["duration_ms"].is_u64());

    let tree = ada.done(&no_sandbox, &Value::Null).await;
    let file = &tree["children"][0]["children"][0];
    assert_eq!(
        (&file["path"], &file["type"], &file["size"]),
        (&json!("src/main.rs"), &json!("file"), &json!(12))
    );
    let read = format!("GET /api/v1/files/{id}?path=src/main.rs");
    let content = ada.done(&read, &Value::Null).await;
    assert_eq!(content["content"], "fn main() {}");
    assert_eq!(content["encoding"], "utf-8");
    let raw = ada
        .request(&read)
        .header("accept", "application/octet-stream");
    let raw = ada.door.send(raw.header("range", "bytes=3-6"), "").await;
    assert_eq!((raw.status, raw.text()), (206, "main"));

    let timed = json!({ "session_id": id, "command": "sleep 60 & sleep 60", "timeout": 1 });
    let timed = ada.done("POST /api/v1/sandbox/exec", &timed).await;
    assert_eq!(timed["timed_out"], true);

    let listed = ada.done("GET /api/v1/sessions", &Value::Null).await;
    assert_eq!(listed[0]["sandbox"]["status"], "running");
    let destroyed = ada.done("POST /api/v1/sandbox/destroy", &launch).await;
    assert_eq!(destroyed, json!({ "session_id": id, "destroyed": true }));
    let made = ada.done("POST /api/v1/sandbox/launch", &json!({})).await;
    assert_eq!(made["created"], true);
    let all = ada
        .done("POST /api/v1/sandbox/destroy_all", &json!({}))
        .await;
    assert_eq!(all, json!({ "destroyed": 1 }));
    let one = format!("/api/v1/sessions/{id}");
    let deleted = ada.ask(&format!("DELETE {one}"), &Value::Null).await;
    assert_eq!(deleted.status, 204);
    let gone = ada.ask(&format!("GET {one}"), &Value::Null).await;
    assert_eq!(gone.status, 404);
}

/// The frames of a turn, to its last.
async fn turn_of(room: &mut Room) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = room.next().await.unwrap();
        let ended = frame["type"] == "status" && frame["status"] == "finished";
        frames.push(frame);
        if ended {
            return frames;
        }
    }
}

/// The numbers are without gap; tools begin and end in causal order; what the command put out, and
/// the file that a tool wrote, are told once.
fn check_frames(frames: &[Value]) {
    let numbers = frames.iter().map(|frame| {
        let (_, number) = frame["event_id"].as_str().unwrap().split_once(':').unwrap();
        number.parse::<u64>().unwrap()
    });
    let numbers: Vec<u64> = numbers.collect();
    assert!(
        numbers.is_sorted_by(|one, next| next - one == 1),
        "{numbers:?}"
    );
    let calls = frames.iter().filter(|frame| frame["type"] == "tool_call");
    let calls = calls.map(|frame| {
        let text = |name: &str| frame[name].as_str().unwrap();
        format!("{} {} {}", text("agent"), text("tool"), text("phase"))
    });
    let expected = [
        "Mike assign started",
        "Alex write_file started",
        "Alex write_file ended",
        "Alex exec started",
        "Alex exec output",
        "Alex exec ended",
        "Mike assign ended",
    ];
    assert_eq!(calls.collect::<Vec<_>>(), expected);
    let of_exec = |phase: &str| {
        let is = |frame: &&Value| frame["tool"] == "exec" && frame["phase"] == phase;
        frames.iter().find(is).unwrap()["result"].clone()
    };
    assert_eq!(of_exec("output"), "made by Alex\n");
    let ended = of_exec("ended");
    assert_eq!(ended["output"], "made by Alex\n[exit code 0]");
    assert_eq!(ended["detail"]["exit_code"], 0);
    let changed = |frame: &&Value| frame["type"] == "file_change" && frame["path"] == "hello.sh";
    assert_eq!(frames.iter().filter(changed).count(), 1, "{frames:#?}");
}

/// The answer, the stored messages and the frames tell of the same messages, in the same order;
/// the pieces of each are its text.
async fn check_turn(ada: &Person, id: &str, turn: &Value, frames: &[Value]) {
    let line = format!("GET /api/v1/sessions/{id}/messages");
    let stored = ada.done(&line, &Value::Null).await;
    let mut answered = vec![turn["user"].clone()];
    answered.extend(turn["responses"].as_array().unwrap().clone());
    assert_eq!(stored, Value::from(answered.clone()));
    let shown = |message: &Value| {
        let members = ["message_id", "sender", "agent", "content"];
        members.map(|name| message[name].clone())
    };
    let ended = frames.iter().filter(|frame| frame["final"] == true);
    let ended: Vec<_> = ended.map(shown).collect();
    assert_eq!(ended, answered.iter().map(shown).collect::<Vec<_>>());
    for message in turn["responses"].as_array().unwrap() {
        let pieces = frames.iter().filter(|frame| {
            frame["final"] == false && frame["message_id"] == message["message_id"]
        });
        let text: String = pieces
            .map(|piece| piece["content"].as_str().unwrap())
            .collect();
        assert_eq!(json!(text), message["content"]);
    }
}

/// Mike's turn and Alex's work are an execution each, and their tokens together are the turn's.
fn check_executions(stack: &Stack, turn: &Value) {
    let sql = stack.state.sql();
    let select = "SELECT agents.name || ' ' || execution_type || ' ' || executions.status, \
            input_tokens + output_tokens \
        FROM executions JOIN agents ON agents.id = agent_id ORDER BY executions.id";
    let mut select = sql.prepare(select).unwrap();
    let rows = select.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let (executions, tokens): (Vec<String>, Vec<i64>) = rows.unwrap().map(Result::unwrap).unzip();
    assert_eq!(executions, ["Mike CHAT SUCCEEDED", "Alex TASK SUCCEEDED"]);
    let run = &turn["run"];
    let used = run["input_tokens"].as_i64().unwrap() + run["output_tokens"].as_i64().unwrap();
    assert_eq!(tokens.iter().sum::<i64>(), used);
    assert_eq!(run["status"], "succeeded");
}

#[tokio::test]
async fn a_message_to_the_lead_has_work_done_in_the_sandbox() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = ada.session().await;
        let mut rooms = [
            Room::enter(&ada, &id, None).await,
            Room::enter(&ada, &id, None).await,
        ];
        let model = stack.model();
        let task = json!({ "agent": "Alex", "task": "Write hello.sh and run it" });
        model.push(Script::call("assign", &task));
        let file = json!({ "path": "hello.sh", "content": "echo made by Alex\n" });
        model.push(Script::call("write_file", &file));
        model.push(Script::call("exec", &json!({ "command": "sh hello.sh" })));
        model.push(Script::answer(&["It says: ", "made by Alex"]));
        model.push(Script::answer(&["Alex has", " done it."]));
        let message = json!({ "session_id": id, "content": "Say hello from a script" });
        let turn = ada.done("POST /api/v1/chat/messages", &message).await;
        assert_eq!(turn["user"]["content"], "Say hello from a script");
        let responses = turn["responses"].as_array().unwrap();
        let said = responses.iter().map(|one| (&one["agent"], &one["content"]));
        let expected = [
            (&json!("Alex"), &json!("It says: made by Alex")),
            (&json!("Mike"), &json!("Alex has done it.")),
        ];
        assert_eq!(said.collect::<Vec<_>>(), expected);

        let mut seen = Vec::new();
        for room in &mut rooms {
            seen.push(turn_of(room).await);
        }
        assert_eq!(
            seen[0], seen[1],
            "both readers see the same, in the same order"
        );
        check_frames(&seen[0]);
        check_turn(&ada, &id, &turn, &seen[0]).await;
        let read = format!("GET /api/v1/files/{id}?path=hello.sh");
        let file = ada.done(&read, &Value::Null).await;
        assert_eq!(file["content"], "echo made by Alex\n");
        check_executions(&stack, &turn);
        stack.stop().await;
    }
}

#[tokio::test]
async fn nobody_reaches_anothers_sandbox() {
    let (stack, mailbox, ada) = Stack::sandboxed(Choice::Namespace).await;
    let bob = Person::sign_up(stack.door(), &mailbox, "bob").await;
    let id = ada.session().await;
    let body = json!({ "session_id": id });
    ada.done("POST /api/v1/sandbox/launch", &body).await;
    let exec = json!({ "session_id": id, "command": "true" });
    for (line, body) in [
        (format!("GET /api/v1/sessions/{id}"), &Value::Null),
        (format!("DELETE /api/v1/sessions/{id}"), &Value::Null),
        (format!("GET /api/v1/sessions/{id}/messages"), &Value::Null),
        (format!("GET /api/v1/files/{id}/tree"), &Value::Null),
        (format!("GET /api/v1/files/{id}?path=x"), &Value::Null),
        (format!("GET /api/v1/sandbox/preview/{id}"), &Value::Null),
        ("POST /api/v1/sandbox/launch".to_owned(), &body),
        ("POST /api/v1/sandbox/destroy".to_owned(), &body),
        ("POST /api/v1/sandbox/exec".to_owned(), &exec),
        (format!("GET /api/v1/sessions/{id}/events"), &Value::Null),
    ] {
        assert_eq!(bob.ask(&line, body).await.status, 404, "{line}");
        let nobody = Person {
            token: "nobody".to_owned(),
            ..bob.clone()
        };
        assert_eq!(nobody.ask(&line, body).await.status, 401, "{line}");
    }
    let path = format!("/api/ws/sessions/{id}");
    assert!(
        Room::try_enter(&bob, &path, Some(&bob.token))
            .await
            .is_err()
    );
    assert!(Room::try_enter(&bob, &path, None).await.is_err());
    let none = bob
        .done("POST /api/v1/sandbox/destroy_all", &json!({}))
        .await;
    assert_eq!(none, json!({ "destroyed": 0 }));
    assert_eq!(ada.exec(&id, "echo here").await["stdout"], "here\n");
    stack.stop().await;
}

#[tokio::test]
async fn what_a_command_writes_is_told_on_socket_and_stream() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = ada.session().await;
        let body = json!({ "session_id": id });
        ada.done("POST /api/v1/sandbox/launch", &body).await;
        let mut room = Room::enter(&ada, &id, None).await;
        let ticket = ada.done("POST /api/v1/auth/tickets", &json!({})).await;
        let ticket = ticket["ticket"].as_str().unwrap();
        let path = format!("/api/v1/ws/sessions/{id}?ticket={ticket}");
        let mut other = Room::try_enter(&ada, &path, None).await.unwrap();
        assert!(Room::try_enter(&ada, &path, None).await.is_err(), "used up");
        let events = format!("GET /api/v1/sessions/{id}/events");
        let mut stream = ada.stream(&events, "text/event-stream", &Value::Null).await;

        ada.exec(&id, "mkdir -p a/b/c && echo 1 > a/b/c/file.txt")
            .await;
        let is_file = |frame: &Value| frame["path"] == "a/b/c/file.txt";
        let told = room.find("file_change", is_file).await;
        assert_eq!(told["kind"], "created");
        assert_eq!(told["session_id"], json!(id));
        assert!(told["timestamp"].is_string(), "{told}");
        assert_eq!(other.find("file_change", is_file).await, told);
        let event_id = told["event_id"].as_str().unwrap().to_owned();
        let streamed = loop {
            let event = stream.event().await.unwrap().unwrap();
            if event.contains("file.txt") {
                break event;
            }
        };
        assert!(
            streamed.contains(&format!("id: {event_id}\n")),
            "{streamed}"
        );

        let put = format!("PUT /api/v1/files/{id}?path=by-hand.txt");
        let request = ada.request(&put).header("content-type", "text/plain");
        assert_eq!(ada.door.send(request, "by hand").await.status, 200);
        ada.exec(&id, "rm a/b/c/file.txt").await;
        let mut resumed = Room::enter(&ada, &id, Some(&event_id)).await;
        let by_hand = |frame: &Value| frame["path"] == "by-hand.txt";
        let first = resumed.find("file_change", by_hand).await;
        assert_eq!(room.find("file_change", by_hand).await, first);
        let gone = resumed.find("file_change", is_file).await;
        assert_eq!(gone["kind"], "deleted");
        assert_eq!(room.find("file_change", |_| true).await, gone, "told once");
        stack.stop().await;
    }
}

#[tokio::test]
async fn a_server_in_a_sandbox_is_seen_on_an_origin_of_its_own() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = ada.session().await;
        let body = json!({ "session_id": id });
        ada.done("POST /api/v1/sandbox/launch", &body).await;
        ada.exec(&id, "echo '<p>made by an agent' > index.html")
            .await;
        let serve = json!({ "command": "python3 -m http.server 8000 --bind 127.0.0.1" });
        let commands = format!("POST /api/v1/sandbox/{id}/commands");
        let server = ada.done(&commands, &serve).await;
        let preview = format!("GET /api/v1/sandbox/preview/{id}");
        let port = eventually("a server that listens", async || {
            let shown = ada.done(&preview, &Value::Null).await;
            let ports = shown["ports"].as_array().unwrap().clone();
            let port = ports
                .into_iter()
                .find(|port| port["container_port"] == 8000);
            port.filter(|port| port["listening"] == true)
        })
        .await;
        assert_eq!(port["host_port"], Value::Null);
        let url = port["url"].as_str().unwrap();
        let (_, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let at = |path: &str| http::Request::get(path).header("x-forwarded-host", host);
        let previews = stack.previews();
        let entered = previews.send_to(host, at(&format!("/{path}")), "").await;
        assert_eq!(entered.status, 303);
        let cookie = entered.header("set-cookie").split(';').next().unwrap();
        let page = previews
            .send_to(host, at("/index.html").header("cookie", cookie), "")
            .await;
        assert_eq!((page.status, page.text()), (200, "<p>made by an agent\n"));
        let stranger = previews.send_to(host, at("/index.html"), "").await;
        assert_eq!(stranger.status, 403);
        let kill = format!("DELETE /api/v1/sandbox/{id}/commands/{}", server["id"]);
        ada.done(&kill, &Value::Null).await;
        let gone = previews
            .send_to(host, at("/").header("cookie", cookie), "")
            .await;
        assert_eq!(gone.status, 502);
        stack.stop().await;
    }
}

#[tokio::test]
async fn a_login_that_ends_takes_its_sockets_along() {
    let (stack, _mailbox, ada) = Stack::sandboxed(Choice::Namespace).await;
    let id = ada.session().await;
    let mut room = Room::enter(&ada, &id, None).await;
    let out = ada.ask("POST /api/logout", &Value::Null).await;
    assert_eq!(out.status, 204, "{}", out.text());
    assert_eq!(room.close_code().await, 4001);
    stack.stop().await;
}

#[tokio::test]
async fn a_deleted_session_takes_its_sandbox_and_its_sockets_along() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = ada.session().await;
        let body = json!({ "session_id": id });
        ada.done("POST /api/v1/sandbox/launch", &body).await;
        let mut room = Room::enter(&ada, &id, None).await;
        let delete = format!("DELETE /api/v1/sessions/{id}");
        assert_eq!(ada.ask(&delete, &Value::Null).await.status, 204);
        assert_eq!(room.close_code().await, 4004);
        let workspaces = stack.state.runner().join("sandboxes");
        eventually("no sandbox is left", async || {
            let left = std::fs::read_dir(&workspaces).unwrap().flatten();
            let left = left.filter(|entry| entry.path().join("workspace").exists());
            (left.count() == 0).then_some(())
        })
        .await;
        stack.stop().await;
    }
}

#[tokio::test]
async fn a_runner_that_starts_again_finds_its_sandboxes() {
    for backend in backends() {
        let (mut stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = ada.session().await;
        ada.done("POST /api/v1/sandbox/launch", &json!({ "session_id": id }))
            .await;
        let commands = format!("POST /api/v1/sandbox/{id}/commands");
        let sleeping = json!({ "command": "echo begun; sleep 600" });
        let sleeping = ada.done(&commands, &sleeping).await;
        ada.exec(&id, "echo kept > kept.txt").await;
        stack.restart_runner().await;
        let ada = Person {
            door: stack.door(),
            ..ada
        };
        assert_eq!(ada.exec(&id, "cat kept.txt").await["stdout"], "kept\n");
        let one = format!("/api/v1/sandbox/{id}/commands/{}", sleeping["id"]);
        let still = ada.done(&format!("GET {one}"), &Value::Null).await;
        assert_eq!(still["exit_code"], Value::Null, "{still}");
        let killed = ada.done(&format!("DELETE {one}"), &Value::Null).await;
        assert_eq!(killed["exit_code"], 137);
        stack.stop().await;
    }
}
