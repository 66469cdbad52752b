//! What an open socket says, line by line.

use super::{Settings, opening::Socket};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use runner_api::comfy::FollowLine;
use std::time::Duration;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// An open socket. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Listening {
    socket: Socket,
    beat: Duration,
    silence: Duration,
    heard: Instant,
    stopping: CancellationToken,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Listening {
    pub(super) fn new(
        socket: Socket,
        settings: &Settings,
        stopping: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            socket,
            beat: settings.beat,
            silence: settings.silence,
            heard: Instant::now(),
            stopping,
            has_ended: false,
            _place: place,
        }
    }

    /// The next line; nothing after the last one.
    pub(crate) async fn next(&mut self) -> Option<FollowLine> {
        if self.has_ended {
            return None;
        }
        loop {
            let stopping = self.stopping.clone();
            let heard = tokio::select! {
                () = stopping.cancelled() => return Some(self.end("the runner stops")),
                heard = tokio::time::timeout(self.beat, self.socket.next()) => heard,
            };
            let Ok(message) = heard else {
                return Some(self.quiet().await);
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Some(FollowLine {
                        frame: Some(text.to_string()),
                        ..FollowLine::default()
                    });
                }
                // Previews, and signs of life: pings are answered while the socket is read.
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_) | Message::Frame(_))) | None => {
                    return Some(self.end("the service closed the socket"));
                }
                Some(Err(error)) => return Some(self.end(&error.to_string())),
            }
        }
    }

    /// Nothing came: the other end is asked whether it is there.
    async fn quiet(&mut self) -> FollowLine {
        if self.heard.elapsed() >= self.silence {
            return self.end("the service gives no sign of life");
        }
        let ping = self.socket.send(Message::Ping(Bytes::new()));
        match tokio::time::timeout(self.beat, ping).await {
            Ok(Ok(())) => FollowLine {
                beat: true,
                ..FollowLine::default()
            },
            Ok(Err(error)) => self.end(&error.to_string()),
            Err(_) => self.end("the service takes nothing"),
        }
    }

    fn end(&mut self, why: &str) -> FollowLine {
        self.has_ended = true;
        FollowLine {
            end: Some(why.to_owned()),
            ..FollowLine::default()
        }
    }
}
