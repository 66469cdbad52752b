//! Bytes that the edge has kept: `runner_api::blobs`.

use super::{Admin, extract::Given, refused::Refused};
use crate::blobs::PutError;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use runner_api::blobs::PIECE_MAX_BYTES;
use serde::Deserialize;
use std::{io, sync::Arc};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

pub(super) fn routes() -> Router<Arc<Admin>> {
    let blob = get(read).put(put).delete(delete);
    Router::new()
        .route("/v1/blobs/{blob}", blob)
        .layer(DefaultBodyLimit::max(PIECE_MAX_BYTES))
}

#[derive(Debug, Deserialize)]
struct Piece {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    last: bool,
}

async fn put(
    State(admin): State<Arc<Admin>>,
    Given(Path(blob)): Given<Path<Uuid>>,
    Given(Query(piece)): Given<Query<Piece>>,
    Given(bytes): Given<Bytes>,
) -> Result<StatusCode, Refused> {
    let put = admin.blobs.put(blob, piece.from, bytes, piece.last).await;
    put.map_err(|error| match error {
        PutError::Gap => Refused::new(
            StatusCode::CONFLICT,
            "The file was changed while it was being stored",
        ),
        PutError::TooLarge => Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "The file is too large"),
        PutError::Disk(error) => failed(&error),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(
    State(admin): State<Arc<Admin>>,
    Given(Path(blob)): Given<Path<Uuid>>,
) -> Result<Response, Refused> {
    let opened = admin.blobs.open(blob).await;
    let (file, size) = opened
        .map_err(|error| failed(&error))?
        .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "The file is gone"))?;
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((headers, body).into_response())
}

async fn delete(
    State(admin): State<Arc<Admin>>,
    Given(Path(blob)): Given<Path<Uuid>>,
) -> Result<StatusCode, Refused> {
    let deleted = admin.blobs.delete(blob).await;
    deleted.map_err(|error| failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn failed(error: &io::Error) -> Refused {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a blob cannot be stored or read"
    );
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refused::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "There is no room for more files",
        ),
        _ => Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The file cannot be stored or read",
        ),
    }
}
