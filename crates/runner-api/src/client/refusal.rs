//! What the runner's refusals and silences mean to the person who asked.

use super::whole;
use domain::{Error, ErrorKind};
use http::{HeaderMap, HeaderValue, Response, header, response::Parts};
use ports::{ByteStream, HttpError};
use serde::Deserialize;
use std::error::Error as StdError;

/// The largest refusal that is read.
const MAX_BYTES: usize = 64 * 1024;

/// The longest detail that is passed on, in characters.
const DETAIL_MAX: usize = 2_000;

/// After how many seconds a runner that is down may be back.
const RETRY_AFTER: u32 = 5;

type Cause = Box<dyn StdError + Send + Sync>;

/// What of a problem (RFC 7807) is for the person.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// Why there is no answer.
pub(super) struct Refusal {
    pub(super) error: Error,
    /// Of a range that is beyond the end: `bytes */SIZE`.
    pub(super) content_range: Option<HeaderValue>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            content_range: None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// What an answer other than a success stands for.
pub(super) async fn read(response: Response<ByteStream>) -> Refusal {
    let (parts, body) = response.into_parts();
    Refusal {
        content_range: parts.headers.get(header::CONTENT_RANGE).cloned(),
        error: error(&parts, body).await,
    }
}

async fn error(parts: &Parts, body: ByteStream) -> Error {
    let status = parts.status.as_u16();
    let cause = format!("the runner answered {status}");
    let Some(kind) = kind_of(status) else {
        return failed(cause);
    };
    if status == 401 {
        return Error::new(kind, "The sandbox service is not configured").caused_by(cause);
    }
    let retry_after = retry_after(&parts.headers);
    let detail = match detail(&parts.headers, body).await {
        Some(detail) => detail,
        // Down is down, whoever says so in whatever words: a proxy in between, for example.
        None if kind == ErrorKind::Unavailable => return unavailable(cause, retry_after),
        // No refusal of the runner's own: not its path, or not the runner at all.
        None => return failed(format!("{cause} without a problem")),
    };
    let error = Error::new(kind, detail).caused_by(cause);
    match (kind, retry_after) {
        (_, Some(seconds)) => error.retry_in(seconds),
        (ErrorKind::Unavailable, None) => error.retry_in(RETRY_AFTER),
        (_, None) => error,
    }
}

/// What the person can do about a refusal; nothing about one that is not the person's.
fn kind_of(status: u16) -> Option<ErrorKind> {
    Some(match status {
        400 | 422 => ErrorKind::Refused,
        // Our own token is wrong: the deployment is at fault.
        401 => ErrorKind::Unavailable,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        416 => ErrorKind::RangeNotSatisfiable,
        429 => ErrorKind::TooManyRequests,
        503 => ErrorKind::Unavailable,
        504 => ErrorKind::UpstreamTimeout,
        507 => ErrorKind::InsufficientStorage,
        _ => return None,
    })
}

async fn detail(headers: &HeaderMap, body: ByteStream) -> Option<String> {
    let media_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/problem+json") {
        return None;
    }
    let bytes = whole(body, MAX_BYTES).await.ok()?;
    let problem: Problem = serde_json::from_slice(&bytes).ok()?;
    Some(problem.detail.chars().take(DETAIL_MAX).collect())
}

fn retry_after(headers: &HeaderMap) -> Option<u32> {
    let value = headers.get(header::RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// Nothing was heard of the runner.
pub(super) fn unreachable(error: HttpError) -> Error {
    match error {
        HttpError::Broken(_) => failed(error),
        HttpError::Denied(_) | HttpError::Unreachable(_) | HttpError::ConnectTimeout => {
            unavailable(error, None)
        }
    }
}

fn unavailable(cause: impl Into<Cause>, retry_after: Option<u32>) -> Error {
    let detail = "The sandbox service is not there at the moment. Try again later";
    Error::new(ErrorKind::Unavailable, detail)
        .retry_in(retry_after.unwrap_or(RETRY_AFTER))
        .caused_by(cause)
}

/// It took too long.
pub(super) fn late() -> Error {
    let detail = "The sandbox service did not answer in time";
    Error::new(ErrorKind::UpstreamTimeout, detail)
}

/// The runner did not do what runners do.
pub(super) fn failed(cause: impl Into<Cause>) -> Error {
    Error::new(ErrorKind::Upstream, "The sandbox service failed").caused_by(cause)
}

/// What came is not what was asked for.
pub(super) fn malformed(error: &serde_json::Error) -> Error {
    failed(format!("a malformed answer: {error}"))
}
