//! A command as server-sent events: `started`, `stdout`, `stderr`, and one of `exited`, `error`
//! at the end.

use axum::response::Response;
use bytes::Bytes;
use contracts::{Contract, Problem};
use domain::{Error, ErrorKind};
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use http::{HeaderValue, header};
use ports::{BoxFuture, Platform};
use runner_api::{ExecEvents, commands::ExecEvent};
use serde::Serialize;
use web::sse;

/// What an event carries besides its name, which it repeats for readers of `data` alone.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data<'a> {
    Started {
        id: u64,
    },
    Stdout {
        text: &'a str,
    },
    Stderr {
        text: &'a str,
    },
    Exited {
        exit_code: i32,
        timed_out: bool,
        truncated: bool,
        duration_ms: u64,
    },
}

struct Telling {
    platform: Platform,
    events: ExecEvents,
    heartbeat: BoxFuture<'static, ()>,
}

/// The answer that tells `events` as they come. When its reader leaves, the command is killed.
pub(crate) fn stream(platform: &Platform, events: ExecEvents) -> Response {
    let telling = Telling {
        heartbeat: platform.clock.sleep(sse::HEARTBEAT_EVERY),
        platform: platform.clone(),
        events,
    };
    let pieces = stream::unfold(telling, async |mut telling| {
        let piece = telling.next().await?;
        Some((piece, telling))
    });
    let mut response = sse::answer(pieces);
    // What a command puts out is nobody else's to keep.
    let cache = HeaderValue::from_static("no-store, no-transform");
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    response
}

impl Telling {
    async fn next(&mut self) -> Option<Bytes> {
        match select(self.events.next(), &mut self.heartbeat).await {
            Either::Left((event, _)) => event.map(|event| written(&event)),
            Either::Right(_) => {
                self.heartbeat = self.platform.clock.sleep(sse::HEARTBEAT_EVERY);
                Some(sse::HEARTBEAT)
            }
        }
    }
}

fn written(event: &Result<ExecEvent, Error>) -> Bytes {
    let (name, data) = match event {
        Ok(ExecEvent::Started { id }) => ("started", Data::Started { id: *id }),
        Ok(ExecEvent::Stdout { text }) => ("stdout", Data::Stdout { text }),
        Ok(ExecEvent::Stderr { text }) => ("stderr", Data::Stderr { text }),
        Ok(ExecEvent::Exited {
            exit_code,
            timed_out,
            truncated,
            duration_ms,
        }) => {
            let exited = Data::Exited {
                exit_code: *exit_code,
                timed_out: *timed_out,
                truncated: *truncated,
                duration_ms: *duration_ms,
            };
            ("exited", exited)
        }
        Ok(ExecEvent::Failed { detail }) => {
            return failed(&Error::new(ErrorKind::Upstream, detail.clone()));
        }
        Err(error) => {
            eprintln!("exec: {}", error.with_causes());
            return failed(error);
        }
    };
    let data = contracts::to_json(&data);
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn failed(error: &Error) -> Bytes {
    let problem = Problem::of(error, Contract::Workspace, "/api/v1/sandbox/exec");
    sse::error(&problem)
}
