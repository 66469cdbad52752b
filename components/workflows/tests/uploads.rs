//! `POST /files/workflow`: workflows that come as files, and forms that are none.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use serde_json::{Value, json};
use studio::{Studio, WORKFLOWS, api, editor};
use test_app::Answer;

const UPLOAD: &str = "/api/v1/files/workflow";
const BOUNDARY: &str = "----boundary7";

/// A field of a form: what stands in its disposition, and its content.
fn field(disposition: &str, content: &str) -> String {
    format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; {disposition}\r\n\
         content-type: text/html\r\n\r\n{content}\r\n"
    )
}

fn file(name: &str, content: &Value) -> String {
    field(
        &format!("name=\"file\"; filename=\"{name}\""),
        &content.to_string(),
    )
}

fn text(name: &str, text: &str) -> String {
    field(&format!("name=\"{name}\""), text)
}

async fn send(studio: &Studio, token: &str, content_type: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let length = body.len().to_string();
    let headers = [
        ("authorization", &*bearer),
        ("content-type", content_type),
        ("content-length", &length),
    ];
    let post = "POST".parse().unwrap();
    studio.app.request(post, UPLOAD, &headers, body).await
}

async fn upload(studio: &Studio, token: &str, fields: &[String]) -> Answer {
    let body = format!("{}--{BOUNDARY}--\r\n", fields.concat());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    send(studio, token, &content_type, &body).await
}

async fn count(studio: &Studio, table: &str) -> i64 {
    let rows = studio
        .app
        .sql(&format!("SELECT COUNT(*) FROM {table}"), vec![])
        .await;
    rows[0].get(0).unwrap()
}

#[tokio::test]
async fn a_file_makes_a_workflow_or_a_version_of_one() {
    let studio = Studio::start().await;
    let answer = upload(&studio, &studio.ada, &[file("cats.json", &editor(64))]).await;
    let made = answer.data();
    assert_eq!(made["fileName"], "cats.json");
    assert_eq!(made["fileSize"], editor(64).to_string().len());
    assert_eq!(made["version"], 1);
    let id = made["workflowId"].as_i64().unwrap();
    let path = format!("{WORKFLOWS}/{id}");
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(
        (&shown["name"], &shown["format"]),
        (&json!("cats"), &json!("EDITOR"))
    );
    assert_eq!(shown["workflowData"], editor(64));
    let fields = [
        text("workflowId", &id.to_string()),
        file("../../etc/wider.json", &api(128)),
    ];
    let changed = upload(&studio, &studio.ada, &fields).await.data();
    assert_eq!(
        (&changed["workflowId"], &changed["version"]),
        (&json!(id), &json!(2))
    );
    assert_eq!(changed["fileName"], "wider.json");
    let versions = studio
        .get(&studio.ada, &format!("{path}/versions"))
        .await
        .data();
    assert_eq!(versions[0]["note"], "Uploaded wider.json");
    let row = "SELECT COUNT(*) FROM files WHERE business_type = 'WORKFLOW' AND workflow_id = ?1 \
         AND file_type = 'application/json' AND stored_at IS NOT NULL";
    let rows = studio.app.sql(row, vec![id.into()]).await;
    assert_eq!(rows[0].get::<i64>(0).unwrap(), 2);
    let named = [text("name", " Lions "), file("x.json", &api(1))];
    let made = upload(&studio, &studio.ada, &named).await.data();
    let path = format!("{WORKFLOWS}/{}", made["workflowId"]);
    assert_eq!(studio.get(&studio.ada, &path).await.data()["name"], "Lions");
    // A mark at the beginning of a file is none of its content.
    let marked = field(
        "name=\"file\"; filename=\"x.json\"",
        &format!("\u{feff}{}", api(1)),
    );
    upload(&studio, &studio.ada, &[marked]).await.data();
}

#[tokio::test]
async fn what_makes_no_version_leaves_no_file() {
    let studio = Studio::start().await;
    let id = studio
        .workflow(&json!({ "name": "Cats", "workflowData": api(64) }))
        .await;
    let fields = [text("workflowId", &id.to_string()), file("x.json", &api(1))];
    upload(&studio, &studio.eve, &fields).await.refused(404);
    studio.lock(id).await;
    let answer = upload(&studio, &studio.ada, &fields).await;
    answer.problem(409, "The workflow is locked: Agent editing");
    let fields = [text("serviceId", "9"), file("x.json", &api(1))];
    let answer = upload(&studio, &studio.ada, &fields).await;
    answer.refused(400);
    for content in ["", "{}", "<html>", "{\"1\":{}}", "\u{1f4a3}"] {
        let bad = field("name=\"file\"; filename=\"x.json\"", content);
        let answer = upload(&studio, &studio.ada, &[bad]).await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["file"], "{content}");
    }
    assert_eq!(count(&studio, "files").await, 0);
    assert_eq!(count(&studio, "workflows").await, 1);
    assert_eq!(count(&studio, "workflow_versions").await, 1);
    assert_eq!(count(&studio, "file_remains").await, 0);
    let keys = studio.app.platform.key_value.keys("file/").await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn forms_that_are_none_are_refused() {
    let studio = Studio::start().await;
    let good = format!("{}--{BOUNDARY}--\r\n", file("x.json", &api(1)));
    let of = |rest: &str| format!("multipart/form-data{rest}");
    for content_type in [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        "text/plain; boundary=x",
    ] {
        let answer = send(&studio, &studio.ada, content_type, &good).await;
        answer.refused(415);
    }
    let boundary = of(&format!("; boundary={BOUNDARY}"));
    for (body, status) in [
        (String::new(), 400),
        ("nothing of the kind".to_owned(), 400),
        (good.replace("--\r\n", ""), 400),
        (format!("--{BOUNDARY}\r\n\r\n"), 400),
        (format!("{}--{BOUNDARY}--\r\n", text("name", "x")), 400),
        (format!("{}{}", file("a.json", &api(1)), good), 400),
        (format!("{}{good}", text("name", &"x".repeat(5000))), 400),
        (format!("{}{good}", text("x", "y").repeat(20)), 400),
        (
            format!("--{BOUNDARY}\r\n{}: x\r\n{good}", "h".repeat(60_000)),
            400,
        ),
        (
            format!("--{BOUNDARY}\r\n{}{good}", "a: b\r\n".repeat(5_000)),
            400,
        ),
    ] {
        let answer = send(&studio, &studio.ada, &boundary, &body).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.text);
    }
    let large = field("name=\"file\"; filename=\"x\"", &"x".repeat(11 << 20));
    upload(&studio, &studio.ada, &[large]).await.refused(413);
    let over = field("name=\"file\"; filename=\"x\"", &" ".repeat((10 << 20) + 1));
    upload(&studio, &studio.ada, &[over]).await.refused(413);
    let answer = studio.app.post(UPLOAD, &json!({})).await;
    answer.refused(401);
    assert_eq!(count(&studio, "files").await, 0);
}
