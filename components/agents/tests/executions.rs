//! `GET /agents/{id}/executions`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use domain::{
    AgentId,
    ExecutionStatus::{Cancelled, Failed, Running, Succeeded},
    ExecutionType, SessionId, TokenUsage,
};
use over_auth::Studio;
use serde_json::json;
use store::executions::{self, Ending, NewExecution};
use test_app::NOW;

/// An execution of agent 4 in `session` that began `at` seconds after the test and took 1.5 s.
async fn execution(studio: &Studio, session: i64, at: i64, status: domain::ExecutionStatus) -> i64 {
    let sql = &*studio.app.platform.sql;
    let new = NewExecution {
        uuid: web::new_uuid(&studio.app.platform),
        run_id: Some("r1"),
        agent: AgentId(4),
        session: Some(SessionId(session)),
        execution_type: ExecutionType::Task,
        now: NOW + at * 1000,
    };
    let begun = executions::insert(sql, &new).await.unwrap().unwrap();
    let ending = Ending {
        status,
        reason: (status == Failed).then_some("the model fell silent"),
        usage: TokenUsage {
            input: 1000,
            output: 200,
            cost: 4_500,
            estimated: true,
        },
        now: new.now + 1500,
    };
    if status != Running {
        assert!(executions::finish(sql, begun.uuid, &ending).await.unwrap());
    }
    begun.id.0
}

#[tokio::test]
async fn executions_are_listed_and_filtered() {
    let studio = Studio::start(&[]).await;
    let one = execution(&studio, 1, 0, Succeeded).await;
    let two = execution(&studio, 1, 60, Failed).await;
    let three = execution(&studio, 2, 86_400, Running).await;
    let four = execution(&studio, 2, 86_401, Cancelled).await;
    let ids = async |query: &str| {
        let answer = studio
            .get(&format!("/api/v1/agents/4/executions{query}"))
            .await;
        let data = answer.data();
        let ids = data.as_array().unwrap().iter();
        let ids: Vec<_> = ids
            .map(|execution| execution["id"].as_i64().unwrap())
            .collect();
        (ids, answer.header("x-total-count").to_owned())
    };
    for (query, expected) in [
        ("", vec![four, three, two, one]),
        ("?sessionId=1", vec![two, one]),
        ("?sessionId=99", vec![]),
        ("?status=running", vec![three]),
        ("?status=FAILED&sessionId=1", vec![two]),
        ("?status=FAILED&sessionId=2", vec![]),
        ("?startTime=2027-01-15T08:01:00Z", vec![four, three, two]),
        (
            "?startTime=2027-01-15T09:01:00%2B01:00",
            vec![four, three, two],
        ),
        (
            "?startTime=2027-01-15T09:01:00+01:00",
            vec![four, three, two],
        ),
        ("?endTime=2027-01-15T08:00:59.999Z", vec![one]),
        ("?endTime=2027-01-15", vec![two, one]),
        (
            "?startTime=2027-01-16&endTime=2027-01-16",
            vec![four, three],
        ),
        ("?startTime=2027-01-17", vec![]),
    ] {
        let total = expected.len().to_string();
        assert_eq!(ids(query).await, (expected, total), "{query}");
    }
    assert_eq!(
        ids("?limit=1&offset=1").await,
        (vec![three], "4".to_owned())
    );
    let none = studio.get("/api/v1/agents/5/executions").await;
    assert_eq!(none.data(), json!([]));
    for (query, field) in [
        ("?sessionId=x", "query.sessionId"),
        ("?status=DONE", "query.status"),
        ("?startTime=yesterday", "query.startTime"),
        ("?endTime=1", "query.endTime"),
    ] {
        let answer = studio
            .get(&format!("/api/v1/agents/4/executions{query}"))
            .await;
        answer.refused(400);
        assert_eq!(answer.fields(), [field]);
    }
    let answer = studio.get("/api/v1/agents/4/executions?status=DONE").await;
    let known = "query.status: must be one of RUNNING, SUCCEEDED, FAILED, CANCELLED";
    answer.problem(400, known);
}

#[tokio::test]
async fn an_execution_says_what_it_took() {
    let studio = Studio::start(&[]).await;
    let failed = execution(&studio, 1, 0, Failed).await;
    let running = execution(&studio, 1, 1, Running).await;
    let list = studio.get("/api/v1/agents/4/executions").await;
    let nothing = json!({ "inputTokens": 0, "outputTokens": 0, "totalTokens": 0,
        "estimated": false });
    let usage = json!({ "inputTokens": 1000, "outputTokens": 200, "totalTokens": 1200,
        "estimated": true });
    let expected = json!([
        { "id": running, "agentId": 4, "sessionId": 1, "runId": "r1", "executionType": "TASK",
          "status": "RUNNING", "reason": null, "durationMs": null, "tokenUsage": nothing,
          "cost": 0.0, "startTime": "2027-01-15T08:00:01.000Z", "endTime": null },
        { "id": failed, "agentId": 4, "sessionId": 1, "runId": "r1", "executionType": "TASK",
          "status": "FAILED", "reason": "the model fell silent", "durationMs": 1500,
          "tokenUsage": usage, "cost": 0.0045, "startTime": "2027-01-15T08:00:00.000Z",
          "endTime": "2027-01-15T08:00:01.500Z" },
    ]);
    assert_eq!(list.data(), expected);
}
