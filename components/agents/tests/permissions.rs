//! Who may do what: administrators everything, others nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{PROVIDERS, Studio, provider};
use serde_json::{Value, json};

const LINES: [&str; 17] = [
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
];

#[tokio::test]
async fn nobody_but_administrators() {
    let studio = Studio::start(&[]).await;
    let provider = studio.provider("main").await;
    studio.model(provider, "m1").await;
    for line in LINES {
        // A body at fault is not even looked at.
        for body in [Value::Null, json!({}), json!({"name": 7})] {
            studio.app.call(line, &body).await.refused(401);
            let refused = studio.app.call_as(&studio.user, line, &body).await;
            refused.problem(403, "Only administrators may do this");
            assert_eq!(refused.json()["code"], 403, "{line}");
        }
    }
    let demote = "UPDATE users SET role = 'USER' WHERE username = 'ada'";
    studio.app.sql(demote, vec![]).await;
    studio.get("/api/v1/agents").await.refused(403);
    let rows = "SELECT (SELECT COUNT(*) FROM agents WHERE status = 'ACTIVE') \
         + (SELECT COUNT(*) FROM providers) + (SELECT COUNT(*) FROM models)";
    let left: i64 = studio.app.sql(rows, vec![]).await[0].get(0).unwrap();
    assert_eq!(left, 9, "nothing has changed");
    assert!(studio.app.runner.asked().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn every_operation_is_listed_and_every_listed_one_is_served() {
    let studio = Studio::start(&[]).await;
    let ours = |path: &str| {
        let areas = [
            "/api/v1/agents",
            "/api/v1/model-providers",
            "/api/v1/models",
        ];
        areas.iter().any(|area| path.starts_with(area))
    };
    let operations = contracts::openapi::operations().filter(|operation| ours(operation.path));
    let mut listed = Vec::new();
    for operation in operations {
        assert_eq!(operation.access, contracts::Access::Administrator);
        let method = format!("{:?}", operation.method).to_uppercase();
        let path = operation.path.replace("{id}", "1");
        studio
            .app
            .call(&format!("{method} {path}"), &json!({}))
            .await
            .refused(401);
        listed.push(format!("{method} {path}"));
    }
    listed.sort();
    let mut expected = LINES.map(str::to_owned);
    expected.sort();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_other_methods_405() {
    let studio = Studio::start(&[]).await;
    for line in LINES.iter().filter(|line| line.contains("/1")) {
        let line = line.replace("/1", "/99");
        let answer = studio.call(&line, &json!({})).await;
        let problem = answer.refused(404);
        assert_eq!(problem["data"], Value::Null, "{line}");
        let answer = studio.call(&line.replace("/99", "/x"), &json!({})).await;
        answer.refused(400);
    }
    let answer = studio.call("PATCH /api/v1/agents/1", &json!({})).await;
    answer.refused(405);
    studio.get("/api/v1/agents/1/nothing").await.refused(404);
    let answer = studio
        .call(&format!("POST {PROVIDERS}/"), &provider("slash"))
        .await;
    answer.done(200);
}
