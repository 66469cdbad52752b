//! The `studio` contract through the front door: an agent edits and runs a workflow on a ComfyUI
//! server, and everybody concerned sees what they may.

use comfyui_stub::{Stub, text_to_image};
use model_stub::scripted::Script;
use serde_json::{Value, json};
use tests::{Person, Room, Stack, mailbox::Mailbox};

/// A stack beside a ComfyUI server, and its people: an owner, a stranger, an administrator.
pub(crate) struct Studio {
    pub(crate) stack: Stack,
    pub(crate) comfy: Stub,
    pub(crate) ada: Person,
    pub(crate) eve: Person,
    pub(crate) root: Person,
    pub(crate) workflow: i64,
    pub(crate) session: i64,
    _mailbox: Mailbox,
}

impl Studio {
    pub(crate) async fn open() -> Self {
        let comfy = Stub::start().await.unwrap();
        let (stack, mailbox) = Stack::reaching(comfy.address()).await;
        let door = stack.door();
        for name in ["ada", "eve", "root"] {
            Person::sign_up(door, &mailbox, name).await;
        }
        let admin = "UPDATE users SET role = 'ADMIN' WHERE username = 'root'";
        stack.state.sql().execute(admin, []).unwrap();
        let mut studio = Self {
            ada: Person::sign_in_to_studio(door, "ada").await,
            eve: Person::sign_in_to_studio(door, "eve").await,
            root: Person::sign_in_to_studio(door, "root").await,
            workflow: 0,
            session: 0,
            _mailbox: mailbox,
            stack,
            comfy,
        };
        let service = json!({ "name": "GPU", "url": studio.comfy.url() });
        let service = id_of(&studio.root.done("POST /api/v1/services", &service).await);
        let workflow = json!({ "name": "Portraits", "serviceId": service,
            "workflowData": text_to_image(512) });
        studio.workflow = id_of(&studio.ada.done("POST /api/v1/workflows", &workflow).await);
        let session = json!({ "workflowId": studio.workflow, "title": "Wide" });
        studio.session = id_of(&studio.ada.done("POST /api/v1/sessions", &session).await);
        studio
    }

    /// Has the model call a tool.
    pub(crate) fn calls(&self, tool: &str, arguments: &Value) {
        self.stack.model().push(Script::call(tool, arguments));
    }

    pub(crate) async fn chat(&self, person: &Person, after: Option<&str>) -> Room {
        let after = after.map(|after| format!("&last_event_id={after}"));
        let after = after.unwrap_or_default();
        let path = format!("/ws/chat?token={}{after}", person.token);
        Room::try_enter(person, &path, None).await.unwrap()
    }

    fn own(&self, rest: &str) -> String {
        format!("/api/v1/workflows/{}{rest}", self.workflow)
    }
}

/// The agent's message at the end of a turn. That the workflow is free again comes beside it, by
/// another way.
async fn last_words(chat: &mut Room) -> Value {
    let (mut said, mut is_free) = (None, false);
    loop {
        let frame = chat.next().await.unwrap();
        match frame["type"].as_str().unwrap() {
            "MESSAGE_RECEIVED" if frame["message"]["role"] == "assistant" => said = Some(frame),
            "WORKFLOW_UNLOCKED" => is_free = true,
            _ => {}
        }
        if let (Some(said), true) = (&said, is_free) {
            return said.clone();
        }
    }
}

pub(crate) fn id_of(answer: &Value) -> i64 {
    answer["data"]["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn make_it_1024_wide_and_run_it() {
    let studio = Studio::open().await;
    let patch = json!([{"op": "replace", "path": "/5/inputs/width", "value": 1024}]);
    studio.calls("get_workflow", &json!({}));
    studio.calls(
        "edit_workflow",
        &json!({"patch": patch, "note": "1024 wide"}),
    );
    studio.calls("validate_workflow", &json!({}));
    studio.calls("run_workflow", &json!({}));
    studio
        .stack
        .model()
        .push(Script::answer(&["Here", " it is."]));
    let mut chat = studio.chat(&studio.ada, None).await;
    let mut watching = studio.chat(&studio.root, None).await;
    studio.comfy.hold_at("KSampler");
    let say = json!({ "content": "Make it 1024 wide and run it" });
    let path = format!("POST /api/v1/sessions/{}/messages", studio.session);
    let meanwhile = async {
        studio.comfy.held().await;
        let change = json!({ "name": "Mine" });
        let put = format!("PUT {}", studio.own(""));
        assert_eq!(studio.ada.ask(&put, &change).await.status, 409);
        assert_eq!(studio.root.ask(&put, &change).await.status, 409);
        assert_eq!(studio.eve.ask(&put, &change).await.status, 404);
        studio.comfy.release();
    };
    let (answer, ()) = tokio::join!(studio.ada.done(&path, &say), meanwhile);
    assert_eq!(answer["data"]["content"], "Here it is.", "{answer}");

    let asked = chat.find("MESSAGE_RECEIVED", |_| true).await;
    assert_eq!(asked["message"]["content"], say["content"]);
    let locked = chat.find("WORKFLOW_LOCKED", |_| true).await;
    assert_eq!(locked["workflowId"], studio.workflow);
    let is_sampled = |frame: &Value| frame["node"] == "3" && frame["value"] == 4;
    chat.find("EXECUTION_PROGRESS", is_sampled).await;
    let received = last_words(&mut chat).await;
    assert_eq!(received["message"], answer["data"]);
    watching.find("WORKFLOW_LOCKED", |_| true).await;
    watching.find("WORKFLOW_UNLOCKED", |_| true).await;

    // Whoever comes again misses nothing.
    let after = asked["eventId"].as_str().unwrap();
    let mut again = studio.chat(&studio.ada, Some(after)).await;
    again
        .find("MESSAGE_RECEIVED", |frame| *frame == received)
        .await;

    let versions = studio
        .ada
        .done(&format!("GET {}", studio.own("/versions")), &Value::Null)
        .await;
    let newest = &versions["data"][0];
    assert_eq!(
        (&newest["authorType"], &newest["author"]),
        (&json!("AGENT"), &json!("Comfy"))
    );
    picture_is_hers_alone(&studio).await;
    studio.stack.stop().await;
}

async fn picture_is_hers_alone(studio: &Studio) {
    let list = "GET /api/v1/files?businessType=OUTPUT";
    let files = studio.ada.done(list, &Value::Null).await;
    let file = &files["data"][0];
    let nobodys = studio.eve.done(list, &Value::Null).await;
    assert_eq!(nobodys["data"], json!([]));
    let one = format!("GET /api/v1/files/stored/{}", file["id"]);
    assert_eq!(studio.eve.ask(&one, &Value::Null).await.status, 404);
    let url = file["accessUrl"].as_str().unwrap();
    let path = &url[url.find("/api/").unwrap()..];
    let picture = studio.stack.door().get(path).await;
    assert_eq!(picture.status, 200, "{url}");
    assert_eq!(comfyui_stub::size_of_png(&picture.body), Some((1024, 512)));
    let forged = studio.stack.door().get(&format!("{path}0")).await;
    assert_eq!(forged.status, 403);
}

/// A message over the socket; a runner that is started anew in the middle of it.
#[tokio::test]
async fn a_turn_over_the_socket_goes_on_without_the_runner_that_began_it() {
    let mut studio = Studio::open().await;
    studio.stack.model().push(Script::answer(&["First."]));
    let mut chat = studio.chat(&studio.ada, None).await;
    let send = |content: &str| json!({ "type": "SEND_MESSAGE", "sessionId": studio.session, "content": content });
    let (first, second) = (send("Hello"), send("Wide"));
    chat.say(&first).await;
    let received = |role: &'static str| move |frame: &Value| frame["message"]["role"] == role;
    chat.find("MESSAGE_RECEIVED", received("user")).await;
    let answer = chat.find("MESSAGE_RECEIVED", received("assistant")).await;
    assert_eq!(answer["message"]["content"], "First.");

    let patch = json!([{"op": "replace", "path": "/5/inputs/width", "value": 640}]);
    studio.calls(
        "edit_workflow",
        &json!({"patch": patch, "note": "640 wide"}),
    );
    studio.calls("run_workflow", &json!({}));
    studio.stack.model().push(Script::answer(&["Second."]));
    studio.comfy.hold_at("KSampler");
    chat.say(&second).await;
    studio.comfy.held().await;
    // It waits for nobody: whoever sends another is told so.
    chat.say(&first).await;
    let locked = chat.find("WORKFLOW_LOCKED", |_| true).await;
    let busy = chat.find("ERROR", |_| true).await;
    assert_eq!(
        (&busy["code"], &busy["sessionId"]),
        (&json!(409), &json!(studio.session))
    );
    studio.stack.restart_runner().await;
    studio.ada.door = studio.stack.door();
    // What was running is stopped with the call that waited for it, which is not repeated.
    let after = locked["eventId"].as_str().unwrap();
    let mut chat = studio.chat(&studio.ada, Some(after)).await;
    let answer = last_words(&mut chat).await;
    assert_eq!(answer["message"]["content"], "Second.");
    studio.stack.stop().await;
}
