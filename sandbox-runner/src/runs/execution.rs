//! One answer of the edge to "execute this run", line by line.

use super::Settings;
use crate::edge::{AskError, Edge};
use bytes::{Buf as _, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use runner_api::runs::{Execute, Line};
use std::{error::Error as StdError, time::Duration};
use uuid::Uuid;

/// The longest line, in bytes: a message twice, every letter escaped, and its calls.
const LINE: usize = 16 * 1024 * 1024;

/// How long the edge may take for the head of its answer.
const HEAD: Duration = Duration::from_secs(30);

/// What the edge answers.
#[derive(Debug)]
pub(super) enum Opened {
    /// It executes.
    Lines(Lines),
    /// There is no such run.
    Gone,
    /// Somebody else executes it.
    Held,
}

/// Why nothing more is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("the edge cannot be asked")]
    Ask(#[from] AskError),
    #[error("the edge answered {0}")]
    Refused(StatusCode),
    #[error("the execution broke off")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the execution said nothing for too long")]
    Silent,
    #[error("the execution ended without an end")]
    Unfinished,
}

/// The lines of an execution.
#[derive(Debug)]
pub(super) struct Lines {
    body: Incoming,
    begun: BytesMut,
    silence: Duration,
}

/// Asks the edge to execute a run after step `seen`.
pub(super) async fn open(
    edge: &Edge,
    run: Uuid,
    seen: u64,
    settings: &Settings,
) -> Result<Opened, Cut> {
    let path = format!("/internal/runs/{run}");
    let response = edge.open(&path, &Execute { seen }, HEAD).await?;
    let (parts, body) = response.into_parts();
    match parts.status {
        StatusCode::OK => Ok(Opened::Lines(Lines {
            body,
            begun: BytesMut::new(),
            silence: settings.silence,
        })),
        StatusCode::NOT_FOUND => Ok(Opened::Gone),
        StatusCode::CONFLICT => Ok(Opened::Held),
        status => Err(Cut::Refused(status)),
    }
}

impl Lines {
    /// The next line.
    pub(super) async fn next(&mut self) -> Result<Line, Cut> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line = self.begun.split_to(end);
                self.begun.advance(1);
                return serde_json::from_slice(&line).map_err(|error| Cut::Broken(error.into()));
            }
            if self.begun.len() > LINE {
                return Err(Cut::Broken("a line is too long".into()));
            }
            let frame = tokio::time::timeout(self.silence, self.body.frame());
            match frame.await.map_err(|_| Cut::Silent)? {
                None => return Err(Cut::Unfinished),
                Some(Err(error)) => return Err(Cut::Broken(error.into())),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.begun.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
