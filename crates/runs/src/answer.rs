//! What an execution answers: lines, and a beat every second.

use crate::{Workshop, room::Room, stored, tokens::Tokens, toolbox::Nothing};
use agent::{Batch, Gone, Team};
use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    channel::mpsc,
    future::{Either, select},
    stream,
};
use http::{HeaderValue, header};
use ports::{BoxFuture, Platform};
use runner_api::runs::{Batch as Told, Ending, Line};
use std::{convert::Infallible, sync::Arc, time::Duration};
use store::runs::StoredRun;
use web::Outcome;

/// How many lines wait for a slow reader.
pub(super) const WAITING: usize = 16;

/// How often the reader hears that the execution is there.
const BEAT: Duration = Duration::from_secs(1);

/// The answer of an execution: what `working` tells, and a beat every second, a line each.
pub(super) fn answer(
    platform: Platform,
    told: mpsc::Receiver<Bytes>,
    working: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let body = Body::from_stream(lines(platform, told, working));
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A run that has ended: its reader may have been cut off before the last it was to be told, and so
/// may others.
pub(super) async fn told_again(
    platform: Platform,
    run: StoredRun,
    seen: u64,
    workshop: &'static dyn Workshop,
) -> Outcome<Response> {
    let sql = &*platform.sql;
    let stored::Read { transcript, .. } = stored::read(sql, &run).await?;
    let tokens = Tokens::of(sql, &run, &transcript, seen, &Team::default()).await?;
    let (mut sender, told) = mpsc::channel(WAITING);
    let last = Line {
        end: Some(Ending {
            outcome: run.status.as_str().to_owned(),
            reason: run.reason.clone().unwrap_or_default(),
            detail: run.detail.clone().unwrap_or_default(),
        }),
        ..Line::default()
    };
    let reader = Reader {
        sender: sender.clone(),
        room: Arc::new(Room::of(&platform, &run, Arc::new(Nothing), tokens)),
    };
    let world = platform.clone();
    let telling = async move {
        if agent::retell(&transcript, seen, &reader).await.is_ok() {
            workshop.ended(&world, &run, &transcript).await;
            // A reader that has left finds out by asking again.
            let _ = sender.send(written(&last)).await;
        }
    };
    Ok(answer(platform, told, telling))
}

/// What `working` tells, and a beat every second.
fn lines(
    platform: Platform,
    told: mpsc::Receiver<Bytes>,
    working: impl Future<Output = ()> + Send + 'static,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let working = stream::once(working).filter_map(|()| std::future::ready(None));
    let all = Box::pin(stream::select(told, working));
    let beat = platform.clock.sleep(BEAT);
    // The timer goes on while lines come: one for each of them would cost more than they do.
    stream::unfold((all, beat), move |(mut all, beat)| {
        let clock = platform.clock.clone();
        async move {
            let (line, beat) = match select(all.next(), beat).await {
                Either::Left((line, beat)) => (line?, beat),
                Either::Right(_) => {
                    let beat = Line {
                        beat: true,
                        ..Line::default()
                    };
                    (written(&beat), clock.sleep(BEAT))
                }
            };
            Some((Ok(line), (all, beat)))
        }
    })
}

/// Whoever reads the answer's body.
pub(super) struct Reader {
    pub(super) sender: mpsc::Sender<Bytes>,
    pub(super) room: Arc<Room>,
}

impl agent::Reader for Reader {
    fn tell(&self, batch: Batch) -> BoxFuture<'_, Result<(), Gone>> {
        let mut sender = self.sender.clone();
        Box::pin(async move {
            let events = batch.events.iter().map(serde_json::to_value);
            let events = events.collect::<Result<Vec<_>, serde_json::Error>>();
            let events = events.map_err(|error| {
                let run = self.room.run_id();
                eprintln!("run {run}: an event cannot be written: {error}");
                Gone
            })?;
            let line = Line {
                room: self.room.told(&batch.events).await,
                batch: Some(Told {
                    step: batch.step,
                    events,
                }),
                ..Line::default()
            };
            sender.send(written(&line)).await.map_err(|_| Gone)
        })
    }
}

/// A line, as it is sent.
pub(super) fn written(line: &Line) -> Bytes {
    let mut line = contracts::to_json(line);
    line.push('\n');
    line.into()
}
