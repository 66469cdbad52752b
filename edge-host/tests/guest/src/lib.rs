//! A component that does what its requests say, for the tests of `edge-host`.
#![cfg(target_family = "wasm")]
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "to trap is what some requests ask for"
)]

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    routing::{any, get, post},
};
use futures::StreamExt;
use ports::Platform;
use std::{convert::Infallible, fmt::Debug, sync::OnceLock, time::Duration};

fn router(platform: Platform) -> Router {
    Router::new()
        .route("/", get(async || "root"))
        .route("/hello", get(async || "hello"))
        .route("/head", any(head))
        .route("/echo", post(async |body: Body| body))
        .route("/stream", post(stream))
        .route("/length", post(length))
        .route("/trap", get(trap))
        .route("/compute", get(compute))
        .route("/memory", get(memory))
        .route("/sql", post(sql))
        .route("/open/{database}", get(open))
        .route("/value/{key}", get(value).put(set_value))
        .route("/count/{key}", post(count))
        .route("/variable/{name}", get(variable))
        .route("/fetch", post(fetch))
        .route("/outlive/{key}", get(outlive))
        .route("/print", post(print))
        .fallback(async |uri: Uri| (StatusCode::NOT_FOUND, format!("guest: {uri}")))
        .with_state(platform)
}

/// The request as the guest sees it, a line each.
async fn head(uri: Uri, headers: HeaderMap) -> String {
    let mut lines = format!("uri: {uri}\n");
    for (name, value) in &headers {
        lines.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("?")));
    }
    lines
}

/// The body, and a header that is another in each instance.
async fn stream(
    State(platform): State<Platform>,
    body: Body,
) -> ([(&'static str, String); 1], Body) {
    static INSTANCE: OnceLock<u64> = OnceLock::new();
    let instance = INSTANCE.get_or_init(|| {
        let mut bytes = [0; 8];
        platform.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    ([("x-instance", instance.to_string())], body)
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

async fn trap() {
    panic!("as the request said");
}

async fn compute() {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

async fn memory() -> String {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(std::hint::black_box(vec![1; 1024 * 1024]));
        if blocks.len() > 4096 {
            return "4 GiB".to_owned();
        }
    }
}

async fn sql(State(platform): State<Platform>, statement: String) -> String {
    said(platform.sql.execute(&statement, Vec::new()).await)
}

async fn open(Path(database): Path<String>) -> String {
    match platform_spin::spin_sdk::sqlite::Connection::open(&database).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

async fn value(State(platform): State<Platform>, Path(key): Path<String>) -> String {
    said(platform.key_value.get(&key).await)
}

async fn set_value(
    State(platform): State<Platform>,
    Path(key): Path<String>,
    value: Bytes,
) -> String {
    said(platform.key_value.set(&key, value.to_vec()).await)
}

async fn count(State(platform): State<Platform>, Path(key): Path<String>) -> String {
    said(platform.key_value.increment(&key, 1).await)
}

async fn variable(State(platform): State<Platform>, Path(name): Path<String>) -> String {
    said(platform.variables.get(&name).await)
}

async fn fetch(State(platform): State<Platform>, url: String) -> Body {
    let request = http::Request::get(url).body(Bytes::new());
    let Ok(request) = request else {
        return Body::from("malformed");
    };
    match platform.http.send(request).await {
        Ok(response) => Body::from_stream(response.into_body()),
        Err(error) => Body::from(format!("{error:?}")),
    }
}

/// A stream without end, written by a task that stores `key` once its reader has left.
async fn outlive(State(platform): State<Platform>, Path(key): Path<String>) -> Body {
    let (mut pieces, body) = futures::channel::mpsc::channel::<Bytes>(0);
    let tasks = platform.tasks.clone();
    tasks.spawn(Box::pin(async move {
        use futures::SinkExt;
        while pieces.send(Bytes::from_static(b"piece\n")).await.is_ok() {
            platform.clock.sleep(Duration::from_millis(1)).await;
        }
        platform.clock.sleep(Duration::from_millis(20)).await;
        platform
            .key_value
            .set(&key, b"outlived".to_vec())
            .await
            .expect("the store is granted");
    }));
    Body::from_stream(body.map(Ok::<_, Infallible>))
}

async fn print(line: String) {
    println!("{line}");
    eprintln!("{line}");
}

fn said(result: Result<impl Debug, impl Debug>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    }
}

platform_spin::component!(
    crate::router,
    platform_spin::Ports::system()
        .and_sql()
        .and_key_value()
        .and_http()
);
