//! Paths of sockets and of streams of events, which the runner serves and not the edge.

use crate::{failure::Failure, settings::variable};
use axum::extract::State;
use domain::{Error, ErrorKind};
use http::Uri;
use ports::Platform;

/// The answer to whoever asks the edge for one: where it is. The variable `runner_public_url`
/// says so; when it is empty, `public_url`.
pub async fn elsewhere(State(platform): State<Platform>, uri: Uri) -> Failure {
    where_it_is(&platform, uri.path()).await.into()
}

async fn where_it_is(platform: &Platform, path: &str) -> Error {
    let base = match variable(platform, "runner_public_url").await {
        Ok(url) if url.is_empty() => variable(platform, "public_url").await,
        other => other,
    };
    match base {
        Ok(base) => {
            let base = base.trim_end_matches('/');
            let detail = format!("This is served at {base}{path}, by WebSocket or as events");
            Error::new(ErrorKind::UpgradeRequired, detail)
        }
        Err(error) => error,
    }
}
