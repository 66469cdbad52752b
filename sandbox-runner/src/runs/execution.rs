//! One answer of the edge to "execute this run", line by line.

use super::Settings;
use crate::edge::{AskError, Edge};
use bytes::{Buf as _, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use runner_api::runs::{Drive, Execute, Line};
use std::{error::Error as StdError, time::Duration};

/// The longest line, in bytes: a message twice, every letter escaped, and its calls.
const LINE: usize = 16 * 1024 * 1024;

/// How many bytes of lines are passed on together.
const TOGETHER: usize = 256 * 1024;

/// How long the edge may take for the head of its answer.
const HEAD: Duration = Duration::from_secs(30);

/// How long the end of an answer is waited for after its last line.
const REST: Duration = Duration::from_millis(250);

/// What the edge answers.
#[derive(Debug)]
pub(super) enum Opened {
    /// It executes.
    Lines(Box<Lines>),
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
    /// A line that was looked at, and is not due yet.
    next: Option<Line>,
    silence: Duration,
}

/// Asks the edge to execute a run after step `seen`.
pub(super) async fn open(
    edge: &Edge,
    drive: &Drive,
    seen: u64,
    settings: &Settings,
) -> Result<Opened, Cut> {
    let path = drive.executor.path(drive.run);
    let response = edge.open(&path, &Execute { seen }, HEAD).await?;
    let (parts, body) = response.into_parts();
    match parts.status {
        StatusCode::OK => Ok(Opened::Lines(Box::new(Lines {
            body,
            begun: BytesMut::new(),
            next: None,
            silence: settings.silence,
        }))),
        StatusCode::NOT_FOUND => Ok(Opened::Gone),
        StatusCode::CONFLICT => Ok(Opened::Held),
        status => Err(Cut::Refused(status)),
    }
}

impl Lines {
    /// The next line; with those after it that are there already, where neither tells a step: what
    /// came at once is passed on at once.
    pub(super) async fn next(&mut self) -> Result<Line, Cut> {
        let mut line = self.next_line().await?;
        let mut most = TOGETHER;
        let Some(batch) = line.batch.as_mut().filter(|batch| batch.step.is_none()) else {
            return Ok(line);
        };
        while let Some(another) = self.received(&mut most)? {
            match another.batch {
                Some(more) if more.step.is_none() => {
                    batch.events.extend(more.events);
                    line.room.extend(another.room);
                }
                _ => {
                    self.next = Some(another);
                    break;
                }
            }
        }
        Ok(line)
    }

    /// Reads what stands behind the last line, which is nothing but the answer's end: only a
    /// connection whose answer was read to its end is used again.
    pub(super) async fn finish(mut self) {
        let rest = async { while let Some(Ok(_)) = self.body.frame().await {} };
        // Where there is more than that, the connection is closed.
        let _ = tokio::time::timeout(REST, rest).await;
    }

    /// A line that is there already, of at most so many bytes; they are taken off.
    fn received(&mut self, most: &mut usize) -> Result<Option<Line>, Cut> {
        if let Some(line) = self.next.take() {
            return Ok(Some(line));
        }
        let end = self.begun.iter().position(|byte| *byte == b'\n');
        let Some(end) = end.filter(|end| end <= most) else {
            return Ok(None);
        };
        *most -= end;
        let line = self.begun.split_to(end);
        self.begun.advance(1);
        let line = serde_json::from_slice(&line);
        line.map(Some).map_err(|error| Cut::Broken(error.into()))
    }

    async fn next_line(&mut self) -> Result<Line, Cut> {
        loop {
            let mut any = usize::MAX;
            if let Some(line) = self.received(&mut any)? {
                return Ok(line);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Empty;
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_connection_whose_answer_was_read_to_its_end_is_used_again() {
        let (near, mut far) = tokio::io::duplex(4096);
        let (mut requests, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        let begins = async {
            let mut head = [0; 1024];
            assert!(far.read(&mut head).await.unwrap() > 0);
            let line = "{\"continue\":true}\n";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{line}\r\n",
                line.len()
            );
            far.write_all(answer.as_bytes()).await.unwrap();
        };
        let asking = requests.send_request(Request::new(Empty::<Bytes>::new()));
        let (response, ()) = tokio::join!(asking, begins);
        let mut lines = Lines {
            body: response.unwrap().into_body(),
            begun: BytesMut::new(),
            next: None,
            silence: HEAD,
        };
        assert!(lines.next().await.unwrap().goes_on);
        // The end comes when it is waited for.
        let ends = async { far.write_all(b"0\r\n\r\n").await.unwrap() };
        tokio::join!(lines.finish(), ends);
        requests.ready().await.unwrap();
    }
}
