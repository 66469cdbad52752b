//! Versions: who did what, what differs, and back again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use serde_json::{Value, json};
use studio::{Studio, WORKFLOWS, api, editor};

/// A workflow of three versions, and its path.
async fn three(studio: &Studio) -> String {
    let id = studio
        .workflow(&json!({ "name": "Cats", "workflowData": api(64), "note": "begun" }))
        .await;
    let path = format!("{WORKFLOWS}/{id}");
    let put = format!("PUT {path}");
    let mut wider = api(128);
    wider["3"] = json!({ "class_type": "PreviewImage", "inputs": { "images": ["1", 0] } });
    let body = json!({ "workflowData": wider, "note": "wider" });
    studio.call(&studio.ada, &put, &body).await.data();
    let mut other = api(128);
    other["2"]["class_type"] = json!("PreviewImage");
    let body = json!({ "name": "Dogs", "workflowData": other });
    studio.call(&studio.ada, &put, &body).await.data();
    path
}

#[tokio::test]
async fn versions_tell_who_and_why() {
    let studio = Studio::start().await;
    let path = three(&studio).await;
    let answer = studio
        .get(&studio.ada, &format!("{path}/versions?limit=2"))
        .await;
    assert_eq!(answer.header("x-total-count"), "3");
    let listed = answer.data();
    let numbers: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["version"])
        .collect();
    assert_eq!(json!(numbers), json!([3, 2]));
    let second = &listed[1];
    for (member, expected) in [
        ("name", "Cats"),
        ("format", "API"),
        ("authorType", "USER"),
        ("author", "ada"),
        ("note", "wider"),
    ] {
        assert_eq!(second[member], expected, "{member}");
    }
    assert_eq!(second["nodeCount"], 3);
    assert!(second["createdAt"].is_string());
    assert!(second["workflowData"].is_null());
    let first = studio
        .get(&studio.ada, &format!("{path}/versions/1"))
        .await
        .data();
    assert_eq!(first["workflowData"], api(64));
    assert_eq!(first["size"], api(64).to_string().len());
    for missing in ["0", "4", "-1"] {
        studio
            .get(&studio.ada, &format!("{path}/versions/{missing}"))
            .await
            .problem(404, "The workflow has no such version, or no more");
    }
    studio
        .get(&studio.ada, &format!("{path}/versions/x"))
        .await
        .refused(400);
}

#[tokio::test]
async fn a_diff_names_nodes_and_inputs() {
    let studio = Studio::start().await;
    let path = three(&studio).await;
    let diff = async |query: &str| {
        studio
            .get(&studio.ada, &format!("{path}/diff{query}"))
            .await
            .data()
    };
    let node = |id: &str, class: &str| json!({ "id": id, "classType": class, "title": null });
    let wider = json!({ "id": "1", "classType": "EmptyImage", "title": null,
        "oldClassType": null, "inputs": [{ "name": "width", "old": "64", "new": "128" }] });
    assert_eq!(
        diff("?from=1&to=2").await,
        json!({ "from": 1, "to": 2, "formatChanged": false,
            "added": [node("3", "PreviewImage")], "removed": [], "changed": [wider],
            "truncated": false })
    );
    // Without numbers, the last change.
    let last = diff("").await;
    assert_eq!((&last["from"], &last["to"]), (&json!(2), &json!(3)));
    assert_eq!(last["removed"], json!([node("3", "PreviewImage")]));
    assert_eq!(
        last["changed"],
        json!([{ "id": "2", "classType": "PreviewImage", "title": null,
            "oldClassType": "SaveImage", "inputs": [] }])
    );
    // Backwards, too.
    let back = diff("?from=2&to=1").await;
    assert_eq!(back["removed"], json!([node("3", "PreviewImage")]));
    let none = diff("?from=2&to=2").await;
    for list in ["added", "removed", "changed"] {
        assert_eq!(none[list], json!([]), "{list}");
    }
    let put = format!("PUT {path}");
    studio
        .call(&studio.ada, &put, &json!({ "workflowData": editor(64) }))
        .await
        .data();
    assert_eq!(diff("").await["formatChanged"], true);
    for query in ["?from=9", "?to=9"] {
        let answer = studio
            .get(&studio.ada, &format!("{path}/diff{query}"))
            .await;
        answer.problem(404, "The workflow has no such version, or no more");
    }
    studio
        .get(&studio.ada, &format!("{path}/diff?from=x"))
        .await
        .refused(400);
}

#[tokio::test]
async fn large_versions_are_read_a_few_at_a_time() {
    let studio = Studio::start().await;
    let mut large = api(64);
    large["1"]["_meta"] = json!({ "title": "x".repeat(300 << 10) });
    let paths = [api(64), large].map(|data| json!({ "name": "Cats", "workflowData": data }));
    let mut ids = Vec::new();
    for body in &paths {
        ids.push(studio.workflow(body).await);
    }
    let taken = [web::Place::take_large(), web::Place::take_large()];
    for (id, status) in ids.iter().zip([200, 503]) {
        for path in [
            format!("{WORKFLOWS}/{id}"),
            format!("{WORKFLOWS}/{id}/versions/1"),
            format!("{WORKFLOWS}/{id}/export"),
            format!("{WORKFLOWS}/{id}/diff"),
        ] {
            let answer = studio.get(&studio.ada, &path).await;
            assert_eq!(answer.status.as_u16(), status, "{path}");
            // To a stranger it is not there, however large it is.
            studio.get(&studio.eve, &path).await.refused(404);
        }
    }
    drop(taken);
    // Nor are they read when they are on their way.
    for below in ["", "/versions/1", "/export"] {
        let request = http::Request::get(format!("{WORKFLOWS}/{}{below}", ids[1]))
            .header("authorization", format!("Bearer {}", studio.ada))
            .body(axum::body::Body::empty())
            .unwrap();
        let response = studio.app.send(request).await;
        assert_eq!(response.status(), 200, "{below}");
        assert!(web::Place::take_for(Some(8 << 20)).is_err(), "{below}");
        drop(response);
        assert!(web::Place::take_for(Some(8 << 20)).is_ok(), "{below}");
    }
    for id in ids {
        let path = format!("{WORKFLOWS}/{id}");
        studio.get(&studio.ada, &path).await.data();
        studio
            .get(&studio.ada, &format!("{path}/versions/1"))
            .await
            .data();
    }
}

#[tokio::test]
async fn what_was_comes_back_as_a_version() {
    let studio = Studio::start().await;
    let path = three(&studio).await;
    let restore = format!("POST {path}/versions/1/restore");
    let restored = studio
        .call(&studio.ada, &restore, &Value::Null)
        .await
        .data();
    assert_eq!(restored, json!({ "success": true, "version": 4 }));
    let shown = studio.get(&studio.ada, &path).await.data();
    assert_eq!(shown["workflowData"], api(64));
    assert_eq!(shown["name"], "Cats");
    let note = json!({ "note": "as it was" });
    studio.call(&studio.ada, &restore, &note).await.data();
    let versions = studio
        .get(&studio.ada, &format!("{path}/versions"))
        .await
        .data();
    assert_eq!(versions[0]["note"], "as it was");
    assert_eq!(versions[1]["note"], "Restored version 1");
    assert_eq!(versions.as_array().unwrap().len(), 5);
    let missing = format!("POST {path}/versions/9/restore");
    let answer = studio.call(&studio.ada, &missing, &Value::Null).await;
    answer.problem(404, "The workflow has no such version, or no more");
}

#[tokio::test]
async fn a_change_that_was_overtaken_is_not_made() {
    let studio = Studio::start().await;
    let path = three(&studio).await;
    let put = format!("PUT {path}");
    let body = json!({ "name": "x", "baseVersion": 2 });
    let detail = "The newest version is 3 by now. Look at it first";
    studio
        .call(&studio.ada, &put, &body)
        .await
        .problem(409, detail);
    let restore = format!("POST {path}/versions/1/restore");
    let body = json!({ "baseVersion": 2 });
    studio
        .call(&studio.ada, &restore, &body)
        .await
        .problem(409, detail);
    let body = json!({ "name": "x", "baseVersion": 3 });
    studio.call(&studio.ada, &put, &body).await.data();
}
