//! `POST /upload/image`.

use crate::state::State;
use axum::{
    extract::{Multipart, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Json, Response},
};
use bytes::Bytes;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

pub(super) async fn image(
    Shared(state): Shared<Arc<State>>,
    mut form: Multipart,
) -> Result<Response, StatusCode> {
    let mut fields = BTreeMap::new();
    let mut image: Option<(String, Bytes)> = None;
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|_| StatusCode::BAD_REQUEST)?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|_| StatusCode::BAD_REQUEST)?;
        match filename {
            Some(filename) if name == "image" => image = Some((filename, bytes)),
            _ => {
                fields.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    let (name, bytes) = image.ok_or(StatusCode::BAD_REQUEST)?;
    let text = |name: &str| fields.get(name).map_or("", String::as_str);
    let (subfolder, folder) = match text("type") {
        "" => (text("subfolder"), "input"),
        folder => (text("subfolder"), folder),
    };
    let leads_out = |path: &str| path.split('/').any(|part| part == "..");
    if name.is_empty() || name.starts_with('/') || leads_out(&name) || leads_out(subfolder) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let overwrite = matches!(text("overwrite"), "true" | "1");
    let name = store(&state, (folder, subfolder), &name, bytes, overwrite);
    let stored = json!({"name": name, "subfolder": subfolder, "type": folder});
    Ok(Json(stored).into_response())
}

/// Stores a picture under its name, or under `name (1)` and so on when that is another picture's.
fn store(
    state: &State,
    (folder, subfolder): (&str, &str),
    name: &str,
    bytes: Bytes,
    overwrite: bool,
) -> String {
    let mut files = state.files.lock();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let numbered = (1..).map(|number| format!("{stem} ({number}).{extension}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let is_free = |name: &String| {
        let there = files.get(folder, subfolder, name);
        overwrite || there.is_none_or(|there| there == bytes)
    };
    let free = names.find(is_free).unwrap_or_default();
    files.put(folder, subfolder, &free, bytes);
    free
}
