//! What a model's faults mean to the reader.

use domain::{Error, ErrorKind};

/// The reader's error for a model's fault. What the server said stays in the log.
pub(crate) fn fault(error: &llm::Error) -> Error {
    let kind = match error {
        error if error.is_timeout() => ErrorKind::UpstreamTimeout,
        llm::Error::Denied { .. } | llm::Error::Connect { .. } => ErrorKind::Unavailable,
        llm::Error::Status {
            code: 429 | 503, ..
        } => ErrorKind::Unavailable,
        _ => ErrorKind::Upstream,
    };
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let fault = Error::new(kind, text).caused_by(error.detail().unwrap_or_default());
    match (kind, error.retry_after()) {
        (ErrorKind::Unavailable, Some(after)) => {
            fault.retry_in(after.as_secs().clamp(1, 3600).try_into().unwrap_or(60))
        }
        (ErrorKind::Unavailable, None) => fault.retry_in(5),
        _ => fault,
    }
}
