//! A room as server-sent events.
//!
//! A task hands the events to the body of the answer. Where the body is not taken any more, only
//! the connection itself can be ended, so the task has the means to do it.

use super::{frames, goodbye::Goodbye, life::Life, settings::Settings};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use rooms::{Delivery, Subscription};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many pieces wait for the connection to take them.
const PIECES: usize = 4;

/// How soon a browser comes again, in milliseconds.
const RETRY: u32 = 1000;

const HEARTBEAT: Bytes = Bytes::from_static(b": \n\n");

/// The body of an answer, piece by piece.
#[derive(Debug)]
pub(crate) struct StreamBody {
    pieces: mpsc::Receiver<Bytes>,
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// The answer's head, its body, and where the body's pieces go.
pub(super) fn answer() -> (Response<StreamBody>, mpsc::Sender<Bytes>) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let mut response = Response::new(StreamBody { pieces });
    let headers = response.headers_mut();
    let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
    say(header::CONTENT_TYPE, "text/event-stream");
    say(header::CACHE_CONTROL, "no-cache, no-transform");
    say(header::HeaderName::from_static("x-accel-buffering"), "no");
    (response, sender)
}

/// Serves a stream to its end; `cut` ends the connection.
pub(super) async fn serve(
    pieces: mpsc::Sender<Bytes>,
    session: Uuid,
    mut reader: Subscription,
    life: Life,
    settings: &Settings,
    cut: CancellationToken,
) {
    let why = converse(&pieces, session, &mut reader, &life, settings).await;
    drop(reader);
    tracing::debug!(%session, code = why.code(), "a stream ends");
    if why == Goodbye::Left {
        return;
    }
    let said = tokio::time::timeout(settings.goodbye, pieces.send(why.event().into()));
    if said.await.is_err() {
        cut.cancel();
        return;
    }
    // What was handed over may still be stuck: the connection is ended if it does not go out.
    let taken = tokio::time::timeout(settings.goodbye, pieces.reserve_many(PIECES));
    if taken.await.is_err() {
        cut.cancel();
    }
}

async fn converse(
    pieces: &mpsc::Sender<Bytes>,
    session: Uuid,
    reader: &mut Subscription,
    life: &Life,
    settings: &Settings,
) -> Goodbye {
    let mut over = std::pin::pin!(life.over());
    let mut beat = tokio::time::interval_at(Instant::now() + settings.beat, settings.beat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Whoever is cut off before the first event goes on from here.
    let mut next = vec![format!("retry: {RETRY}\nid: {}\n\n", reader.after()).into()];
    loop {
        if let Err(why) = send(pieces, next, reader, over.as_mut(), settings).await {
            return why;
        }
        next = tokio::select! {
            biased;
            why = over.as_mut() => return why,
            () = pieces.closed() => return Goodbye::Left,
            _ = beat.tick() => vec![HEARTBEAT],
            delivery = reader.next() => match delivery {
                Delivery::Events(events) => {
                    events.iter().map(|entry| frames::event(entry)).collect()
                }
                Delivery::Lost { loss, after } => {
                    let frame = frames::lost(session, after, loss);
                    vec![frames::stream_event(after, &frame)]
                }
                Delivery::Closed(why) => return why.into(),
            },
        };
    }
}

async fn send(
    pieces: &mpsc::Sender<Bytes>,
    next: Vec<Bytes>,
    reader: &Subscription,
    over: Pin<&mut impl Future<Output = Goodbye>>,
    settings: &Settings,
) -> Result<(), Goodbye> {
    let sending = async {
        for piece in next {
            pieces.send(piece).await.map_err(|_| Goodbye::Left)?;
        }
        Ok(())
    };
    tokio::select! {
        biased;
        sent = sending => sent,
        why = over => Err(why),
        why = reader.overrun() => Err(why.into()),
        () = tokio::time::sleep(settings.silence) => Err(Goodbye::Slow),
    }
}
