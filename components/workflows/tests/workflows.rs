//! Section 4 of the `studio` document: workflows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use serde_json::{Value, json};
use studio::{Studio, WORKFLOWS, api, editor};

#[tokio::test]
async fn a_workflow_comes_changes_and_goes() {
    let studio = Studio::start().await;
    let service = studio.service("http://192.0.2.7").await;
    let id = studio
        .workflow(
            &json!({ "name": " Cats ", "description": "Of cats", "serviceId": service,
            "workflowData": api(64), "note": "first" }),
        )
        .await;
    let path = format!("{WORKFLOWS}/{id}");
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["workflowData"], api(64));
    for (member, expected) in [
        ("name", json!("Cats")),
        ("description", json!("Of cats")),
        ("serviceId", json!(service)),
        ("serviceName", json!("gpu 0")),
        ("isFavorite", json!(false)),
        ("sessionCount", json!(0)),
        ("versionCount", json!(1)),
        ("version", json!(1)),
        ("format", json!("API")),
        ("nodeCount", json!(2)),
        ("lock", Value::Null),
        ("lastUsedAt", Value::Null),
    ] {
        assert_eq!(shown[member], expected, "{member}");
    }
    let put = format!("PUT {path}");
    let body = json!({ "name": "Dogs", "serviceId": null, "workflowData": editor(32) });
    let changed = studio.call(&studio.ada, &put, &body).await.data();
    assert_eq!(changed, json!({ "success": true, "version": 2 }));
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["workflowData"], editor(32));
    assert_eq!(
        (&shown["name"], &shown["format"]),
        (&json!("Dogs"), &json!("EDITOR"))
    );
    assert_eq!(shown["description"], "Of cats");
    assert_eq!(shown["serviceId"], Value::Null);
    // Every update is a version, also one that changes no JSON.
    let body = json!({ "description": "" });
    let changed = studio.call(&studio.ada, &put, &body).await.data();
    assert_eq!(changed["version"], 3);
    let delete = format!("DELETE {path}");
    studio.call(&studio.ada, &delete, &Value::Null).await.data();
    for line in [
        delete,
        format!("GET {path}"),
        format!("GET {path}/versions"),
    ] {
        let answer = studio.call(&studio.ada, &line, &Value::Null).await;
        answer.problem(404, "Workflow not found");
    }
}

#[tokio::test]
async fn what_was_given_is_kept_to_the_letter() {
    let studio = Studio::start().await;
    let line = format!("POST {WORKFLOWS}");
    // An order of members, numbers and blanks that reading and writing would change.
    let given = r#"{"2":{"inputs":{"b":1.0,"a":1e2, "c":12345678901234567890},"class_type":"X"},"1":{"class_type":"Y\u0041"}}"#;
    let body = format!(r#"{{"name":"x","workflowData":{given}}}"#);
    let headers = [
        ("authorization", &*format!("Bearer {}", studio.ada)),
        ("content-type", "application/json"),
    ];
    let answer = studio
        .app
        .request("POST".parse().unwrap(), WORKFLOWS, &headers, &body)
        .await;
    let id = answer.data()["id"].as_i64().unwrap();
    let shown = studio.get(&studio.ada, &format!("{WORKFLOWS}/{id}")).await;
    assert!(shown.text.contains(given), "{}", shown.text);
    // As a text it is the same.
    let body = json!({ "name": "x", "workflowData": given });
    let id = studio.call(&studio.ada, &line, &body).await.data()["id"].as_i64();
    let shown = studio
        .get(&studio.ada, &format!("{WORKFLOWS}/{}", id.unwrap()))
        .await;
    assert!(shown.text.contains(given), "{}", shown.text);
}

#[tokio::test]
async fn what_is_no_workflow_is_refused_with_the_reason() {
    let studio = Studio::start().await;
    let line = format!("POST {WORKFLOWS}");
    let deep = format!("{}1{}", "[".repeat(80), "]".repeat(80));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    for (given, reason) in [
        (json!({}), "no nodes"),
        (json!({ "nodes": [], "links": [] }), "no nodes"),
        (json!([]), "not a JSON object"),
        (json!(7), "not a JSON object"),
        (json!("x"), "not JSON"),
        (json!({ "1": {} }), "class_type"),
        (json!({ "prompt": api(1) }), "body of a request"),
        (
            json!({ "1": { "class_type": "X", "inputs": deep } }),
            "levels",
        ),
        (json!({ "nodes": [{}], "links": [] }), "broken"),
    ] {
        let body = json!({ "name": "x", "workflowData": given });
        let answer = studio.call(&studio.ada, &line, &body).await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["workflowData"], "{given}");
        assert!(answer.text.contains(reason), "{reason}: {}", answer.text);
    }
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": "x" }), vec!["workflowData"]),
        (json!({ "name": "", "workflowData": api(1) }), vec!["name"]),
        (
            json!({ "name": "x", "workflowData": api(1), "serviceId": 9 }),
            vec!["serviceId"],
        ),
        (
            json!({ "name": "x", "workflowData": api(1), "serviceId": "9" }),
            vec!["serviceId"],
        ),
    ] {
        let answer = studio.call(&studio.ada, &line, &body).await;
        answer.refused(400);
        assert_eq!(answer.fields(), fields, "{body}");
    }
}

#[tokio::test]
async fn large_ones_are_taken_up_to_their_limit() {
    let studio = Studio::start().await;
    let line = format!("POST {WORKFLOWS}");
    let of = |letters: usize| {
        let text = "x".repeat(letters);
        json!({ "name": "x", "workflowData": { "1": { "class_type": "Note", "inputs": {
            "text": text } } } })
    };
    let made = studio
        .call(&studio.ada, &line, &of(10 * 1024 * 1024 - 100))
        .await;
    let id = made.data()["id"].as_i64().unwrap();
    let shown = studio.get(&studio.ada, &format!("{WORKFLOWS}/{id}")).await;
    assert!(shown.text.len() > 10 * 1024 * 1024);
    let answer = studio.call(&studio.ada, &line, &of(10 * 1024 * 1024)).await;
    answer.refused(400);
    assert_eq!(answer.fields(), ["workflowData"]);
    let answer = studio.call(&studio.ada, &line, &of(11 * 1024 * 1024)).await;
    answer.refused(413);
    // Few bytes that would be many once they are read.
    let heavy: Vec<Value> = vec![json!({ "": 0 }); 200_000];
    let body = json!({ "name": "x", "workflowData": { "1": { "class_type": "X", "inputs": {
        "x": heavy } } } });
    let answer = studio.call(&studio.ada, &line, &body).await;
    answer.refused(400);
    assert!(answer.text.contains("too many parts"), "{}", answer.text);
    // Strangers are not read at all.
    studio.app.call(&line, &of(1)).await.refused(401);
}

#[tokio::test]
async fn others_do_not_find_it_and_administrators_do() {
    let studio = Studio::start().await;
    let id = studio
        .workflow(&json!({ "name": "Cats", "workflowData": api(64) }))
        .await;
    let path = format!("{WORKFLOWS}/{id}");
    let requests = [
        (format!("GET {path}"), Value::Null),
        (format!("PUT {path}"), json!({ "name": "Mine" })),
        (format!("POST {path}/favorite"), json!({ "favorite": true })),
        (format!("POST {path}/validate"), Value::Null),
        (format!("GET {path}/export"), Value::Null),
        (format!("GET {path}/diff"), Value::Null),
        (format!("GET {path}/versions"), Value::Null),
        (format!("GET {path}/versions/1"), Value::Null),
        (format!("POST {path}/versions/1/restore"), Value::Null),
        (format!("DELETE {path}"), Value::Null),
    ];
    for (line, body) in &requests {
        let answer = studio.call(&studio.eve, line, body).await;
        answer.refused(404);
        studio.app.call(line, body).await.refused(401);
    }
    assert_eq!(studio.get(&studio.eve, WORKFLOWS).await.data(), json!([]));
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(
        (&shown["version"], &shown["name"]),
        (&json!(1), &json!("Cats"))
    );
    let all = studio.get(&studio.admin, WORKFLOWS).await.data();
    assert_eq!(all[0]["id"], id);
    let put = format!("PUT {path}");
    studio
        .call(&studio.admin, &put, &json!({ "name": "Ours" }))
        .await
        .data();
    let versions = studio
        .get(&studio.ada, &format!("{path}/versions"))
        .await
        .data();
    assert_eq!(
        (&versions[0]["author"], &versions[0]["name"]),
        (&json!("root"), &json!("Ours"))
    );
    // Whose it is does not change, and favourites are everybody's own.
    let favorite = format!("POST {path}/favorite");
    studio
        .call(&studio.admin, &favorite, &json!({ "favorite": true }))
        .await
        .data();
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["isFavorite"], false);
    studio
        .call(&studio.admin, &format!("DELETE {path}"), &Value::Null)
        .await
        .data();
    studio.get(&studio.ada, &path).await.refused(404);
}

#[tokio::test]
async fn a_locked_one_is_not_changed() {
    let studio = Studio::start().await;
    let id = studio
        .workflow(&json!({ "name": "Cats", "workflowData": api(64) }))
        .await;
    studio.lock(id).await;
    let path = format!("{WORKFLOWS}/{id}");
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["lock"]["reason"], "Agent editing");
    assert!(shown["lock"]["expiresAt"].is_string());
    for token in [&studio.ada, &studio.admin] {
        for (line, body) in [
            (format!("PUT {path}"), json!({ "name": "Mine" })),
            (format!("POST {path}/versions/1/restore"), Value::Null),
            (format!("DELETE {path}"), Value::Null),
        ] {
            let answer = studio.call(token, &line, &body).await;
            answer.problem(409, "The workflow is locked: Agent editing");
        }
    }
    // To a stranger there is nothing that could be locked.
    let line = format!("PUT {path}");
    let answer = studio
        .call(&studio.eve, &line, &json!({ "name": "x" }))
        .await;
    answer.refused(404);
    // Reading and liking change nothing.
    let favorite = format!("POST {path}/favorite");
    studio
        .call(&studio.ada, &favorite, &json!({ "favorite": true }))
        .await
        .data();
    let expire = "UPDATE workflows SET lock_until = 1";
    studio.app.sql(expire, vec![]).await;
    studio
        .call(&studio.ada, &line, &json!({ "name": "Mine" }))
        .await
        .data();
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_parted() {
    let studio = Studio::start().await;
    let service = studio.service("http://192.0.2.7").await;
    let cats = studio
        .workflow(&json!({ "name": "cats", "serviceId": service, "workflowData": api(1) }))
        .await;
    let dogs = studio
        .workflow(&json!({ "name": "Dogs", "description": "100% dogs", "workflowData": api(1) }))
        .await;
    let ants = studio
        .workflow(&json!({ "name": "ants", "workflowData": api(1) }))
        .await;
    let used = "UPDATE workflows SET last_used_at = ?2 WHERE id = ?1";
    studio.app.sql(used, vec![dogs.into(), 5.into()]).await;
    let favorite = format!("POST {WORKFLOWS}/{cats}/favorite");
    studio
        .call(&studio.ada, &favorite, &json!({ "favorite": true }))
        .await
        .data();
    let check = async |query: &str, expected: &[i64]| {
        let answer = studio
            .get(&studio.ada, &format!("{WORKFLOWS}?{query}"))
            .await;
        let listed = answer.data();
        let ids: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["id"])
            .collect();
        assert_eq!(json!(ids), json!(expected), "{query}");
        assert!(
            listed
                .as_array()
                .unwrap()
                .iter()
                .all(|it| it["workflowData"].is_null())
        );
        answer.header("x-total-count").to_owned()
    };
    check("", &[ants, dogs, cats]).await;
    check("sortBy=name", &[ants, cats, dogs]).await;
    check("sortBy=NAME&sortOrder=DESC", &[dogs, cats, ants]).await;
    check("sortBy=createdAt&sortOrder=asc", &[cats, dogs, ants]).await;
    check("sortBy=lastUsedAt", &[dogs, ants, cats]).await;
    check("favorite=true", &[cats]).await;
    check("favorite=false", &[ants, dogs]).await;
    check("search=DOG", &[dogs]).await;
    check("search=100%25", &[dogs]).await;
    check("search=%25", &[dogs]).await;
    check("search=_", &[]).await;
    check(&format!("serviceId={service}"), &[cats]).await;
    check("serviceId=99", &[]).await;
    assert_eq!(check("limit=1&offset=1", &[dogs]).await, "3");
    for (query, field) in [
        ("sortBy=size", "query.sortBy"),
        ("sortOrder=up", "query.sortOrder"),
        ("favorite=x", "query.favorite"),
        ("serviceId=x", "query.serviceId"),
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("offset=-1", "query.offset"),
        (&format!("search={}", "x".repeat(201)), "query.search"),
    ] {
        let answer = studio
            .get(&studio.ada, &format!("{WORKFLOWS}?{query}"))
            .await;
        answer.refused(400);
        assert_eq!(answer.fields(), [field]);
    }
    studio
        .call(&studio.ada, &favorite, &json!({ "favorite": false }))
        .await
        .data();
    check("favorite=true", &[]).await;
}
