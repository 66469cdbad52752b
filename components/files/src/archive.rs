//! `GET /files/{session_id}/archive`.

use crate::{disposition, query};
use axum::{body::Body, extract::State, response::Response};
use domain::Error;
use http::HeaderMap;
use ports::Platform;
use runner_api::{Archive, Client};
use web::{Outcome, OwnSession, Parameters};

pub(crate) async fn archive(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Response> {
    let root = query::root(&query)?;
    let form = match query.get("format") {
        None => Archive::TarGz,
        Some(text) => Archive::parse(text)
            .ok_or_else(|| Error::invalid_field("query.format", "must be `tar.gz` or `zip`"))?,
    };
    let client = Client::of(&platform, &headers);
    let packed = client.archive(session.uuid, root, form).await?;
    let root = root.map(|root| root.trim_matches('/').rsplit('/').next());
    let name = root
        .flatten()
        .filter(|name| !name.is_empty() && *name != ".");
    let name = format!("{}.{}", name.unwrap_or("workspace"), form.as_str());
    Ok(disposition::as_download(
        packed.map(Body::from_stream),
        &name,
    ))
}
