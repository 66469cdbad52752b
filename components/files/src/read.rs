//! Files, looked at.
//!
//! Invariant: JSON that may be large is read in a [`Place`], which it has until whoever asked for
//! it has it. Bytes pass through.

use crate::{disposition, query, view};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::workspace::files::FileNode;
use http::{HeaderMap, header};
use ports::Platform;
use runner_api::{Client, Raw, TreeQuery};
use web::{Failure, Json, Outcome, OwnSession, Parameters, Place, asks_for};

pub(crate) async fn tree(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Response> {
    let wanted = TreeQuery {
        root: query::root(&query)?,
        depth: Some(query::depth(&query)?),
        include_hidden: query::flag(&query, "include_hidden")?,
        limit: None,
    };
    let client = Client::of(&platform, &headers);
    let tree = client.ask_tree(session.uuid, wanted).await?;
    let place = Place::take_for(tree.size())?;
    let tree = view::node(tree.read().await?);
    Ok(place.hold(Json(tree).into_response()))
}

pub(crate) async fn stat(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Json<FileNode>> {
    let client = Client::of(&platform, &headers);
    let node = client.stat(session.uuid, query::path(&query)?).await?;
    Ok(Json(view::node(node)))
}

/// As JSON, or, for whoever asks for `application/octet-stream`, as bytes.
pub(crate) async fn file(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Response> {
    let path = query::path(&query)?;
    let client = Client::of(&platform, &headers);
    if !asks_for(&headers, "application/octet-stream") {
        let file = client.ask_file(session.uuid, path).await?;
        let place = Place::take_for(file.size())?;
        let file = view::content(file.read().await?);
        return Ok(place.hold(Json(file).into_response()));
    }
    let range = headers.get(header::RANGE);
    match client.read_raw(session.uuid, path, range).await? {
        Raw::Bytes(bytes) => {
            let name = path.trim_end_matches('/').rsplit('/').next();
            let name = name.unwrap_or_default();
            let response = bytes.map(Body::from_stream);
            Ok(disposition::as_download(response, name))
        }
        Raw::OutOfRange {
            error,
            content_range,
        } => {
            let mut response = Failure::from(error).into_response();
            if let Some(size) = content_range {
                response.headers_mut().insert(header::CONTENT_RANGE, size);
            }
            Ok(response)
        }
    }
}
