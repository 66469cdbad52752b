//! Section 6 of the `studio` document: agents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{AGENTS, Studio, with};
use serde_json::{Value, json};

fn agent() -> Value {
    json!({ "name": "Ann", "type": "chat", "title": "Helper", "description": "Helps",
        "systemPrompt": "You help.", "temperature": 0.5, "maxTokens": 500,
        "toolsConfig": { "tools": ["search", "exec", "exec"] } })
}

#[tokio::test]
async fn the_life_of_an_agent() {
    let studio = Studio::start(&[]).await;
    let provider = studio.provider("main").await;
    let model = studio.model(provider, "m1").await;
    let body = with(&agent(), "modelId", json!(model));
    let made = studio.call(&format!("POST {AGENTS}"), &body).await;
    let expected = json!({ "id": 8, "name": "Ann", "type": "CHAT", "status": "ACTIVE" });
    assert_eq!(made.data(), expected);
    let path = format!("{AGENTS}/8");
    let shown = studio.get(&path).await.data();
    let expected = json!({
        "id": 8, "name": "Ann", "type": "CHAT", "title": "Helper", "description": "Helps",
        "modelId": model, "modelName": "m1", "systemPrompt": "You help.", "temperature": 0.5,
        "maxTokens": 500, "toolsConfig": { "tools": ["search", "exec"] }, "status": "ACTIVE",
        "builtIn": false, "createdAt": "2027-01-15T08:00:00.000Z",
        "updatedAt": "2027-01-15T08:00:00.000Z",
    });
    assert_eq!(shown, expected);
    studio.app.wait(1);
    let change = json!({ "name": "Anna", "modelId": null, "temperature": null, "maxTokens": 7,
        "toolsConfig": { "tools": [] }, "status": "disabled", "type": "SPECIALIST" });
    let changed = studio.call(&format!("PUT {path}"), &change).await;
    assert_eq!(changed.data(), json!({ "success": true }));
    let mut expected = expected;
    for (name, value) in [
        ("name", json!("Anna")),
        ("type", json!("SPECIALIST")),
        ("modelId", Value::Null),
        ("modelName", Value::Null),
        ("temperature", Value::Null),
        ("maxTokens", json!(7)),
        ("toolsConfig", json!({ "tools": [] })),
        ("status", json!("DISABLED")),
        ("updatedAt", json!("2027-01-15T08:00:01.000Z")),
    ] {
        expected[name] = value;
    }
    assert_eq!(studio.get(&path).await.data(), expected);
    studio
        .call(&format!("PUT {path}"), &json!({}))
        .await
        .done(200);
    let deleted = studio.call(&format!("DELETE {path}"), &Value::Null).await;
    let expected = json!({ "success": true, "deleted": true });
    assert_eq!(deleted.data(), expected);
    studio.get(&path).await.problem(404, "Agent not found");
}

#[tokio::test]
async fn agents_are_listed_and_filtered() {
    let studio = Studio::start(&[]).await;
    studio
        .create(AGENTS, &with(&agent(), "status", json!("Disabled")))
        .await;
    let names = async |query: &str| {
        let answer = studio.get(&format!("{AGENTS}{query}")).await;
        let data = answer.data();
        let names = data.as_array().unwrap().iter();
        let names: Vec<_> = names.map(|agent| agent["name"].as_str().unwrap()).collect();
        (names.join(" "), answer.header("x-total-count").to_owned())
    };
    for (query, expected, total) in [
        ("", "Mike Emma Bob Alex David Assistant Comfy Ann", "8"),
        ("?type=CHAT", "Assistant Ann", "2"),
        ("?type=specialist", "Emma Bob Alex David", "4"),
        ("?type=chat&status=active", "Assistant", "1"),
        ("?status=DISABLED", "Ann", "1"),
        (
            "?status=",
            "Mike Emma Bob Alex David Assistant Comfy Ann",
            "8",
        ),
        ("?limit=2&offset=1", "Emma Bob", "8"),
        ("?offset=100", "", "8"),
    ] {
        assert_eq!(
            names(query).await,
            (expected.to_owned(), total.to_owned()),
            "{query}"
        );
    }
    let first = studio.get(AGENTS).await.data()[0].clone();
    assert_eq!(
        first["systemPrompt"],
        Value::Null,
        "a list is no place for prompts"
    );
    for member in [
        "id",
        "name",
        "type",
        "modelId",
        "modelName",
        "status",
        "createdAt",
    ] {
        assert!(first.get(member).is_some(), "{member}");
    }
    for (query, field, known) in [
        (
            "?type=BOSS",
            "query.type",
            "LEAD, SPECIALIST, CHAT, WORKFLOW",
        ),
        ("?status=on", "query.status", "ACTIVE, DISABLED"),
        ("?limit=201", "query.limit", "200"),
        ("?offset=-1", "query.offset", "0"),
    ] {
        let answer = studio.get(&format!("{AGENTS}{query}")).await;
        let problem = answer.refused(400);
        assert_eq!(answer.fields(), [field]);
        assert!(
            problem["detail"].as_str().unwrap().contains(known),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_an_agent_may_be() {
    let studio = Studio::start(&[]).await;
    let ann = studio.create(AGENTS, &agent()).await;
    let long = |length: usize| json!("x".repeat(length));
    for (name, value) in [
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", long(65)),
        ("name", json!("a\nb")),
        ("name", json!(7)),
        ("type", json!("BOSS")),
        ("type", json!("")),
        ("title", long(121)),
        ("title", json!("a\nb")),
        ("description", long(2001)),
        ("description", json!("\u{0}")),
        ("systemPrompt", long(32_001)),
        ("temperature", json!(-0.1)),
        ("temperature", json!(2.1)),
        ("temperature", json!("hot")),
        ("maxTokens", json!(0)),
        ("maxTokens", json!(10_000_001)),
        ("maxTokens", json!(1.5)),
        ("modelId", json!(99)),
        ("modelId", json!("1")),
        ("status", json!("ON")),
    ] {
        for line in [format!("POST {AGENTS}"), format!("PUT {AGENTS}/{ann}")] {
            let fresh = with(&agent(), "name", json!("Ben"));
            let answer = studio.call(&line, &with(&fresh, name, value.clone())).await;
            answer.refused(400);
            assert_eq!(answer.fields(), [name], "{line}: {}", answer.text);
        }
    }
    for (name, value) in [
        ("title", long(120)),
        ("systemPrompt", json!("好\n".repeat(16_000))),
        ("temperature", json!(0)),
        ("temperature", json!(2)),
    ] {
        let answer = studio
            .call(&format!("PUT {AGENTS}/{ann}"), &json!({ name: value }))
            .await;
        answer.done(200);
    }
    let missing = studio
        .call(&format!("POST {AGENTS}"), &json!({ "type": "CHAT" }))
        .await;
    missing.refused(400);
    assert_eq!(missing.fields(), ["name"]);
    for name in ["ann", "MIKE"] {
        let body = with(&agent(), "name", json!(name));
        let answer = studio.call(&format!("POST {AGENTS}"), &body).await;
        answer.problem(409, "Another agent has this name");
    }
    let line = format!("PUT {AGENTS}/{ann}");
    let answer = studio.call(&line, &json!({ "name": "emma" })).await;
    answer.problem(409, "Another agent has this name");
    studio
        .call(&line, &json!({ "name": "ANN" }))
        .await
        .done(200);
}

#[tokio::test]
async fn unknown_tools_are_told_with_the_known_ones() {
    let studio = Studio::start(&[]).await;
    for config in [
        json!({ "tools": ["exec", "rm"] }),
        json!({ "tools": ["EXEC"] }),
    ] {
        let body = with(&agent(), "toolsConfig", config);
        let answer = studio.call(&format!("POST {AGENTS}"), &body).await;
        let problem = answer.refused(400);
        assert_eq!(answer.fields(), ["toolsConfig.tools"]);
        for tool in domain::TOOLS {
            assert!(
                problem["detail"].as_str().unwrap().contains(tool),
                "{problem}"
            );
        }
    }
    for (config, field) in [
        (json!({}), "toolsConfig.tools"),
        (json!({ "tools": "exec" }), "toolsConfig.tools"),
        (json!({ "tools": [7] }), "toolsConfig.tools[0]"),
    ] {
        let body = with(&agent(), "toolsConfig", config);
        let answer = studio.call(&format!("POST {AGENTS}"), &body).await;
        answer.refused(400);
        assert_eq!(answer.fields(), [field]);
    }
}

#[tokio::test]
async fn what_has_a_history_is_disabled_and_not_deleted() {
    let studio = Studio::start(&[]).await;
    let ann = studio.create(AGENTS, &agent()).await;
    let insert = "INSERT INTO executions (uuid, agent_id, execution_type, status, started_at) \
         VALUES ('00000000-0000-7000-8000-000000000001', ?1, 'CHAT', 'RUNNING', 1)";
    studio.app.sql(insert, vec![ann.into()]).await;
    for id in [1, ann] {
        let line = format!("DELETE {AGENTS}/{id}");
        let answer = studio.call(&line, &Value::Null).await;
        let expected = json!({ "success": true, "deleted": false });
        assert_eq!(answer.data(), expected);
        let shown = studio.get(&format!("{AGENTS}/{id}")).await.data();
        assert_eq!(shown["status"], "DISABLED");
    }
    let list = studio.get(&format!("{AGENTS}/{ann}/executions")).await;
    assert_eq!(list.data().as_array().unwrap().len(), 1);
}
