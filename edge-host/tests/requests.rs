//! What a guest is told, what it may use, and what its client gets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use http::Request;
use support::TestHost;

fn line<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .collect()
}

#[tokio::test]
async fn the_guest_is_told_what_spin_tells() {
    let host = TestHost::start().await;
    let request = Request::get("/head?a=%20b")
        .header("host", "example.org:8080")
        .header("spin-client-addr", "6.6.6.6:1")
        .header("spin-full-url", "http://forged/")
        .header("x-request-id", "from_outside-1");
    let answer = host.send(request, "").await;
    let head = answer.body.as_str();
    let one = |name| {
        let values = line(head, name);
        assert_eq!(values.len(), 1, "{name} in {head}");
        values.concat()
    };
    assert!(one("spin-client-addr").starts_with("127.0.0.1:"));
    assert!(!head.contains("spin-full-url"), "forged: {head}");
    assert_eq!(one("x-request-id"), "from_outside-1");
    assert!(one("uri").ends_with("/head?a=%20b"));
    assert_eq!(answer.headers["x-request-id"], "from_outside-1");
}

#[tokio::test]
async fn a_request_id_is_made_where_none_or_no_sane_one_comes() {
    let host = TestHost::start().await;
    for id in ["", "a b", "ä", &"x".repeat(65), "a;b"] {
        let request = Request::get("/head").header("x-request-id", id.as_bytes());
        let answer = host.send(request, "").await;
        let given = answer.headers["x-request-id"].to_str().unwrap();
        assert!(given != id && given.len() == 16, "{id:?} became {given:?}");
        assert_eq!(line(&answer.body, "x-request-id"), [given]);
    }
}

#[tokio::test]
async fn a_guest_has_what_the_manifest_grants_and_no_more() {
    let host = TestHost::start().await;
    let text = async |path: &str| host.get(path).await.body;
    assert_eq!(text("/open/default").await, "opened");
    assert!(text("/open/other").await.contains("AccessDenied"));
    assert_eq!(text("/variable/greeting").await, "\"hello, you\"");
    assert!(
        text("/variable/outbound_allow")
            .await
            .contains("no variable")
    );

    let sql = async |statement: &'static str| host.post("/sql", statement).await.body;
    sql("CREATE TABLE t (v)").await;
    sql("INSERT INTO t VALUES (7), (NULL), ('x'), (x'00'), (1.5)").await;
    let rows = sql("SELECT v FROM t ORDER BY rowid").await;
    assert_eq!(
        rows,
        "[Row([Integer(7)]), Row([Null]), Row([Text(\"x\")]), Row([Blob([0])]), Row([Real(1.5)])]"
    );
    assert!(sql("SELECT missing").await.contains("no such column"));
    assert!(sql("ATTACH '/tmp/x' AS y").await.contains("Failed"));

    assert_eq!(text("/value/a").await, "None");
    host.put("/value/a", "b").await;
    assert_eq!(text("/value/a").await, "Some([98])");
    assert!(host.post("/count/a", "").await.body.contains("no counter"));
    for count in ["1", "2", "3"] {
        assert_eq!(host.post("/count/n", "").await.body, count);
    }
    host.post("/print", "a line").await;
}

#[tokio::test]
async fn what_has_no_answer_is_a_problem() {
    let manifest = support::MANIFEST.replace("\"/...\"", "\"/hello\"");
    let host = TestHost::with(&manifest, |config| config.max_body = 10).await;
    assert_eq!(host.get("/hello").await.body, "hello");
    let check = async |request: http::request::Builder, body: &'static str, status: u16| {
        let answer = host.send(request, body).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "instance"] {
            assert!(problem[member].is_string(), "{member}");
        }
    };
    check(Request::get("/missing?secret"), "", 404).await;
    check(Request::post("/hello"), "eleven byte", 413).await;
    check(Request::get("/hello").header("host", "a b"), "", 400).await;
}

#[tokio::test]
async fn the_state_outlives_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    for round in 1..=2 {
        let config = support::config(&path, support::MANIFEST);
        let host = edge_host::Host::start(config).await.unwrap();
        let request = Request::post("/count/starts")
            .body(http_body_util::BodyExt::boxed(
                http_body_util::Full::default(),
            ))
            .unwrap();
        let response = support::exchange(host.address(), request).await;
        let answer = support::Answer::read(response).await;
        assert_eq!(answer.body, round.to_string());
        host.shutdown().await;
    }
    let compiled = std::fs::read_dir(path.join("state/cache")).unwrap().count();
    assert_eq!(compiled, 1, "compiled once");
}
