//! "Files" of the `workspace` document, and what changes them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use http::Method;
use over_auth::{Setting, start};
use serde_json::{Value, json};
use test_app::{Answer, Reply};
use web::Place;

const RAW: (&str, &str) = ("accept", "application/octet-stream");

fn node(name: &str) -> Value {
    json!({ "name": name, "path": name, "type": "file", "size": 3, "modified_at": 1_000 })
}

fn shown(name: &str) -> Value {
    let mut node = node(name);
    node["modified_at"] = json!("1970-01-01T00:00:01.000Z");
    node
}

impl Setting {
    async fn call(&self, line: &str, body: &Value) -> Answer {
        self.app.call_as(&self.ada, line, body).await
    }

    async fn raw(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.ada);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.app.request(Method::GET, path, &all, "").await
    }

    async fn put(&self, query: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.ada);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let path = format!("/api/v1/files/{}?{query}", self.session);
        self.app.request(Method::PUT, &path, &all, body).await
    }
}

#[tokio::test]
async fn the_tree() {
    let setting = start().await;
    let (app, session) = (&setting.app, &setting.session);
    let mut root = json!({ "name": "workspace", "path": "", "type": "directory", "size": 0,
        "modified_at": 0, "children": [node("a")], "truncated": true });
    app.runner.answers(
        "GET /v1/sandboxes/*/files/tree",
        Reply::Json(200, root.clone()),
    );
    root["modified_at"] = json!("1970-01-01T00:00:00.000Z");
    root["children"] = json!([shown("a")]);
    for (query, asked) in [
        ("", "depth=3"),
        ("?root=&depth=&include_hidden=", "depth=3"),
        ("?root=&depth=16", "depth=16"),
        (
            "?root=a%20b%2F..&include_hidden=true",
            "root=a+b%2F..&depth=3&include_hidden=true",
        ),
        ("?depth=1&include_hidden=0", "depth=1"),
    ] {
        for key in [session.as_str(), "1"] {
            let line = format!("GET /api/v1/files/{key}/tree{query}");
            assert_eq!(setting.call(&line, &Value::Null).await.done(200), root);
            let found = app.runner.asked_once();
            assert_eq!(
                found.line,
                format!("GET /v1/sandboxes/{session}/files/tree")
            );
            assert_eq!(found.query, asked);
        }
    }
    let long = format!("root={}", "x".repeat(4_097));
    for (query, field) in [
        ("depth=0", "query.depth"),
        ("depth=17", "query.depth"),
        ("depth=x", "query.depth"),
        ("include_hidden=yes", "query.include_hidden"),
        ("root=a%00", "query.root"),
        (long.as_str(), "query.root"),
    ] {
        let line = format!("GET /api/v1/files/{session}/tree?{query}");
        let answer = setting.call(&line, &Value::Null).await;
        answer.refused(422);
        assert_eq!(answer.fields(), [field], "{query}");
    }
    assert!(app.runner.asked().is_empty());
}

#[tokio::test]
async fn a_file_as_json() {
    let setting = start().await;
    let (app, session) = (&setting.app, &setting.session);
    let mut file = json!({ "path": "a/b", "content": "AAEC", "encoding": "base64", "size": 3,
        "modified_at": 0, "truncated": false });
    let path = "GET /v1/sandboxes/*/files";
    app.runner.answers(path, Reply::Json(200, file.clone()));
    file["modified_at"] = json!("1970-01-01T00:00:00.000Z");
    let line = format!("GET /api/v1/files/{session}?path=a%2Fb%26c");
    assert_eq!(setting.call(&line, &Value::Null).await.done(200), file);
    let asked = app.runner.asked_once();
    assert_eq!(asked.query, "path=a%2Fb%26c");
    assert!(!asked.headers.contains_key("accept"));
    for query in ["", "?path=", "?path=a%00b", "?other=a"] {
        let line = format!("GET /api/v1/files/{session}{query}");
        let answer = setting.call(&line, &Value::Null).await;
        answer.refused(422);
        assert_eq!(answer.fields(), ["query.path"], "{query}");
    }
    app.runner.answers(
        "GET /v1/sandboxes/*/files/stat",
        Reply::Json(200, node("b")),
    );
    let line = format!("GET /api/v1/files/{session}/stat?path=b");
    assert_eq!(
        setting.call(&line, &Value::Null).await.done(200),
        shown("b")
    );
    // Where a path leads is the runner's to say.
    let outside = Reply::Problem(400, "The path leads out of the workspace");
    app.runner.answers(path, outside);
    for path in ["../etc/passwd", "/etc/passwd", "/proc/self/root"] {
        let line = format!("GET /api/v1/files/{session}?path={path}");
        let answer = setting.call(&line, &Value::Null).await;
        answer.problem(400, "The path leads out of the workspace");
    }
}

/// An instance has room for few large files and trees at a time.
#[tokio::test]
async fn what_is_large_takes_a_place_until_it_is_read() {
    let setting = start().await;
    let (runner, session) = (&setting.app.runner, &setting.session);
    let come = |size: &'static str| {
        let said = || vec![("content-length", size)];
        let file = "{\"path\":\"a\",\"content\":\"x\",\"encoding\":\"utf-8\",\"size\":1,\
            \"modified_at\":0,\"truncated\":false}";
        let tree = "{\"name\":\"workspace\",\"path\":\"\",\"type\":\"directory\",\"size\":0,\
            \"modified_at\":0}";
        let reply = Reply::Bytes(200, said(), vec![file], false);
        runner.answers("GET /v1/sandboxes/*/files", reply);
        let reply = Reply::Bytes(200, said(), vec![tree], false);
        runner.answers("GET /v1/sandboxes/*/files/tree", reply);
    };
    let paths = [
        format!("/api/v1/files/{session}?path=a"),
        format!("/api/v1/files/{session}/tree"),
    ];
    let bearer = format!("Bearer {}", setting.ada);
    for path in &paths {
        let taken = [Place::take_large(), Place::take_large()];
        assert!(taken.iter().all(Result::is_ok));
        for (size, status) in [("262144", 200), ("262145", 503), ("8388608", 503)] {
            come(size);
            assert_eq!(setting.raw(path, &[]).await.status, status, "{size}");
        }
        drop(taken);
        for (size, left) in [("262144", 2), ("262145", 1), ("8388608", 0)] {
            come(size);
            let request = http::Request::get(path)
                .header("authorization", &bearer)
                .body(axum::body::Body::empty())
                .unwrap();
            let response = setting.app.send(request).await;
            let others: Vec<_> = std::iter::from_fn(|| Place::take_large().ok()).collect();
            assert_eq!((response.status().as_u16(), others.len()), (200, left));
            drop(others);
            assert_eq!(Answer::read(response).await.status, 200);
            assert!(Place::take_for(Some(8 << 20)).is_ok());
        }
    }
    // Bytes pass through.
    let _taken = [Place::take_large(), Place::take_large()];
    let reply = Reply::Bytes(200, vec![("content-length", "8388608")], vec!["x"], false);
    runner.answers("GET /v1/sandboxes/*/files", reply);
    assert_eq!(setting.raw(&paths[0], &[RAW]).await.status, 200);
}

#[tokio::test]
async fn a_files_bytes_are_stored_and_never_shown() {
    let setting = start().await;
    let session = &setting.session;
    let said = vec![
        ("content-type", "text/html"),
        ("content-length", "25"),
        ("set-cookie", "access_token=evil"),
        ("access-control-allow-origin", "*"),
        ("content-security-policy", "default-src *"),
        ("content-disposition", "inline"),
        ("accept-ranges", "bytes"),
        ("etag", "\"1\""),
    ];
    let reply = Reply::Bytes(200, said, vec!["<script>", "alert(1)</script>"], false);
    setting
        .app
        .runner
        .answers("GET /v1/sandboxes/*/files", reply);
    let path = format!("/api/v1/files/{session}?path=/workspace/a/evil%22.html");
    let answer = setting.raw(&path, &[RAW]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, "<script>alert(1)</script>");
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "25"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "private, no-store, no-transform"),
        ("accept-ranges", "bytes"),
        ("etag", "\"1\""),
        ("set-cookie", ""),
        ("access-control-allow-origin", ""),
        (
            "content-disposition",
            "attachment; filename=\"evil_.html\"; filename*=UTF-8''evil%22.html",
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let asked = setting.app.runner.asked_once();
    assert_eq!(asked.headers["accept"], "application/octet-stream");
}

#[tokio::test]
async fn a_part_of_a_file() {
    let setting = start().await;
    let path = format!("/api/v1/files/{}?path=a", setting.session);
    let said = vec![("content-range", "bytes 1-2/9"), ("content-length", "2")];
    let reply = Reply::Bytes(206, said, vec!["bc"], false);
    setting
        .app
        .runner
        .answers("GET /v1/sandboxes/*/files", reply);
    let range = ("range", "bytes=1-2");
    let answer = setting.raw(&path, &[RAW, range]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (206, "bc"));
    assert_eq!(answer.header("content-range"), "bytes 1-2/9");
    assert_eq!(
        setting.app.runner.asked_once().headers["range"],
        "bytes=1-2"
    );
    let problem = "{\"detail\":\"The range is beyond the end\"}";
    let said = vec![
        ("content-type", "application/problem+json"),
        ("content-range", "bytes */9"),
    ];
    let reply = Reply::Bytes(416, said, vec![problem], false);
    setting
        .app
        .runner
        .answers("GET /v1/sandboxes/*/files", reply);
    let answer = setting.raw(&path, &[RAW, ("range", "bytes=99-")]).await;
    answer.problem(416, "The range is beyond the end");
    assert_eq!(answer.header("content-range"), "bytes */9");
    // JSON has no parts.
    let file = json!({ "path": "a", "content": "", "encoding": "utf-8", "size": 0,
        "modified_at": 0, "truncated": false });
    setting
        .app
        .runner
        .answers("GET /v1/sandboxes/*/files", Reply::Json(200, file));
    drop(setting.app.runner.asked());
    assert_eq!(setting.raw(&path, &[range]).await.status, 200);
    assert!(
        !setting
            .app
            .runner
            .asked_once()
            .headers
            .contains_key("range")
    );
    for reply in [
        Reply::Problem(404, "Nothing is there"),
        Reply::Problem(409, "A directory"),
    ] {
        setting
            .app
            .runner
            .answers("GET /v1/sandboxes/*/files", reply.clone());
        let Reply::Problem(status, detail) = reply else {
            continue;
        };
        setting.raw(&path, &[RAW]).await.problem(status, detail);
    }
}

#[tokio::test]
async fn a_file_is_written_whatever_it_is() {
    let setting = start().await;
    let runner = &setting.app.runner;
    runner.answers("PUT /v1/sandboxes/*/files", Reply::Json(200, node("a")));
    for (query, asked, body) in [
        ("path=a", "path=a", "x\0y"),
        ("path=a&append=true", "path=a&append=true", "天"),
        ("path=a&append=false", "path=a", ""),
    ] {
        for headers in [&[][..], &[("content-type", "text/html")]] {
            assert_eq!(
                setting.put(query, headers, body).await.done(200),
                shown("a")
            );
            let found = runner.asked_once();
            assert_eq!(
                (found.query.as_str(), &found.body[..]),
                (asked, body.as_bytes())
            );
        }
    }
    let most = "x".repeat(2 * 1024 * 1024);
    setting.put("path=a", &[], &most).await.done(200);
    drop(runner.asked());
    let detail = "The body is over its limit of 2097152 bytes";
    let over = format!("{most}x");
    setting.put("path=a", &[], &over).await.problem(413, detail);
    for (query, field) in [("", "query.path"), ("path=a&append=1x", "query.append")] {
        let answer = setting.put(query, &[], "x").await;
        answer.refused(422);
        assert_eq!(answer.fields(), [field]);
    }
    let part = [("content-range", "bytes 0-1/5")];
    setting.put("path=a", &part, "x").await.refused(400);
    assert!(runner.asked().is_empty());
    runner.answers(
        "PUT /v1/sandboxes/*/files",
        Reply::Problem(507, "The workspace is full"),
    );
    setting
        .put("path=a", &[], "x")
        .await
        .problem(507, "The workspace is full");
}

#[tokio::test]
async fn strangers_fill_no_memory() {
    let setting = start().await;
    // The body never ends; whoever read it before the login is looked at would wait.
    let endless = futures_of_nothing();
    let path = format!("/api/v1/files/{}?path=a", setting.session);
    let request = http::Request::put(path).body(endless).unwrap();
    let answer = Answer::read(setting.app.send(request).await).await;
    answer.problem(401, "Not authenticated");
}

/// A body of which nothing ever comes.
fn futures_of_nothing() -> axum::body::Body {
    struct Nothing;
    impl http_body::Body for Nothing {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }
    axum::body::Body::new(Nothing)
}

#[tokio::test]
async fn a_page_of_another_site_writes_nothing() {
    let setting = start().await;
    let cookie = format!("access_token={}", setting.ada);
    let path = format!("/api/v1/files/{}?path=a", setting.session);
    for method in [Method::PUT, Method::DELETE] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", "https://evil.example"),
        ];
        let answer = setting.app.request(method, &path, &headers, "x").await;
        answer.problem(403, "A page of another site made this request");
    }
    assert!(setting.app.runner.asked().is_empty());
}

#[tokio::test]
async fn files_are_moved_made_and_removed() {
    let setting = start().await;
    let (runner, session) = (&setting.app.runner, &setting.session);
    runner.answers(
        "POST /v1/sandboxes/*/files/move",
        Reply::Json(200, node("b")),
    );
    let line = format!("POST /api/v1/files/{session}/move");
    let body = json!({ "from": "a", "to": "b" });
    assert_eq!(setting.call(&line, &body).await.done(200), shown("b"));
    let asked = runner.asked_once().json();
    assert_eq!(asked, json!({ "from": "a", "to": "b", "overwrite": false }));
    let answer = setting
        .call(&line, &json!({ "from": "", "to": "a\0" }))
        .await;
    answer.refused(422);
    assert_eq!(answer.fields(), ["from", "to"]);

    runner.answers(
        "POST /v1/sandboxes/*/files/directory",
        Reply::Json(200, node("d")),
    );
    let line = format!("POST /api/v1/files/{session}/directory");
    let body = json!({ "path": "d/e" });
    assert_eq!(setting.call(&line, &body).await.done(200), shown("d"));
    assert_eq!(runner.asked_once().json(), body);
    setting.call(&line, &json!({})).await.refused(422);

    let gone = Reply::Bytes(204, vec![], vec![], false);
    runner.answers("DELETE /v1/sandboxes/*/files", gone);
    for (query, asked) in [
        ("path=d", "path=d"),
        ("path=d&recursive=true", "path=d&recursive=true"),
    ] {
        let line = format!("DELETE /api/v1/files/{session}?{query}");
        setting.call(&line, &Value::Null).await.done(204);
        assert_eq!(runner.asked_once().query, asked);
    }
    for query in ["", "?path=a&recursive=x"] {
        let line = format!("DELETE /api/v1/files/{session}{query}");
        setting.call(&line, &Value::Null).await.refused(422);
    }
    assert!(runner.asked().is_empty());
}

#[tokio::test]
async fn archives() {
    let setting = start().await;
    let (runner, session) = (&setting.app.runner, &setting.session);
    let said = vec![("content-type", "application/zip")];
    let reply = Reply::Bytes(200, said, vec!["PK", "zip"], false);
    runner.answers("GET /v1/sandboxes/*/files/archive", reply);
    for (query, asked, name) in [
        ("", "format=tar.gz", "workspace.tar.gz"),
        ("?format=zip", "format=zip", "workspace.zip"),
        (
            "?root=a/src/&format=zip",
            "root=a%2Fsrc%2F&format=zip",
            "src.zip",
        ),
        ("?root=/", "root=%2F&format=tar.gz", "workspace.tar.gz"),
    ] {
        let path = format!("/api/v1/files/{session}/archive{query}");
        let answer = setting.raw(&path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (200, "PKzip")
        );
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        let disposition = answer.header("content-disposition");
        assert!(
            disposition.contains(&format!("filename=\"{name}\"")),
            "{disposition}"
        );
        assert_eq!(runner.asked_once().query, asked);
    }
    let answer = setting
        .raw(&format!("/api/v1/files/{session}/archive?format=rar"), &[])
        .await;
    answer.refused(422);
    assert_eq!(answer.fields(), ["query.format"]);
}

#[tokio::test]
async fn somebody_elses_are_not_there_and_the_runner_is_not_asked() {
    let setting = start().await;
    let moved = json!({ "from": "a", "to": "b", "path": "c" });
    for key in [setting.session.as_str(), "1", "99", "x", "..", "%2e%2e%2f1"] {
        for (line, body) in [
            (format!("GET /api/v1/files/{key}?path=a"), &Value::Null),
            (format!("PUT /api/v1/files/{key}?path=a"), &moved),
            (format!("DELETE /api/v1/files/{key}?path=a"), &Value::Null),
            (format!("GET /api/v1/files/{key}/tree"), &Value::Null),
            (format!("GET /api/v1/files/{key}/stat?path=a"), &Value::Null),
            (format!("POST /api/v1/files/{key}/move"), &moved),
            (format!("POST /api/v1/files/{key}/directory"), &moved),
            (format!("GET /api/v1/files/{key}/archive"), &Value::Null),
        ] {
            let answer = setting.app.call_as(&setting.eve, &line, body).await;
            answer.problem(404, "Session not found");
            setting
                .app
                .call(&line, body)
                .await
                .problem(401, "Not authenticated");
        }
    }
    assert!(setting.app.runner.asked().is_empty());
}

#[tokio::test]
async fn a_runner_that_falls_silent_ends_a_download() {
    let setting = start().await;
    let reply = Reply::Bytes(200, vec![], vec!["a"], true);
    setting
        .app
        .runner
        .answers("GET /v1/sandboxes/*/files", reply);
    let request = http::Request::get(format!("/api/v1/files/{}?path=a", setting.session))
        .header("authorization", format!("Bearer {}", setting.ada))
        .header("accept", "application/octet-stream")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = setting.app.send(request).await;
    let read = axum::body::to_bytes(response.into_body(), 100);
    let moved_on = async {
        // A minute in which something came, and one in which nothing did.
        for _ in 0..2 {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            setting.app.wait(60);
        }
    };
    let (read, ()) = tokio::join!(read, moved_on);
    assert!(
        read.is_err(),
        "a download that was cut short must not look whole"
    );
}
