//! A runner that the test plays: it has runs executed as the real one does, and keeps the files of
//! sandboxes, with their checkpoints, in memory.

use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, future, stream};
use http::{Method, Request};
use ports::{BoxFuture, ByteStream, Http, HttpError};
use runner_api::{
    files::{Edit, Edits, content_hash},
    runs::Drive,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};
use test_app::{Edge, RUNNER_TOKEN, aside};

/// Files by path.
pub type Tree = BTreeMap<String, String>;

/// What the runner has and was told.
#[derive(Default)]
pub struct State {
    /// What is in the workspace; all sessions of a test share it.
    pub files: Tree,
    /// Checkpoints by name, oldest first. Nothing is in one that could not be taken.
    pub checkpoints: Vec<(String, Option<Tree>)>,
    /// Whether there is more in the workspace than a checkpoint holds.
    pub too_much: bool,
    /// What cannot be put back.
    pub stuck: Vec<String>,
    /// What no checkpoint has.
    pub left_out: Vec<String>,
    /// Whether somebody else's undo comes before the next.
    pub outrun: bool,
    /// What the rooms were told, in order.
    pub room: Vec<Value>,
    /// Requests for a sandbox.
    pub launches: Vec<Value>,
    /// Lines of the requests.
    pub asked: Vec<String>,
    /// Folders of the host that may be workspaces.
    pub projects: Vec<String>,
    /// What the search engine answers.
    pub found: Option<Value>,
    /// What it cannot do: a part of the requests' lines, and the status that answers them.
    pub fails: Option<(&'static str, u16)>,
}

impl State {
    /// How many turns the rooms were told the end of.
    pub fn turns_ended(&self) -> usize {
        let ends = self.room.iter();
        ends.filter(|event| event["type"] == "run_ended").count()
    }
}

/// The runner.
pub struct PlayedRunner {
    pub models: Arc<dyn Http>,
    pub edge: Edge,
    /// Whether it is not there.
    pub away: AtomicBool,
    pub state: Mutex<State>,
}

impl PlayedRunner {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Asks the edge, as the runner does.
    pub async fn ask(&self, path: &str, body: String) -> Response {
        self.edge.ask(Method::POST, path, body, RUNNER_TOKEN).await
    }

    /// Has a run executed until it has ended or is gone.
    pub async fn drive(&self, drive: Drive) {
        let told = self.edge.drive(&drive, |line| {
            let room = line.room.iter();
            let told = room.map(|event| serde_json::to_value(event).unwrap());
            self.state().room.extend(told);
        });
        told.await;
    }

    /// What it answers to anything but a run.
    fn answer(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> (u16, String) {
        let mut state = self.state();
        let line = format!("{method} {path}");
        let failing = state.fails.filter(|(part, _)| line.contains(part));
        state.asked.push(line);
        if let Some((_, status)) = failing {
            return problem(status, "It cannot be done now");
        }
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        let file = parameter(query, "path");
        match (method.as_str(), parts.as_slice()) {
            ("PUT", ["sandboxes", _]) => {
                state.launches.push(json);
                done(&json!({ "created": true, "sandbox": sandbox() }))
            }
            ("GET", ["sandboxes", _]) => done(&sandbox()),
            ("DELETE", ["sessions", _]) => done(&json!({ "destroyed": 1 })),
            ("POST", ["projects"]) => {
                match state.projects.iter().any(|one| json["path"] == **one) {
                    true => done(&json),
                    false => problem(400, "The folder is not below a folder that is allowed"),
                }
            }
            ("POST", ["rooms", _, "events"]) => {
                let events = json["events"].as_array().cloned().unwrap_or_default();
                state.room.extend(events);
                done(&json!({ "ids": [] }))
            }
            ("POST", ["sandboxes", _, "files", "directory"]) => done(&node("d", "directory", 0)),
            ("GET", ["sandboxes", _, "files", "stat"]) => match state.files.get(&file) {
                Some(text) => done(&node(&file, "file", text.len())),
                None => problem(404, "There is no such file"),
            },
            ("GET", ["sandboxes", _, "files"]) => match state.files.get(&file) {
                Some(text) => (200, text.clone()),
                None => problem(404, "There is no such file"),
            },
            ("POST", ["sandboxes", _, "files", "edits"]) => {
                edit(&mut state.files, &serde_json::from_value(json).unwrap())
            }
            ("POST", ["sandboxes", _, "exec"]) => {
                let command = match &json["command"] {
                    Value::String(text) => text.clone(),
                    words => words
                        .as_array()
                        .unwrap()
                        .iter()
                        .fold(String::new(), |text, word| {
                            format!("{text} {}", word.as_str().unwrap())
                        }),
                };
                (200, exec(&mut state.files, command.trim()))
            }
            (_, ["sandboxes", _, "checkpoints", rest @ ..]) => checkpoints(&mut state, rest),
            _ => problem(404, "Nothing is here"),
        }
    }
}

/// What a few commands do.
fn edit(files: &mut Tree, edits: &Edits) -> (u16, String) {
    let hash = |text: &String| content_hash(text.as_bytes());
    let other = |edit: &&Edit| files.get(&edit.path).map(hash) != edit.before;
    if edits.edits.iter().any(|edit| other(&edit)) {
        return problem(409, "A file was changed meanwhile");
    }
    for edit in &edits.edits {
        match &edit.after {
            Some(text) => files.insert(edit.path.clone(), text.clone()),
            None => files.remove(&edit.path),
        };
    }
    (204, String::new())
}

fn exec(files: &mut Tree, command: &str) -> String {
    let (output, code) = match command.rsplit(' ').next() {
        Some(name) if command.contains("cat ") => match files.get(name) {
            Some(text) => (text.clone(), 0),
            None => ("no such file\n".to_owned(), 1),
        },
        Some(name) if command.contains("touch ") => {
            files.insert(name.to_owned(), "touched\n".to_owned());
            (String::new(), 0)
        }
        _ if command.contains("unittest") => match files.contains_key("test_sort.py") {
            true => ("OK\n".to_owned(), 0),
            false => ("NO TESTS RAN\n".to_owned(), 5),
        },
        _ => (files.keys().map(|name| format!("{name}\n")).collect(), 0),
    };
    let stdout = json!({ "type": "stdout", "text": output });
    let exited = json!({ "type": "exited", "exit_code": code, "timed_out": false,
        "truncated": false, "duration_ms": 1 });
    let started = json!({ "type": "started", "id": 1 });
    format!("{started}\n{stdout}\n{exited}\n")
}

fn checkpoints(state: &mut State, rest: &[&str]) -> (u16, String) {
    match rest {
        [] => {
            let all = state.checkpoints.iter();
            let all: Vec<_> = all
                .map(|(name, kept)| match kept {
                    Some(_) => json!({ "name": name, "at": 0 }),
                    None => json!({ "name": name, "at": 0, "gap": "too_much" }),
                })
                .collect();
            done(&json!({ "checkpoints": all }))
        }
        [name] => {
            let created = !state.checkpoints.iter().any(|(known, _)| known == name);
            if created {
                let files = (!state.too_much).then(|| state.files.clone());
                state.checkpoints.push(((*name).to_owned(), files));
            }
            let mut all = state.checkpoints.iter();
            match all.any(|(known, kept)| known == name && kept.is_none()) {
                true => problem(413, "The workspace is over the limit"),
                false => done(&json!({ "created": created, "files": 0, "left_out": 0 })),
            }
        }
        [name, what] => {
            let place = state
                .checkpoints
                .iter()
                .position(|(known, _)| known == name);
            let Some(place) = place else {
                return problem(404, "The checkpoint does not exist");
            };
            let Some(before) = state.checkpoints[place].1.clone() else {
                return problem(409, "Nothing is kept of it");
            };
            let mut paths: Vec<_> = before.keys().chain(state.files.keys()).collect();
            paths.sort();
            paths.dedup();
            paths.retain(|path| before.get(*path) != state.files.get(*path));
            if *what == "diff" {
                let diff: String = paths
                    .iter()
                    .map(|path| {
                        let (old, new) = (before.get(*path), state.files.get(*path));
                        patch::unified_diff(path, old.map(|t| &**t), new.map(|t| &**t))
                    })
                    .collect();
                return done(&json!({ "unified_diff": diff }));
            }
            if state.outrun {
                state.checkpoints.truncate(place);
                return problem(404, "The checkpoint does not exist");
            }
            if !state.stuck.is_empty() {
                return done(&json!({ "changed": [], "left": state.stuck }));
            }
            let changed: Vec<_> = paths
                .iter()
                .map(|path| json!({ "path": path, "kind": "modified" }))
                .collect();
            state.files = before;
            state.checkpoints.truncate(place);
            done(&json!({ "changed": changed, "left": [], "left_out": state.left_out }))
        }
        _ => problem(404, "Nothing is here"),
    }
}

fn parameter(query: &str, name: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name);
    let value = values.next().map_or("", |(_, value)| value);
    value.replace("%2F", "/").replace('+', " ")
}

fn sandbox() -> Value {
    json!({ "status": "running", "backend": "namespace", "network": false, "created_at": 0,
        "last_used_at": 0, "expires_at": 0 })
}

fn node(path: &str, kind: &str, size: usize) -> Value {
    json!({ "name": path, "path": path, "type": kind, "size": size, "modified_at": 0 })
}

fn done(body: &Value) -> (u16, String) {
    (200, body.to_string())
}

fn problem(status: u16, detail: &str) -> (u16, String) {
    let body = json!({ "type": "about:blank", "title": "T", "status": status, "detail": detail,
        "instance": "/v1" });
    (status, body.to_string())
}

/// The runner as the edge reaches it, and everything else.
pub struct Door(pub Arc<PlayedRunner>);

impl Http for Door {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
        let runner = Arc::clone(&self.0);
        let uri = request.uri();
        if uri.host() == Some("search.example") {
            let found = runner.state().found.clone();
            let (status, body) = match found {
                Some(found) => done(&found),
                None => problem(500, "broken"),
            };
            return reply(status, body);
        }
        if uri.port_u16() != Some(9) {
            return self.0.models.send(request);
        }
        if runner.away.load(Ordering::SeqCst) {
            let nobody = HttpError::Unreachable("nobody listens".to_owned());
            return Box::pin(future::ready(Err(nobody)));
        }
        if uri.path() == "/v1/runs" {
            let drive: Drive = serde_json::from_slice(request.body()).unwrap();
            aside(move || async move { runner.drive(drive).await });
            let beats = stream::pending().boxed();
            return Box::pin(future::ready(Ok(http::Response::new(beats))));
        }
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let (status, body) = runner.answer(request.method(), path, query, request.body());
        reply(status, body)
    }
}

fn reply(
    status: u16,
    body: String,
) -> BoxFuture<'static, Result<http::Response<ByteStream>, HttpError>> {
    let kind = match status {
        200 => "application/json",
        _ => "application/problem+json",
    };
    let response = http::Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(stream::iter([Ok(Bytes::from(body))]).boxed())
        .unwrap();
    Box::pin(future::ready(Ok(response)))
}
