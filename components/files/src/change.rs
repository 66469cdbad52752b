//! Files, changed.

use crate::{query, view};
use axum::extract::State;
use contracts::workspace::files::{DirectoryCreate, FileMove, FileNode};
use domain::{Error, ErrorKind, SessionKey};
use http::{HeaderMap, StatusCode, header};
use ports::Platform;
use runner_api::{
    Client,
    files::{MakeDirectory, Move},
};
use web::{Json, Outcome, OwnSession, Parameters, Segment, SignedBody, Upload, own_session};

/// `PUT`: the body is the file, whatever its type says.
pub(crate) async fn write(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    query: Parameters,
    Upload(signed_in, bytes): Upload,
) -> Outcome<Json<FileNode>> {
    let session = own_session(&platform, &signed_in, SessionKey::parse(&id)).await?;
    let path = query::path(&query)?;
    let append = query::flag(&query, "append")?;
    if headers.contains_key(header::CONTENT_RANGE) {
        // Who sends a part must not find the whole replaced by it (RFC 9110, 14.5).
        let detail = "A part of a file cannot be written; append to it, or write the whole";
        return Err(Error::new(ErrorKind::Refused, detail).into());
    }
    let client = Client::of(&platform, &headers);
    let written = client.write_file(session.uuid, path, bytes, append).await?;
    Ok(Json(view::node(written)))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<StatusCode> {
    let path = query::path(&query)?;
    let recursive = query::flag(&query, "recursive")?;
    let client = Client::of(&platform, &headers);
    client.delete_file(session.uuid, path, recursive).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn rename(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<FileMove>,
) -> Outcome<Json<FileNode>> {
    let session = own_session(&platform, &signed_in, SessionKey::parse(&id)).await?;
    let to = Move {
        from: body.from,
        to: body.to,
        overwrite: body.overwrite,
    };
    let client = Client::of(&platform, &headers);
    Ok(Json(view::node(client.move_file(session.uuid, &to).await?)))
}

pub(crate) async fn directory(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<DirectoryCreate>,
) -> Outcome<Json<FileNode>> {
    let session = own_session(&platform, &signed_in, SessionKey::parse(&id)).await?;
    let directory = MakeDirectory { path: body.path };
    let client = Client::of(&platform, &headers);
    let made = client.make_directory(session.uuid, &directory).await?;
    Ok(Json(view::node(made)))
}
