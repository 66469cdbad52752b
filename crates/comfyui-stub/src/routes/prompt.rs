//! `POST /prompt`.

use crate::{queue::Item, state::State};
use axum::{
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Json, Response},
};
use bytes::Bytes;
use comfyui::{Prompt, Refusal, validate_outputs};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) async fn submit(Shared(state): Shared<Arc<State>>, body: Bytes) -> Response {
    // The real server fails on what is no object, whatever its content type.
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&body) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(Value::Object(prompt)) = body.remove("prompt") else {
        return refuse("no_prompt", "No prompt provided", "No prompt provided");
    };
    let prompt_id = match body.get("prompt_id") {
        None | Some(Value::Null) => uuid::Uuid::new_v4().to_string(),
        Some(Value::String(id)) if is_canonical(id) => id.clone(),
        Some(_) => {
            return refuse(
                "invalid_prompt_id",
                "prompt_id must be a valid UUID",
                "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one",
            );
        }
    };
    let only = body.get("partial_execution_targets").and_then(strings);
    let checked = Prompt::new(prompt.clone());
    match validate_outputs(&checked, &state.object_info(), only.as_deref()) {
        Err(refusal) => refused(&refusal),
        Ok(validation) => {
            let number = put(&state, &body, prompt, &prompt_id, validation.outputs);
            Json(json!({
                "prompt_id": prompt_id,
                "number": number,
                "node_errors": validation.node_errors,
            }))
            .into_response()
        }
    }
}

fn put(
    state: &State,
    body: &Map<String, Value>,
    prompt: Map<String, Value>,
    prompt_id: &str,
    outputs: Vec<String>,
) -> f64 {
    let mut extra_data = body.get("extra_data").cloned().unwrap_or_else(|| json!({}));
    if let (Value::Object(extra), Some(client)) = (&mut extra_data, body.get("client_id")) {
        extra.insert("client_id".to_owned(), client.clone());
    }
    state.faults(|faults| faults.prompts.push(json!(prompt)));
    let mut queue = state.queue.lock();
    let number = match body.get("number").and_then(Value::as_f64) {
        Some(number) => number,
        None => queue.number(body.get("front").and_then(Value::as_bool) == Some(true)),
    };
    queue.put(Item {
        number,
        prompt_id: prompt_id.to_owned(),
        prompt,
        extra_data,
        outputs,
    });
    drop(queue);
    state.send_status();
    state.changed();
    number
}

fn refuse(kind: &str, message: &str, details: &str) -> Response {
    let error = json!({"type": kind, "message": message, "details": details, "extra_info": {}});
    let body = json!({"error": error, "node_errors": {}});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn refused(refusal: &Refusal) -> Response {
    (StatusCode::BAD_REQUEST, Json(refusal)).into_response()
}

fn strings(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?.iter();
    Some(
        items
            .filter_map(|item| Some(item.as_str()?.to_owned()))
            .collect(),
    )
}

fn is_canonical(id: &str) -> bool {
    uuid::Uuid::parse_str(id).is_ok_and(|uuid| uuid.to_string() == id)
}
