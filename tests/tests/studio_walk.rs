//! The `studio` document from its first section to its last, through the front door: every
//! endpoint with the members that it names, and who may not.

use crate::studio::{Studio, id_of};
use comfyui_stub::text_to_image;
use model_stub::scripted::Script;
use serde_json::{Value, json};
use tests::{Person, Room, person::PASSWORD};

/// A picture of one point.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x01\x00\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\
    \x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// The `data` of a success, in the envelope.
async fn data(person: &Person, line: &str, body: &Value) -> Value {
    let answer = person.done(line, body).await;
    assert_eq!(
        (&answer["code"], &answer["message"]),
        (&json!(200), &json!("success")),
        "{line}: {answer}"
    );
    answer["data"].clone()
}

async fn get(person: &Person, path: &str) -> Value {
    data(person, &format!("GET /api/v1{path}"), &Value::Null).await
}

/// Sees that all those members are there.
#[track_caller]
fn has(value: &Value, members: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    for member in members {
        assert!(object.contains_key(*member), "{member}: {value}");
    }
}

/// Sees that a list has one entry of that id, with all those members; returns it.
#[track_caller]
fn entry(list: &Value, id: i64, members: &[&str]) -> Value {
    let list = list.as_array().unwrap_or_else(|| panic!("{list}"));
    let mut found = list.iter().filter(|entry| entry["id"] == id);
    let (one, more) = (found.next().unwrap(), found.next());
    assert!(more.is_none(), "{list:?}");
    has(one, members);
    one.clone()
}

/// Sees that it is refused with that status, in the words of the contract.
async fn refused(person: &Person, line: &str, body: &Value, status: u16) {
    let answer = person.ask(line, body).await;
    let problem = answer.json();
    assert_eq!(answer.status, status, "{line}: {problem}");
    assert_eq!(problem["code"], status, "{line}: {problem}");
    assert_eq!(problem["message"], problem["detail"], "{line}: {problem}");
    has(&problem, &["type", "title", "instance", "data"]);
}

async fn succeeds(person: &Person, line: &str, body: &Value) {
    assert_eq!(data(person, line, body).await["success"], true, "{line}");
}

async fn upload(
    person: &Person,
    path: &str,
    file: (&str, &[u8]),
    fields: &[(&str, &str)],
) -> Value {
    let line = format!("POST /api/v1{path}");
    let answer = person.upload(&line, file, fields).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()["data"].clone()
}

#[tokio::test]
async fn from_the_first_section_to_the_last() {
    let studio = Studio::open().await;
    services(&studio).await;
    workflows(&studio).await;
    sessions(&studio).await;
    let model = providers_and_models(&studio).await;
    agents(&studio, model).await;
    files(&studio).await;
    administrators_alone(&studio).await;
    frames(&studio).await;
    accounts(&studio).await;
    studio.stack.stop().await;
}

/// Sections 1 and 2.
async fn accounts(studio: &Studio) {
    let door = studio.stack.door();
    let wrong = json!({ "username": "eve", "password": "wrong horse" });
    assert_eq!(door.post("/api/v1/auth/login", &wrong).await.status, 401);
    let right = json!({ "username": "eve", "password": PASSWORD });
    let login = door.post("/api/v1/auth/login", &right).await.json()["data"].clone();
    has(&login, &["token", "user"]);
    has(&login["user"], &["id", "username", "displayName", "role"]);
    let mut eve = Person {
        door,
        token: login["token"].as_str().unwrap().to_owned(),
    };
    let refreshed = data(&eve, "POST /api/v1/auth/refresh", &Value::Null).await;
    eve.token = refreshed["token"].as_str().unwrap().to_owned();
    let members = [
        "id",
        "username",
        "displayName",
        "email",
        "avatarUrl",
        "role",
        "workflowCount",
        "sessionCount",
    ];
    let me = get(&eve, "/users/me").await;
    has(&me, &members);
    assert_eq!(me["role"], "USER");
    let change = json!({ "displayName": "Eve", "avatarUrl": null });
    succeeds(&eve, "PUT /api/v1/users/me", &change).await;
    assert_eq!(get(&eve, "/users/me").await["displayName"], "Eve");
    refused(&eve, "PUT /api/v1/users/me", &json!({ "email": "no" }), 400).await;
    let password = |old: &str| json!({ "oldPassword": old, "newPassword": "another horse" });
    refused(
        &eve,
        "PUT /api/v1/users/me/password",
        &password("wrong"),
        403,
    )
    .await;
    succeeds(&eve, "PUT /api/v1/users/me/password", &password(PASSWORD)).await;
    assert_eq!(door.post("/api/v1/auth/login", &right).await.status, 401);
    let right = json!({ "username": "eve", "password": "another horse" });
    let login = door.post("/api/v1/auth/login", &right).await.json();
    eve.token = login["data"]["token"].as_str().unwrap().to_owned();
    let out = eve.done("POST /api/v1/auth/logout", &Value::Null).await;
    has(&out, &["code", "message"]);
    refused(&eve, "GET /api/v1/workflows", &Value::Null, 401).await;
}

/// Section 3.
async fn services(studio: &Studio) {
    let (root, ada) = (&studio.root, &studio.ada);
    let new = json!({ "name": "Second", "url": studio.comfy.url(), "description": "spare" });
    refused(ada, "POST /api/v1/services", &new, 403).await;
    let id = id_of(&root.done("POST /api/v1/services", &new).await);
    let members = [
        "id",
        "name",
        "url",
        "description",
        "status",
        "workflowCount",
        "sessionCount",
        "lastCheckTime",
    ];
    let listed = entry(&get(ada, "/services").await, id, &members);
    assert_eq!(
        (&listed["name"], &listed["description"]),
        (&new["name"], &new["description"])
    );
    let one = format!("/api/v1/services/{id}");
    let change = json!({ "name": "Third", "description": "" });
    refused(ada, &format!("PUT {one}"), &change, 403).await;
    succeeds(root, &format!("PUT {one}"), &change).await;
    let test = format!("POST {one}/test");
    refused(ada, &test, &Value::Null, 403).await;
    let tested = data(root, &test, &Value::Null).await;
    assert_eq!(tested["status"], "ONLINE", "{tested}");
    assert!(tested["responseTime"].is_u64(), "{tested}");
    let listed = entry(&get(ada, "/services").await, id, &members);
    assert_eq!(
        (&listed["name"], &listed["status"]),
        (&json!("Third"), &json!("ONLINE"))
    );
    assert!(listed["lastCheckTime"].is_string(), "{listed}");
    refused(
        root,
        "POST /api/v1/services",
        &json!({ "name": "x", "url": "no" }),
        400,
    )
    .await;
    refused(ada, &format!("DELETE {one}"), &Value::Null, 403).await;
    succeeds(root, &format!("DELETE {one}"), &Value::Null).await;
    refused(root, &format!("DELETE {one}"), &Value::Null, 404).await;
}

/// Section 4.
async fn workflows(studio: &Studio) {
    let (ada, eve, root) = (&studio.ada, &studio.eve, &studio.root);
    let new = json!({ "name": "Landscapes", "description": "wide", "serviceId": 1,
        "workflowData": text_to_image(768) });
    let id = id_of(&ada.done("POST /api/v1/workflows", &new).await);
    let none = json!({ "name": "x", "workflowData": {} });
    refused(ada, "POST /api/v1/workflows", &none, 400).await;
    let members = [
        "id",
        "name",
        "description",
        "serviceId",
        "serviceName",
        "isFavorite",
        "sessionCount",
        "versionCount",
        "lastUsedAt",
    ];
    let all = get(ada, "/workflows").await;
    let listed = entry(&all, id, &members);
    assert_eq!(
        (&listed["serviceName"], &listed["versionCount"]),
        (&json!("GPU"), &json!(1))
    );
    entry(&get(root, "/workflows").await, id, &members);
    assert_eq!(get(eve, "/workflows").await, json!([]));
    let one = format!("/api/v1/workflows/{id}");
    let favorite = json!({ "favorite": true });
    succeeds(ada, &format!("POST {one}/favorite"), &favorite).await;
    refused(eve, &format!("POST {one}/favorite"), &favorite, 404).await;
    for (query, count) in [
        ("favorite=true", 1),
        ("favorite=false", 1),
        ("search=LANDSC", 1),
        ("search=nowhere", 0),
        ("serviceId=1", 2),
        ("serviceId=99", 0),
    ] {
        let found = get(ada, &format!("/workflows?{query}")).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{query}: {found}");
    }
    let names = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let sorted = get(ada, "/workflows?sortBy=name&sortOrder=desc").await;
    assert_eq!(names(&sorted), ["Portraits", "Landscapes"]);
    let sorted = get(ada, "/workflows?sortBy=name&sortOrder=asc&limit=1").await;
    assert_eq!(names(&sorted), ["Landscapes"]);
    refused(ada, "GET /api/v1/workflows?sortBy=size", &Value::Null, 400).await;
    let change = json!({ "name": "Panoramas", "description": "wider",
        "workflowData": text_to_image(1024) });
    refused(eve, &format!("PUT {one}"), &change, 404).await;
    succeeds(ada, &format!("PUT {one}"), &change).await;
    let listed = entry(&get(ada, "/workflows").await, id, &members);
    assert_eq!(
        (&listed["name"], &listed["versionCount"]),
        (&json!("Panoramas"), &json!(2))
    );
    refused(eve, &format!("DELETE {one}"), &Value::Null, 404).await;
    succeeds(ada, &format!("DELETE {one}"), &Value::Null).await;
    refused(ada, &format!("GET {one}"), &Value::Null, 404).await;
}

/// Section 5.
async fn sessions(studio: &Studio) {
    let (ada, eve) = (&studio.ada, &studio.eve);
    let foreign = json!({ "workflowId": studio.workflow, "title": "Mine" });
    refused(eve, "POST /api/v1/sessions", &foreign, 404).await;
    let members = [
        "id",
        "title",
        "workflowId",
        "status",
        "lastMessageSummary",
        "updatedAt",
    ];
    let about = format!("/sessions?workflowId={}", studio.workflow);
    let listed = entry(&get(ada, &about).await, studio.session, &members);
    assert_eq!(
        (&listed["title"], &listed["status"]),
        (&json!("Wide"), &json!("IDLE"))
    );
    assert_eq!(get(ada, "/sessions?workflowId=99").await, json!([]));
    assert_eq!(get(eve, "/sessions").await, json!([]));
    let messages = format!("/sessions/{}/messages", studio.session);
    let post = format!("POST /api/v1{messages}");
    refused(eve, &post, &json!({ "content": "Hello" }), 404).await;
    refused(ada, &post, &json!({ "content": "" }), 400).await;
    studio
        .stack
        .model()
        .push(Script::answer(&["Good", " day."]));
    let answer = data(ada, &post, &json!({ "content": "Hello" })).await;
    let members = ["id", "role", "content", "createdAt"];
    has(&answer, &members);
    assert_eq!(
        (&answer["role"], &answer["content"]),
        (&json!("assistant"), &json!("Good day."))
    );
    let list = get(ada, &messages).await;
    entry(&list, answer["id"].as_i64().unwrap(), &members);
    assert_eq!(
        (&list[0]["role"], &list[0]["content"]),
        (&json!("user"), &json!("Hello"))
    );
    refused(eve, &format!("GET /api/v1{messages}"), &Value::Null, 404).await;
    let listed = entry(
        &get(ada, &about).await,
        studio.session,
        &["lastMessageSummary"],
    );
    assert_eq!(listed["lastMessageSummary"], "Good day.");
}

/// Section 7; returns the model.
async fn providers_and_models(studio: &Studio) -> i64 {
    let root = &studio.root;
    let new = json!({ "name": "House", "code": "house", "baseUrl": studio.stack.model().base_url(),
        "apiKey": "sk-of-the-house-0123456789", "rateLimit": 60, "timeoutMs": 60_000 });
    let made = data(root, "POST /api/v1/model-providers", &new).await;
    has(&made, &["id", "name", "code", "status"]);
    let provider = made["id"].as_i64().unwrap();
    let model = json!({ "providerId": provider, "name": "Large", "modelCode": "large",
        "modelType": "CHAT", "maxTokens": 32_000, "supportStream": true, "supportTools": true,
        "inputPrice": 1.5, "outputPrice": 2 });
    let made = data(root, "POST /api/v1/models", &model).await;
    has(&made, &["id", "name", "modelCode", "modelType", "status"]);
    let id = made["id"].as_i64().unwrap();
    let members = ["id", "name", "code", "status", "modelCount"];
    let listed = entry(&get(root, "/model-providers").await, provider, &members);
    assert_eq!(listed["modelCount"], 1);
    let members = [
        "id",
        "name",
        "modelCode",
        "modelType",
        "providerId",
        "providerName",
        "status",
    ];
    for query in ["", "modelType=chat&", "status=ACTIVE&"] {
        let path = format!("/models?{query}providerId={provider}");
        let listed = entry(&get(root, &path).await, id, &members);
        assert_eq!(listed["providerName"], "House");
    }
    assert_eq!(get(root, "/models?modelType=IMAGE").await, json!([]));
    assert_eq!(get(root, "/models?status=DISABLED").await, json!([]));
    refused(
        root,
        "GET /api/v1/models?modelType=VOICE",
        &Value::Null,
        400,
    )
    .await;
    refused(root, "POST /api/v1/models", &json!({ "name": "x" }), 400).await;
    refused(root, "POST /api/v1/model-providers", &new, 409).await;
    id
}

/// Section 6.
async fn agents(studio: &Studio, model: i64) {
    let root = &studio.root;
    let new = json!({ "name": "Painter", "type": "WORKFLOW", "description": "paints",
        "modelId": model, "systemPrompt": "You paint.", "temperature": 0.5, "maxTokens": 1000,
        "toolsConfig": { "tools": ["get_workflow"] } });
    let made = data(root, "POST /api/v1/agents", &new).await;
    has(&made, &["id", "name", "type", "status"]);
    let id = made["id"].as_i64().unwrap();
    let members = [
        "id",
        "name",
        "type",
        "modelId",
        "modelName",
        "status",
        "createdAt",
    ];
    let listed = get(root, "/agents?type=WORKFLOW&status=ACTIVE").await;
    let listed = entry(&listed, id, &members);
    assert_eq!(
        (&listed["modelId"], &listed["modelName"]),
        (&json!(model), &json!("Large"))
    );
    assert_eq!(get(root, "/agents?status=DISABLED").await, json!([]));
    let one = format!("PUT /api/v1/agents/{id}");
    let change = json!({ "name": "Drawer", "systemPrompt": "You draw.", "temperature": 0,
        "maxTokens": 2000, "toolsConfig": { "tools": [] } });
    succeeds(root, &one, &change).await;
    refused(
        root,
        &one,
        &json!({ "toolsConfig": { "tools": ["fly"] } }),
        400,
    )
    .await;
    refused(root, "PUT /api/v1/agents/99", &change, 404).await;
    refused(root, "GET /api/v1/agents?type=PILOT", &Value::Null, 400).await;
    executions(studio).await;
}

/// The rest of section 6: Comfy answered in section 5.
async fn executions(studio: &Studio) {
    let root = &studio.root;
    let agents = get(root, "/agents?type=WORKFLOW").await;
    let comfy = agents
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["name"] == "Comfy");
    let comfy = comfy.unwrap()["id"].as_i64().unwrap();
    let path = format!("/agents/{comfy}/executions");
    let members = [
        "id",
        "agentId",
        "sessionId",
        "executionType",
        "status",
        "durationMs",
        "tokenUsage",
        "startTime",
    ];
    let history = get(root, &path).await;
    has(&history[0], &members);
    assert_eq!(
        (&history[0]["sessionId"], &history[0]["status"]),
        (&json!(studio.session), &json!("SUCCEEDED"))
    );
    let session = studio.session;
    for (query, count) in [
        (format!("sessionId={session}"), 1),
        ("sessionId=99".to_owned(), 0),
        ("status=SUCCEEDED".to_owned(), 1),
        ("status=FAILED".to_owned(), 0),
        ("startTime=2000-01-01&endTime=2100-01-01".to_owned(), 1),
        ("startTime=2100-01-01".to_owned(), 0),
        ("endTime=2000-01-01".to_owned(), 0),
    ] {
        let found = get(root, &format!("{path}?{query}")).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{query}: {found}");
    }
    refused(
        root,
        &format!("GET /api/v1{path}?startTime=soon"),
        &Value::Null,
        400,
    )
    .await;
}

/// Section 8.
async fn files(studio: &Studio) {
    let (ada, eve) = (&studio.ada, &studio.eve);
    let made = upload(ada, "/files/avatar", ("me.gif", GIF), &[]).await;
    has(&made, &["fileId", "accessUrl"]);
    let avatar = made["fileId"].as_i64().unwrap();
    let url = made["accessUrl"].as_str().unwrap();
    let shown = studio
        .stack
        .door()
        .get(&url[url.find("/api/").unwrap()..])
        .await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, "image/png")
    );
    assert_eq!(get(ada, "/users/me").await["avatarUrl"], url);
    let workflow = studio.workflow.to_string();
    let json = text_to_image(640).to_string();
    let fields = [("workflowId", workflow.as_str())];
    let file = ("wide.json", json.as_bytes());
    let made = upload(ada, "/files/workflow", file, &fields).await;
    has(&made, &["fileId", "fileName", "fileSize"]);
    assert_eq!(
        (&made["fileName"], &made["fileSize"]),
        (&json!("wide.json"), &json!(json.len()))
    );
    let members = [
        "id",
        "fileName",
        "fileSize",
        "fileType",
        "accessUrl",
        "createTime",
    ];
    let stored = made["fileId"].as_i64().unwrap();
    entry(&get(ada, "/files").await, stored, &members);
    let list = get(ada, "/files?businessType=avatar&fileType=image").await;
    entry(&list, avatar, &members);
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    let file = entry(
        &get(ada, "/files?businessType=WORKFLOW").await,
        stored,
        &members,
    );
    let url = file["accessUrl"].as_str().unwrap();
    let path = &url[url.find("/api/").unwrap()..];
    assert_eq!(studio.stack.door().get(path).await.text(), json);
    refused(
        ada,
        "GET /api/v1/files?businessType=SECRET",
        &Value::Null,
        400,
    )
    .await;
    assert_eq!(get(eve, "/files").await, json!([]));
    let delete = format!("DELETE /api/v1/files/stored/{stored}");
    refused(eve, &delete, &Value::Null, 404).await;
    succeeds(ada, &delete, &Value::Null).await;
    assert_eq!(studio.stack.door().get(path).await.status, 404);
}

/// Who is no administrator changes nothing and learns nothing of agents, providers and models.
async fn administrators_alone(studio: &Studio) {
    for line in [
        "GET /api/v1/agents",
        "POST /api/v1/agents",
        "GET /api/v1/agents/1",
        "PUT /api/v1/agents/1",
        "DELETE /api/v1/agents/1",
        "GET /api/v1/agents/1/executions",
        "GET /api/v1/model-providers",
        "POST /api/v1/model-providers",
        "GET /api/v1/model-providers/1",
        "PUT /api/v1/model-providers/1",
        "DELETE /api/v1/model-providers/1",
        "POST /api/v1/model-providers/1/test",
        "GET /api/v1/models",
        "POST /api/v1/models",
        "GET /api/v1/models/1",
        "PUT /api/v1/models/1",
        "DELETE /api/v1/models/1",
    ] {
        refused(&studio.ada, line, &json!({}), 403).await;
        let nobody = Person {
            token: String::new(),
            ..studio.ada.clone()
        };
        refused(&nobody, line, &json!({}), 401).await;
    }
}

/// Section 9, as far as it is no story of a run.
async fn frames(studio: &Studio) {
    let path = |token: &str| format!("/ws/chat?token={token}");
    for token in ["", "nobody"] {
        assert!(
            Room::try_enter(&studio.ada, &path(token), None)
                .await
                .is_err(),
            "{token}"
        );
    }
    let mut chat = studio.chat(&studio.ada, None).await;
    let mut other = studio.chat(&studio.eve, None).await;
    for (frame, code) in [
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": 99, "content": "x" }),
            404,
        ),
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": studio.session, "content": "" }),
            400,
        ),
        (json!({ "type": "SEND_MESSAGE", "content": "x" }), 400),
        (json!({ "type": "DANCE" }), 400),
    ] {
        chat.say(&frame).await;
        let error = chat.find("ERROR", |_| true).await;
        assert_eq!(error["code"], code, "{frame}: {error}");
        assert!(error["message"].is_string(), "{frame}: {error}");
    }
    let foreign = json!({ "type": "SEND_MESSAGE", "sessionId": studio.session, "content": "x" });
    other.say(&foreign).await;
    let error = other.find("ERROR", |_| true).await;
    assert_eq!(error["code"], 404, "{error}");
    studio
        .stack
        .model()
        .push(Script::answer(&["By", " socket."]));
    chat.say(&foreign).await;
    let asked = chat.find("MESSAGE_RECEIVED", |_| true).await;
    has(&asked["message"], &["id", "role", "content", "createdAt"]);
    let delta = chat.find("MESSAGE_DELTA", |_| true).await;
    has(&delta, &["sessionId", "messageId", "delta"]);
    let answer = chat.find("MESSAGE_RECEIVED", |_| true).await;
    assert_eq!(
        (&answer["message"]["role"], &answer["message"]["content"]),
        (&json!("assistant"), &json!("By socket."))
    );
    // A room of one's own: what is said there is not told to others.
    let mine = id_of(
        &studio
            .eve
            .done("POST /api/v1/sessions", &json!({ "title": "Mine" }))
            .await,
    );
    studio.stack.model().push(Script::answer(&["Yours."]));
    other
        .say(&json!({ "type": "SEND_MESSAGE", "sessionId": mine, "content": "x" }))
        .await;
    let first = other.next().await.unwrap();
    assert_eq!(
        (&first["type"], &first["sessionId"]),
        (&json!("MESSAGE_RECEIVED"), &json!(mine))
    );
}
