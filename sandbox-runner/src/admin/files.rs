//! Files of workspaces: `runner_api::files`.

use super::{Admin, extract::Given, refused::Refused};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::TryStreamExt as _;
use runner_api::files::{EDITS, Edits, MakeDirectory, Move, Node};
use sandbox_files::{Edit, Format, OpenFile, WorkspacePath};
use serde::Deserialize;
use std::sync::Arc;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// How deep a tree is shown unless it is said.
const DEPTH: u32 = 3;

const BYTES: &str = "application/octet-stream";

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route(
            "/v1/sandboxes/{session}/files",
            get(read).put(write).delete(delete),
        )
        .route("/v1/sandboxes/{session}/files/tree", get(tree))
        .route("/v1/sandboxes/{session}/files/stat", get(stat))
        .route("/v1/sandboxes/{session}/files/move", post(rename))
        .route(
            "/v1/sandboxes/{session}/files/edits",
            post(edit).layer(DefaultBodyLimit::max(EDITS)),
        )
        .route(
            "/v1/sandboxes/{session}/files/directory",
            post(make_directory),
        )
        .route("/v1/sandboxes/{session}/files/archive", get(archive))
}

#[derive(Debug, Deserialize)]
struct TreeQuery {
    #[serde(default)]
    root: String,
    depth: Option<u32>,
    #[serde(default)]
    include_hidden: bool,
    limit: Option<usize>,
}

async fn tree(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<TreeQuery>>,
) -> Result<Json<Node>, Refused> {
    let files = admin.sandboxes.files(session)?;
    let root = WorkspacePath::parse(&query.root)?;
    let depth = query.depth.unwrap_or(DEPTH);
    let most = query.limit.unwrap_or(usize::MAX);
    let hidden = query.include_hidden;
    let tree = files.workspace.tree(&root, depth, hidden, most).await?;
    Ok(Json(tree))
}

#[derive(Debug, Deserialize)]
struct OnePath {
    path: String,
}

async fn stat(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<OnePath>>,
) -> Result<Json<Node>, Refused> {
    let files = admin.sandboxes.files(session)?;
    let path = WorkspacePath::parse(&query.path)?;
    Ok(Json(files.workspace.stat(&path).await?))
}

async fn read(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<OnePath>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let files = admin.sandboxes.files(session)?;
    let path = WorkspacePath::parse(&query.path)?;
    let accept = headers.get(header::ACCEPT);
    if accept.is_some_and(|accept| accept == BYTES) {
        let file = files.workspace.open_file(&path).await?;
        return bytes_of(file, headers.get(header::RANGE));
    }
    Ok(Json(files.workspace.read(&path).await?).into_response())
}

/// A file's bytes, or the part of them that `Range` asks for.
fn bytes_of(file: OpenFile, range: Option<&HeaderValue>) -> Result<Response, Refused> {
    let (size, modified_at) = (file.size, file.modified_at);
    let asked = range.and_then(|range| part(range, size));
    let mut response = match asked {
        None => {
            let reader = file.whole()?;
            Response::new(Body::from_stream(ReaderStream::new(reader)))
        }
        Some(Err(())) => {
            let mut response = Refused::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("The file has {size} bytes"),
            )
            .into_response();
            set(
                &mut response,
                header::CONTENT_RANGE,
                format!("bytes */{size}"),
            );
            return Ok(response);
        }
        Some(Ok((first, last))) => {
            let reader = file.range(first, last - first + 1)?;
            let mut response = Response::new(Body::from_stream(ReaderStream::new(reader)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{size}");
            set(&mut response, header::CONTENT_RANGE, range);
            response
        }
    };
    set(&mut response, header::CONTENT_TYPE, BYTES.to_owned());
    set(&mut response, header::ACCEPT_RANGES, "bytes".to_owned());
    let tag = format!("\"{modified_at}-{size}\"");
    set(&mut response, header::ETAG, tag);
    Ok(response)
}

fn set(response: &mut Response, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The first and the last byte of a single range (RFC 9110, section 14.1.2). `None` for what is
/// none, or several: such a header is not obeyed. An error when it begins beyond the end.
fn part(range: &HeaderValue, size: u64) -> Option<Result<(u64, u64), ()>> {
    let range = range.to_str().ok()?.strip_prefix("bytes=")?.trim();
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    if first.is_empty() {
        let length = number(last)?.min(size);
        return Some(match length {
            0 => Err(()),
            length => Ok((size - length, size - 1)),
        });
    }
    let first = number(first)?;
    let last = match last {
        "" => u64::MAX,
        last => number(last)?,
    };
    if last < first {
        return None;
    }
    Some(match first < size {
        true => Ok((first, last.min(size - 1))),
        false => Err(()),
    })
}

#[derive(Debug, Deserialize)]
struct WriteQuery {
    path: String,
    #[serde(default)]
    append: bool,
}

async fn write(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<WriteQuery>>,
    body: Body,
) -> Result<Json<Node>, Refused> {
    let files = admin.sandboxes.files_to_write(session)?;
    let path = WorkspacePath::parse(&query.path)?;
    let content = body.into_data_stream().map_err(Box::new);
    let node = if query.append {
        files.workspace.append(&path, content).await?
    } else {
        files.workspace.write(&path, content).await?
    };
    files.changed(&[&path]);
    Ok(Json(node))
}

#[derive(Debug, Deserialize)]
struct DeleteQuery {
    path: String,
    #[serde(default)]
    recursive: bool,
}

async fn delete(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<DeleteQuery>>,
) -> Result<StatusCode, Refused> {
    let files = admin.sandboxes.files(session)?;
    let path = WorkspacePath::parse(&query.path)?;
    let deleted = files.workspace.delete(&path, query.recursive).await;
    // Also where only a part of it could be deleted.
    admin.sandboxes.remeasure(session);
    files.changed(&[&path]);
    deleted?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rename(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(body)): Given<Json<Move>>,
) -> Result<Json<Node>, Refused> {
    let files = admin.sandboxes.files(session)?;
    let [from, to] = [&body.from, &body.to].map(|path| WorkspacePath::parse(path));
    let (from, to) = (from?, to?);
    let moved = files.workspace.rename(&from, &to, body.overwrite).await?;
    files.changed(&[&from, &to]);
    Ok(Json(moved))
}

async fn edit(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(body)): Given<Json<Edits>>,
) -> Result<StatusCode, Refused> {
    let files = admin.sandboxes.files_to_write(session)?;
    let mut edits = Vec::with_capacity(body.edits.len());
    for edit in body.edits {
        let mode_of = edit.mode_of.as_deref().map(WorkspacePath::parse);
        edits.push(Edit {
            path: WorkspacePath::parse(&edit.path)?,
            before: edit.before,
            after: edit.after.map(String::into_bytes),
            mode_of: mode_of.transpose()?,
        });
    }
    let paths: Vec<WorkspacePath> = edits.iter().map(|edit| edit.path.clone()).collect();
    let edited = files.workspace.edit(edits).await;
    // Also where not all could be made what it was.
    admin.sandboxes.remeasure(session);
    files.changed(&paths.iter().collect::<Vec<_>>());
    edited?;
    Ok(StatusCode::NO_CONTENT)
}

async fn make_directory(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(body)): Given<Json<MakeDirectory>>,
) -> Result<Json<Node>, Refused> {
    let files = admin.sandboxes.files_to_write(session)?;
    let path = WorkspacePath::parse(&body.path)?;
    let made = files.workspace.make_directory(&path).await?;
    files.changed(&[&path]);
    Ok(Json(made))
}

#[derive(Debug, Deserialize)]
struct ArchiveQuery {
    #[serde(default)]
    root: String,
    format: Option<String>,
}

async fn archive(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(query)): Given<Query<ArchiveQuery>>,
) -> Result<Response, Refused> {
    let format = query.format.as_deref().unwrap_or("tar.gz");
    let format = Format::named(format).ok_or_else(|| {
        let detail = "The format must be `tar.gz` or `zip`";
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    let files = admin.sandboxes.files(session)?;
    let root = WorkspacePath::parse(&query.root)?;
    let archive = files.workspace.archive(&root, format).await?;
    let mut response = Response::new(Body::from_stream(archive.map_ok(Bytes::from)));
    let kind = format.media_type().to_owned();
    set(&mut response, header::CONTENT_TYPE, kind);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |text: &'static str, expected| {
            assert_eq!(
                part(&HeaderValue::from_static(text), 10),
                expected,
                "{text}"
            );
        };
        check("bytes=0-3", Some(Ok((0, 3))));
        check("bytes=4-", Some(Ok((4, 9))));
        check("bytes=-3", Some(Ok((7, 9))));
        check("bytes=-30", Some(Ok((0, 9))));
        check("bytes=8-99", Some(Ok((8, 9))));
        check("bytes=10-", Some(Err(())));
        check("bytes=-0", Some(Err(())));
        check("bytes=5-4", None);
        check("bytes=0-1,4-5", None);
        check("bytes=+1-2", None);
        check("bytes=99999999999999999999-", None);
        check("lines=0-1", None);
        check("bytes=", None);
    }
}
