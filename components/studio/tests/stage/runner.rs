//! The runner that the test plays.

use bytes::Bytes;
use domain::Event;
use futures::{StreamExt, channel::mpsc, future};
use http::Request;
use ports::{BoxFuture, ByteStream, Http, HttpError};
use runner_api::{
    comfy::{Follow, FollowLine},
    rooms::Publish,
    runs::{Drive, Executor, Passed, Told},
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use test_app::{Edge, aside, ndjson};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

type Answered = Result<http::Response<ByteStream>, HttpError>;

/// The runner, and the way to everything else.
pub struct PlayedRunner {
    rest: test_app::Runner,
    world: Arc<dyn Http>,
    pub edge: Edge,
    /// Whether it cannot listen to services.
    pub deaf: AtomicBool,
    /// What rooms were told, in order: the room, and the frame of `studio`.
    told: Mutex<Vec<(Uuid, Option<Value>)>>,
    seq: AtomicU64,
}

impl PlayedRunner {
    pub(super) fn new(rest: test_app::Runner) -> Self {
        Self {
            rest,
            world: Arc::new(platform_native::HyperHttp::new().unwrap()),
            edge: Edge::default(),
            deaf: AtomicBool::new(false),
            told: Mutex::default(),
            seq: AtomicU64::new(0),
        }
    }

    /// The frames that the room of a user was sent, which are then forgotten.
    pub fn frames(&self, room: Uuid) -> Vec<Value> {
        let mut told = self.told.lock().unwrap();
        let (own, others): (Vec<_>, Vec<_>) = told.drain(..).partition(|(of, _)| *of == room);
        *told = others;
        own.into_iter().filter_map(|(_, frame)| frame).collect()
    }

    /// Waits until a room was sent a frame that is so.
    pub async fn until_told(&self, room: Uuid, is_it: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let found = {
                    let told = self.told.lock().unwrap();
                    let mut own = told.iter().filter(|(of, _)| *of == room);
                    own.find_map(|(_, frame)| frame.clone().filter(&is_it))
                };
                if let Some(frame) = found {
                    return frame;
                }
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(super::LONG, waiting).await;
        waited.expect("a frame")
    }

    /// Has a run executed until it has ended or is gone.
    async fn drive(&self, drive: Drive, lines: mpsc::UnboundedSender<Passed>) {
        assert_eq!(drive.executor, Executor::Studio);
        let told = self.edge.drive(&drive, |line| {
            let passed = match (line.end, line.batch) {
                (None, None) => return,
                (end, batch) => Passed {
                    room: self.publish(drive.room(), line.room),
                    batch,
                    end,
                    ..Passed::default()
                },
            };
            drop(lines.unbounded_send(passed));
        });
        told.await;
    }

    fn publish(&self, room: Uuid, events: Vec<Event>) -> Vec<Told> {
        let numbered = events.into_iter().map(|event| {
            let id = format!("1:{}", self.seq.fetch_add(1, Ordering::SeqCst) + 1);
            let frame = contracts::studio::frames::frame(&id, &event);
            let frame = frame.map(|frame| serde_json::from_str(&frame).unwrap());
            self.told.lock().unwrap().push((room, frame));
            Told {
                id,
                at: test_app::NOW,
                event,
            }
        });
        numbered.collect()
    }
}

/// The runner as the edge reaches it.
struct Door(Arc<PlayedRunner>);

pub(super) fn door(runner: &Arc<PlayedRunner>) -> Arc<dyn Http> {
    Arc::new(Door(Arc::clone(runner)))
}

impl Http for Door {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Answered> {
        if request.uri().port_u16() != Some(9) {
            return self.0.world.send(request);
        }
        let runner = Arc::clone(&self.0);
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match segments.as_slice() {
            ["v1", "runs"] => {
                let drive: Drive = serde_json::from_slice(request.body()).unwrap();
                let (sender, lines) = mpsc::unbounded();
                aside(move || async move { runner.drive(drive, sender).await });
                Box::pin(future::ready(Ok(ndjson(lines))))
            }
            ["v1", "rooms", room, "events"] => {
                let publish: Publish = serde_json::from_slice(request.body()).unwrap();
                let told = runner.publish(room.parse().unwrap(), publish.events);
                let ids: Vec<_> = told.into_iter().map(|told| told.id).collect();
                let body = json!({ "ids": ids }).to_string();
                let body = futures::stream::iter([Ok(Bytes::from(body))]);
                Box::pin(future::ready(Ok(http::Response::new(body.boxed()))))
            }
            ["v1", "comfy", "follow"] if !runner.deaf.load(Ordering::SeqCst) => {
                let follow: Follow = serde_json::from_slice(request.body()).unwrap();
                Box::pin(listen(follow))
            }
            _ => self.0.rest.send(request),
        }
    }
}

/// Listens to a service.
async fn listen(follow: Follow) -> Answered {
    let opened = tokio_tungstenite::connect_async(follow.url).await;
    let Ok((mut socket, _)) = opened else {
        return Err(HttpError::Unreachable("no socket".to_owned()));
    };
    let (sender, lines) = mpsc::unbounded();
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                let line = FollowLine {
                    frame: Some(text.to_string()),
                    ..FollowLine::default()
                };
                if sender.unbounded_send(line).is_err() {
                    return;
                }
            }
        }
        let end = FollowLine {
            end: Some("closed".to_owned()),
            ..FollowLine::default()
        };
        drop(sender.unbounded_send(end));
    });
    Ok(ndjson(lines))
}
