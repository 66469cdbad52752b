//! The endpoints, each also below `/api`.

mod prompt;
mod upload;

use crate::{nodes, picture::size_of_png, socket, state::State};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Path, Query, Request, State as Shared, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Json, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

type Params = Query<BTreeMap<String, String>>;

/// How large a body may be, as a real server's default.
const BODY: usize = 100 << 20;

pub(crate) fn router(state: Arc<State>) -> Router {
    let routes = Router::new()
        .route("/system_stats", get(system_stats))
        .route("/object_info", get(object_info))
        .route("/object_info/{class}", get(node_class))
        .route("/models", get(model_folders))
        .route("/models/{folder}", get(models))
        .route("/prompt", get(queue_info).post(prompt::submit))
        .route("/queue", get(queue).post(change_queue))
        .route("/interrupt", post(interrupt))
        .route("/history", get(all_history))
        .route("/history/{id}", get(history))
        .route("/view", get(view))
        .route("/upload/image", post(upload::image))
        .route("/ws", get(websocket));
    Router::new()
        .nest("/api", routes.clone())
        .merge(routes)
        .layer(from_fn_with_state(Arc::clone(&state), before))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(state)
}

/// Notes the request, gives a test's answer or spoils the right one, and refuses pages of other
/// sites.
async fn before(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (canned, is_spoilt) = state.faults(|faults| {
        faults.requests.push(format!("{} {path}", request.method()));
        (faults.take_answer(&path), faults.is_spoilt(&path))
    });
    if let Some(canned) = canned {
        return answer_canned(canned).await;
    }
    if is_cross_site(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let response = next.run(request).await;
    match is_spoilt {
        true => spoilt(response).await,
        false => response,
    }
}

/// A JSON object with numbers that are none, as Python writes them.
async fn spoilt(response: Response) -> Response {
    const ODD: &str = "{\"odd\":[NaN,Infinity,-Infinity]";
    let (mut parts, body) = response.into_parts();
    let json = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let json = String::from_utf8_lossy(&json);
    let json = match json.strip_prefix('{') {
        Some("}") => format!("{ODD}}}"),
        Some(rest) => format!("{ODD},{rest}"),
        None => json.into_owned(),
    };
    // It is longer than it was.
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json))
}

async fn answer_canned(canned: crate::Canned) -> Response {
    use crate::Canned;
    match canned {
        Canned::Response(status, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, body).into_response()
        }
        Canned::Redirect(to) => Redirect::temporary(&to).into_response(),
        Canned::Silence => std::future::pending().await,
        Canned::Endless => {
            let piece = Bytes::from(vec![b' '; 1 << 16]);
            let pieces = stream::repeat_with(move || Ok::<_, Infallible>(piece.clone()));
            Body::from_stream(pieces).into_response()
        }
    }
}

/// What the real server's middleware refuses: a browser says that another site asks, or a page
/// of another origin asks a server on loopback.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::HeaderName::from_static("sec-fetch-site")) == Some("cross-site") {
        return true;
    }
    let (Some(host), Some(origin)) = (text(header::HOST), text(header::ORIGIN)) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_loopback = name == "localhost" || name == "[::1]" || name.starts_with("127.");
    let origin = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    is_loopback && !origin.eq_ignore_ascii_case(host)
}

async fn system_stats() -> Json<Value> {
    let memory = 8_u64 << 30;
    Json(json!({
        "system": {
            "os": "posix", "ram_total": memory, "ram_free": memory / 2,
            "comfyui_version": "0.3.64", "required_frontend_version": "1.27.10",
            "python_version": "3.11.7", "pytorch_version": "2.8.0", "embedded_python": false,
            "argv": ["main.py"],
        },
        "devices": [{
            "name": "cpu", "type": "cpu", "index": null, "vram_total": memory,
            "vram_free": memory / 2, "torch_vram_total": memory, "torch_vram_free": memory / 2,
        }],
    }))
}

fn raw_json(json: String) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        json,
    )
        .into_response()
}

async fn object_info(Shared(state): Shared<Arc<State>>) -> Response {
    raw_json(nodes::object_info_json(&state.files.lock()))
}

/// Only this class; the order of its inputs stands in `input_order`.
async fn node_class(Shared(state): Shared<Arc<State>>, Path(class): Path<String>) -> Json<Value> {
    let all = nodes::object_info_json(&state.files.lock());
    let all: Value = serde_json::from_str(&all).unwrap_or_default();
    Json(match all.get(&class) {
        Some(found) => json!({class: found}),
        None => json!({}),
    })
}

async fn model_folders() -> Json<Value> {
    let names: Vec<&str> = nodes::MODEL_FOLDERS
        .iter()
        .map(|(name, ..)| *name)
        .collect();
    Json(json!(names))
}

async fn models(Shared(state): Shared<Arc<State>>, Path(folder): Path<String>) -> Response {
    match nodes::models(&state.object_info(), &folder) {
        Some(models) => Json(models).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn queue_info(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let remaining = state.queue.lock().remaining();
    Json(json!({"exec_info": {"queue_remaining": remaining}}))
}

async fn queue(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(state.queue.lock().to_json())
}

async fn change_queue(Shared(state): Shared<Arc<State>>, Json(change): Json<Value>) -> StatusCode {
    if change.get("clear").and_then(Value::as_bool) == Some(true) {
        state.queue.lock().clear();
    }
    let delete = change.get("delete").and_then(Value::as_array);
    for id in delete.into_iter().flatten().filter_map(Value::as_str) {
        state.queue.lock().delete(id);
    }
    state.send_status();
    StatusCode::OK
}

async fn interrupt(Shared(state): Shared<Arc<State>>, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let prompt_id = body.get("prompt_id").and_then(Value::as_str);
    state.queue.lock().interrupt(prompt_id);
    state.changed();
    StatusCode::OK
}

async fn all_history(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(state.queue.lock().history(None))
}

async fn history(Shared(state): Shared<Arc<State>>, Path(id): Path<String>) -> Json<Value> {
    Json(state.queue.lock().history(Some(&id)))
}

async fn view(Shared(state): Shared<Arc<State>>, Query(query): Params) -> Response {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let name = text("filename");
    if name.is_empty() || name.starts_with('/') || name.contains("..") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let folder = match text("type") {
        "" => "output",
        folder @ ("input" | "output" | "temp") => folder,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    if text("subfolder").split('/').any(|part| part == "..") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(file) = state.files.lock().get(folder, text("subfolder"), name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let content_type = match size_of_png(&file) {
        Some(_) => "image/png",
        None => "application/octet-stream",
    };
    let disposition = format!("filename=\"{}\"", name.replace(['"', '\\'], "_"));
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_DISPOSITION, &disposition),
    ];
    (headers, file).into_response()
}

async fn websocket(
    Shared(state): Shared<Arc<State>>,
    Query(query): Params,
    upgrade: WebSocketUpgrade,
) -> Response {
    let client = match query.get("clientId") {
        Some(client) if !client.is_empty() => client.clone(),
        _ => uuid::Uuid::new_v4().simple().to_string(),
    };
    upgrade.on_upgrade(move |socket| socket::serve(socket, client, state))
}
