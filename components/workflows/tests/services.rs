//! Section 3 of the `studio` document: services.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use comfyui_stub::Canned;
use serde_json::{Value, json};
use studio::{SERVICES, Studio, api, stub};
use tokio::net::TcpListener;

#[tokio::test]
async fn administrators_change_what_everybody_sees() {
    let studio = Studio::start().await;
    let line = format!("POST {SERVICES}");
    let body = json!({ "name": " GPU ", "url": "http://192.0.2.7:8188/", "description": "Two" });
    let made = studio.call(&studio.admin, &line, &body).await;
    let id = made.data()["id"].as_i64().unwrap();
    let path = format!("{SERVICES}/{id}");
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["name"], "GPU");
    assert_eq!(shown["url"], "http://192.0.2.7:8188");
    assert_eq!(shown["description"], "Two");
    assert_eq!(shown["status"], "UNKNOWN");
    for member in ["responseTime", "lastCheckTime"] {
        assert_eq!(shown[member], Value::Null, "{member}");
    }
    assert_eq!(
        (&shown["workflowCount"], &shown["sessionCount"]),
        (&json!(0), &json!(0))
    );
    let again = json!({ "name": "gpu", "url": "http://192.0.2.8" });
    studio
        .call(&studio.admin, &line, &again)
        .await
        .problem(409, "Another service has this name");
    let change = format!("PUT {path}");
    let body = json!({ "description": "Three" });
    let changed = studio.call(&studio.admin, &change, &body).await.data();
    assert_eq!(changed["success"], true);
    let listed = studio.get(&studio.eve, SERVICES).await;
    assert_eq!(listed.header("x-total-count"), "1");
    let listed = listed.data();
    assert_eq!(listed[0]["description"], "Three");
    assert_eq!(listed[0]["name"], "GPU");
    let delete = format!("DELETE {path}");
    studio
        .call(&studio.admin, &delete, &Value::Null)
        .await
        .data();
    for line in [
        &delete,
        &format!("GET {path}"),
        &format!("POST {path}/test"),
    ] {
        let answer = studio.call(&studio.admin, line, &Value::Null).await;
        answer.problem(404, "Service not found");
    }
    let answer = studio.call(&studio.admin, &change, &body).await;
    answer.problem(404, "Service not found");
}

#[tokio::test]
async fn others_change_nothing() {
    let studio = Studio::start().await;
    let id = studio.service("http://192.0.2.7").await;
    let body = json!({ "name": 7 });
    for line in [
        format!("POST {SERVICES}"),
        format!("PUT {SERVICES}/{id}"),
        format!("DELETE {SERVICES}/{id}"),
        format!("POST {SERVICES}/{id}/test"),
    ] {
        let answer = studio.call(&studio.ada, &line, &body).await;
        answer.problem(403, "Only administrators may do this");
        studio.app.call(&line, &body).await.refused(401);
    }
    studio.app.get(SERVICES).await.refused(401);
    let probe = "POST /internal/services/probe";
    for token in [&studio.admin, "x"] {
        studio.call(token, probe, &Value::Null).await.refused(401);
    }
}

#[tokio::test]
async fn addresses_keep_their_rules() {
    let studio = Studio::start().await;
    let line = format!("POST {SERVICES}");
    for url in [
        "",
        "gpu:8188",
        "ftp://gpu",
        "file:///etc/passwd",
        "http://user@127.0.0.1:8188",
        "http://127.0.0.1:8188@192.0.2.7",
        "http://gpu?x=1",
        "http://gpu#x",
        "http://gpu:99999",
        "http://gpu\\@127.0.0.1",
        "http://gpu/\r\nx: y",
    ] {
        let body = json!({ "name": "gpu", "url": url });
        let answer = studio.call(&studio.admin, &line, &body).await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["url"], "{url}");
    }
    let body = json!({ "name": "", "url": "", "description": "x".repeat(2001) });
    let answer = studio.call(&studio.admin, &line, &body).await;
    answer.refused(400);
    assert_eq!(answer.fields(), ["name", "url", "description"]);
    let answer = studio
        .get(&studio.ada, &format!("{SERVICES}?status=GONE"))
        .await;
    answer.refused(400);
    assert!(
        answer.text.contains("ONLINE, OFFLINE, UNKNOWN"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_test_says_whether_a_service_is_there() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let id = studio.service(&comfy.url()).await;
    let line = format!("POST {SERVICES}/{id}/test");
    let test = async || studio.call(&studio.admin, &line, &Value::Null).await.data();
    let path = format!("{SERVICES}/{id}");
    let online = test().await;
    assert_eq!(online["status"], "ONLINE");
    assert!(online["responseTime"].as_i64().unwrap() >= 0);
    assert!(online["message"].as_str().unwrap().starts_with("ComfyUI"));
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["status"], "ONLINE");
    assert!(shown["lastCheckTime"].is_string());
    for (canned, message) in [
        (
            Canned::Response(500, "x".to_owned()),
            "The ComfyUI service failed (500)",
        ),
        (
            Canned::Response(200, "<html>".to_owned()),
            "The service's answer is not one of ComfyUI",
        ),
        (
            Canned::Response(200, "{}".to_owned()),
            "The service's answer is not one of ComfyUI",
        ),
    ] {
        comfy.answer("/system_stats", canned);
        let offline = test().await;
        assert_eq!(offline["status"], "OFFLINE", "{message}");
        assert_eq!(offline["responseTime"], Value::Null);
        assert_eq!(offline["message"], message);
    }
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(
        (&shown["status"], &shown["responseTime"]),
        (&json!("OFFLINE"), &Value::Null)
    );
    let moved = json!({ "url": "http://192.0.2.7" });
    let change = format!("PUT {path}");
    studio.call(&studio.admin, &change, &moved).await.data();
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["status"], "UNKNOWN");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/system_stats", canary.local_addr().unwrap());
    comfy.answer("/system_stats", Canned::Redirect(target));
    let id = studio.service(&comfy.url()).await;
    let line = format!("POST {SERVICES}/{id}/test");
    let offline = studio.call(&studio.admin, &line, &Value::Null).await.data();
    assert_eq!(offline["status"], "OFFLINE");
    let message = offline["message"].as_str().unwrap();
    assert!(message.contains("redirect"), "{message}");
    // Whoever had connected would be in the queue of the listener.
    let accepted = std::future::poll_fn(|context| {
        std::task::Poll::Ready(canary.poll_accept(context).is_ready())
    });
    assert!(!accepted.await);
}

#[tokio::test]
async fn the_runner_has_all_of_them_looked_at() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let there = studio.service(&comfy.url()).await;
    let gone = stub().await;
    let away = studio.service(&gone.url()).await;
    gone.kill();
    let line = "POST /internal/services/probe";
    let probe = async || {
        let answer = studio.call("a-token-for-tests", line, &Value::Null).await;
        answer.done(200)
    };
    assert_eq!(probe().await, json!({ "online": 1, "offline": 1 }));
    for (id, status) in [(there, "ONLINE"), (away, "OFFLINE")] {
        let shown = studio
            .get(&studio.ada, &format!("{SERVICES}/{id}"))
            .await
            .data();
        assert_eq!(shown["status"], status);
    }
    let online = studio
        .get(&studio.ada, &format!("{SERVICES}?status=online"))
        .await;
    assert_eq!(online.data().as_array().unwrap().len(), 1);
    // What was just looked at is not looked at again.
    assert_eq!(probe().await, json!({ "online": 0, "offline": 0 }));
}

#[tokio::test]
async fn services_count_what_is_on_them() {
    let studio = Studio::start().await;
    let id = studio.service("http://192.0.2.7").await;
    let workflow = studio
        .workflow(&json!({ "name": "Cats", "serviceId": id, "workflowData": api(64) }))
        .await;
    let session = json!({ "workflowId": workflow });
    let line = "POST /api/v1/sessions";
    studio.call(&studio.ada, line, &session).await.data();
    let shown = studio
        .get(&studio.eve, &format!("{SERVICES}/{id}"))
        .await
        .data();
    assert_eq!(
        (&shown["workflowCount"], &shown["sessionCount"]),
        (&json!(1), &json!(1))
    );
    let path = format!("/api/v1/sessions?workflowId={workflow}");
    let sessions = studio.get(&studio.ada, &path).await.data();
    assert_eq!(sessions[0]["workflowId"], workflow);
    assert_eq!(studio.get(&studio.eve, &path).await.data(), json!([]));
    let answer = studio.call(&studio.eve, line, &session).await;
    answer.problem(404, "Workflow not found");
    let delete = format!("DELETE {SERVICES}/{id}");
    studio
        .call(&studio.admin, &delete, &Value::Null)
        .await
        .data();
    let path = format!("/api/v1/workflows/{workflow}");
    let kept = studio.get(&studio.ada, &path).await.data();
    assert_eq!(kept["serviceId"], Value::Null);
    assert!(kept["lastUsedAt"].is_string());
    assert_eq!(kept["sessionCount"], 1);
}
