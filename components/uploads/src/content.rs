//! Files' bytes, at addresses that are good for a while.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{Error, ErrorKind, StoredFile};
use http::{HeaderValue, header};
use ports::Platform;
use store::files;
use web::{Outcome, Parameters, TokenSettings, UuidId, attachment, filter, whole_number};

/// What browsers show; all else they only store. None of it can run anything.
const SHOWN: [&str; 11] = [
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "audio/flac",
    "application/json",
];

/// What is read at such an address does not change, and is for whoever has the address.
const KEPT: &str = "private, max-age=3600, immutable";

pub(crate) async fn read(
    State(platform): State<Platform>,
    UuidId(uuid): UuidId,
    query: Parameters,
) -> Outcome<Response> {
    let expires = filter(&query, "expires", whole_number)?.unwrap_or_default();
    let signature = query.get("signature").unwrap_or_default();
    let keys = TokenSettings::read(&platform).await?.keys;
    let now = platform.clock.now();
    if !auth::may_read_file(&keys, uuid, expires, signature, now) {
        let detail = "The address has expired, or is none of ours. Ask for the file again";
        return Err(Error::new(ErrorKind::Forbidden, detail).into());
    }
    let found = files::by_uuid(&*platform.sql, uuid).await?;
    let file = found.ok_or_else(|| Error::not_found("The file is gone"))?;
    Ok(serve(&platform, &file, KEPT).await?)
}

/// A file as its bytes. `kept` says how long readers may keep it.
pub(crate) async fn serve(
    platform: &Platform,
    file: &StoredFile,
    kept: &'static str,
) -> Result<Response, Error> {
    let bytes = file_store::read(platform, file).await?;
    let shown = SHOWN.into_iter().find(|shown| *shown == file.file_type);
    let disposition = match shown {
        Some(_) => HeaderValue::from_static("inline"),
        None => attachment(&file.name),
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            shown.unwrap_or("application/octet-stream"),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, kept),
    ];
    let of_this = [
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_LENGTH, HeaderValue::from(file.size)),
    ];
    Ok((headers, of_this, Body::from_stream(bytes)).into_response())
}
