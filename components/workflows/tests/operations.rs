//! Every operation of this component that is listed is served, and asks who comes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use serde_json::{Value, json};
use studio::Studio;

fn lines() -> Vec<String> {
    let ours = [
        "/api/v1/services",
        "/api/v1/workflows",
        "/api/v1/files/workflow",
    ];
    let operations = contracts::openapi::operations()
        .filter(|operation| ours.iter().any(|path| operation.path.starts_with(path)));
    let lines = operations.map(|operation| {
        let method = format!("{:?}", operation.method).to_uppercase();
        let path = operation.path.replace("{id}", "99");
        format!("{method} {}", path.replace("{number}", "98"))
    });
    lines.collect()
}

#[tokio::test]
async fn nobody_is_served_who_is_not_signed_in() {
    let studio = Studio::start().await;
    assert_eq!(lines().len(), 19);
    for line in lines() {
        for line in [line.clone(), format!("{line}/")] {
            let answer = studio.app.call(&line, &json!({})).await;
            let problem = answer.refused(401);
            assert_eq!(problem["code"], 401, "{line}");
            assert_eq!(problem["data"], Value::Null, "{line}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_other_methods_405() {
    let studio = Studio::start().await;
    for line in lines().iter().filter(|line| line.contains("/99")) {
        let body = json!({ "favorite": true });
        let answer = studio.call(&studio.admin, line, &body).await;
        let problem = answer.refused(404);
        assert_eq!(problem["message"], problem["detail"], "{line}");
        let line = line.replace("/99", "/x");
        let answer = studio.call(&studio.admin, &line, &body).await;
        answer.refused(400);
    }
    for line in [
        "PATCH /api/v1/services/1",
        "GET /api/v1/services/1/test",
        "DELETE /api/v1/workflows",
        "GET /api/v1/workflows/1/favorite",
        "PUT /api/v1/files/workflow",
    ] {
        let answer = studio.call(&studio.admin, line, &Value::Null).await;
        answer.refused(405);
    }
    for path in ["/api/v1/services/1/x", "/api/v1/workflows/1/x/2"] {
        studio.get(&studio.admin, path).await.refused(404);
    }
}
