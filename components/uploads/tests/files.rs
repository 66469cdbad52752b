//! Lists of files, their addresses, and who may what.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod people;

use people::{FILES, People, png};
use serde_json::{Value, json};
use test_app::Reply;

/// The numbers of the accounts, in the order in which they signed up.
const ADA: i64 = 2;

#[tokio::test]
async fn lists_are_filtered_and_parted() {
    let people = People::start().await;
    people
        .upload(&people.ada, "me.png", &png(8, 8))
        .await
        .data();
    for (name, file_type) in [("cat.png", "image/png"), ("cat.mp4", "video/mp4")] {
        people.output(ADA, name, file_type, b"x").await;
    }
    let check = async |query: &str, expected: &[&str]| {
        let answer = people.get(&people.ada, &format!("{FILES}{query}")).await;
        let listed = answer.data();
        let listed = listed.as_array().unwrap();
        let names: Vec<_> = listed.iter().map(|file| &file["fileName"]).collect();
        assert_eq!(json!(names), json!(expected), "{query}");
        answer.header("x-total-count").to_owned()
    };
    check("", &["cat.mp4", "cat.png", "me.png"]).await;
    check("/", &["cat.mp4", "cat.png", "me.png"]).await;
    check("?businessType=output", &["cat.mp4", "cat.png"]).await;
    check("?businessType=AVATAR&fileType=image", &["me.png"]).await;
    check("?fileType=IMAGE/PNG", &["cat.png", "me.png"]).await;
    check("?fileType=text", &[]).await;
    check("?workflowId=7", &[]).await;
    assert_eq!(check("?limit=1&offset=1", &["cat.png"]).await, "3");
    for (query, field) in [
        ("?businessType=X", "query.businessType"),
        ("?fileType=%25", "query.fileType"),
        ("?workflowId=x", "query.workflowId"),
        ("?limit=0", "query.limit"),
    ] {
        let answer = people.get(&people.ada, &format!("{FILES}{query}")).await;
        answer.refused(400);
        assert_eq!(answer.fields(), [field]);
    }
    people.app.get(FILES).await.refused(401);
    assert_eq!(people.get(&people.eve, FILES).await.data(), json!([]));
    assert_eq!(
        people
            .get(&people.admin, FILES)
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_file_is_its_owners() {
    let people = People::start().await;
    let id = people.output(ADA, "cat.png", "image/png", b"meow").await;
    let path = format!("{FILES}/stored/{id}");
    let delete = format!("DELETE {path}");
    people
        .get(&people.eve, &path)
        .await
        .problem(404, "File not found");
    let answer = people.app.call_as(&people.eve, &delete, &Value::Null).await;
    answer.problem(404, "File not found");
    people.app.get(&path).await.refused(401);
    people.app.call(&delete, &Value::Null).await.refused(401);
    let shown = people.get(&people.ada, &path).await.data();
    assert_eq!(shown["fileSize"], 4);
    assert!(shown["createTime"].is_string());
    people.get(&people.admin, &path).await.data();
    people
        .app
        .call_as(&people.ada, &delete, &Value::Null)
        .await
        .data();
    people.get(&people.ada, &path).await.refused(404);
    assert_eq!(people.keys().await, 0);
    // Nobody sees an output as if it were a picture of somebody.
    let id = people.output(ADA, "cat.png", "image/png", b"meow").await;
    let shown = people
        .get(&people.ada, &format!("{FILES}/stored/{id}"))
        .await
        .data();
    let url = shown["accessUrl"].as_str().unwrap();
    let uuid = url.split('/').nth(7).unwrap();
    let (head, _) = people.bytes(&format!("{FILES}/avatar/{uuid}")).await;
    assert_eq!(head.status, 404);
}

#[tokio::test]
async fn an_address_is_good_for_an_hour_and_for_one_file() {
    let people = People::start().await;
    let url = async |name: &str, bytes: &[u8]| {
        let id = people.output(ADA, name, "image/png", bytes).await;
        let path = format!("{FILES}/stored/{id}");
        let shown = people.get(&people.ada, &path).await.data();
        shown["accessUrl"].as_str().unwrap().to_owned()
    };
    let (one, other) = (url("a.png", b"one").await, url("b.png", b"other").await);
    let (head, bytes) = people.bytes(&one).await;
    assert_eq!((head.status.as_u16(), bytes.as_slice()), (200, &b"one"[..]));
    assert_eq!(head.headers["content-type"], "image/png");
    assert!(
        head.headers["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("private")
    );
    let refused = async |url: &str, status: u16| {
        let (head, _) = people.bytes(url).await;
        assert_eq!(head.status.as_u16(), status, "{url}");
    };
    let uuid = |url: &str| url.split('/').nth(7).unwrap().to_owned();
    refused(&one.replace(&uuid(&one), &uuid(&other)), 403).await;
    let (start, signature) = one.rsplit_once("signature=").unwrap();
    for tampered in ["", "x", &signature[1..], &signature.to_lowercase()] {
        refused(&format!("{start}signature={tampered}"), 403).await;
    }
    refused(start.trim_end_matches('&'), 403).await;
    refused(one.split('?').next().unwrap(), 403).await;
    refused(&one.replace("expires=", "expires=9"), 403).await;
    refused(&one.replace("expires=", "expires=x"), 400).await;
    refused(&one.replace(&uuid(&one), "7"), 400).await;
    people.app.wait(3599);
    assert_eq!(people.bytes(&one).await.0.status, 200);
    people.app.wait(1);
    refused(&one, 403).await;
}

#[tokio::test]
async fn a_browser_shows_only_what_cannot_run() {
    let people = People::start().await;
    for (file_type, shown) in [
        ("image/png", "image/png"),
        ("video/mp4", "video/mp4"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/html", "application/octet-stream"),
        ("text/html; charset=utf-8", "application/octet-stream"),
    ] {
        let id = people.output(ADA, "a b\".html", file_type, b"x").await;
        let path = format!("{FILES}/stored/{id}");
        let entry = people.get(&people.ada, &path).await.data();
        let (head, _) = people.bytes(entry["accessUrl"].as_str().unwrap()).await;
        assert_eq!(head.headers["content-type"], shown);
        let disposition = head.headers["content-disposition"].to_str().unwrap();
        match file_type == shown {
            true => assert_eq!(disposition, "inline"),
            false => assert!(
                disposition.starts_with("attachment; filename=\"a b.html\""),
                "{disposition}"
            ),
        }
    }
}

#[tokio::test]
async fn bytes_of_those_who_left_are_swept() {
    let people = People::start().await;
    people.output(ADA, "cat.png", "image/png", b"meow").await;
    let line = "DELETE /api/v1/users/me";
    let body = json!({ "password": test_app::PASSWORD });
    people.app.call_as(&people.ada, line, &body).await.done(204);
    assert_eq!(people.keys().await, 1);
    let sweep = "POST /internal/files/sweep";
    people
        .app
        .call_as(&people.admin, sweep, &Value::Null)
        .await
        .refused(401);
    let token = "a-token-for-tests";
    let swept = people
        .app
        .call_as(token, sweep, &Value::Null)
        .await
        .done(200);
    assert_eq!(swept, json!({ "files": 1 }));
    assert_eq!(people.keys().await, 0);
    let swept = people
        .app
        .call_as(token, sweep, &Value::Null)
        .await
        .done(200);
    assert_eq!(swept, json!({ "files": 0 }));
}

#[tokio::test]
async fn what_is_large_is_with_the_runner() {
    let people = People::start().await;
    people
        .app
        .runner
        .answers("PUT /v1/blobs/*", Reply::Bytes(204, vec![], vec![], false));
    people.app.runner.answers(
        "GET /v1/blobs/*",
        Reply::Bytes(200, vec![], vec!["large"], false),
    );
    let id = people
        .output(ADA, "a.png", "image/png", &vec![7; 3 << 20])
        .await;
    let queries: Vec<_> = people
        .app
        .runner
        .asked()
        .into_iter()
        .map(|asked| asked.query)
        .collect();
    assert_eq!(queries, ["from=0", "from=2097152&last=true"]);
    let path = format!("{FILES}/stored/{id}");
    let entry = people.get(&people.ada, &path).await.data();
    assert_eq!(entry["fileSize"], 3 << 20);
    let (head, bytes) = people.bytes(entry["accessUrl"].as_str().unwrap()).await;
    assert_eq!(
        (head.status.as_u16(), bytes.as_slice()),
        (200, &b"large"[..])
    );
    let _ = people.app.runner.asked();
    // A runner that is not there now is asked again by the next sweep.
    let line = format!("DELETE {path}");
    people
        .app
        .call_as(&people.ada, &line, &Value::Null)
        .await
        .data();
    let sweep = "POST /internal/files/sweep";
    let token = "a-token-for-tests";
    let swept = people
        .app
        .call_as(token, sweep, &Value::Null)
        .await
        .done(200);
    assert_eq!(swept, json!({ "files": 0 }));
    people.app.runner.answers(
        "DELETE /v1/blobs/*",
        Reply::Bytes(204, vec![], vec![], false),
    );
    let swept = people
        .app
        .call_as(token, sweep, &Value::Null)
        .await
        .done(200);
    assert_eq!(swept, json!({ "files": 1 }));
}
