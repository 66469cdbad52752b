//! A room over a WebSocket.
//!
//! One task a socket. What is sent first, and what is made of what the client sends, its dialect
//! says. Whoever takes nothing while the room goes on is cut off: there is no queue, only what the
//! kernel holds and the place in the room's history.

use super::{
    allowance::Allowance,
    dialect::{Dialect, Heard},
    goodbye::Goodbye,
    life::Life,
    questions::Questions,
    settings::Settings,
};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rooms::{Delivery, Subscription};
use std::pin::Pin;
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{
            Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};
use uuid::Uuid;

/// How much is read at a time: clients say little.
const READ: usize = 1024;

/// How much is gathered before it is written.
const WRITE: usize = 8 * 1024;

type Socket = WebSocketStream<TcpStream>;

/// What one that means nothing costs of a client's allowance, besides what every message does.
const WRONG: u32 = 9;

/// What a socket is about.
#[derive(Debug)]
pub(super) struct Talk {
    /// Whose words it speaks.
    pub(super) dialect: Dialect,
    /// Whose room it is in.
    pub(super) session: Uuid,
    /// Its place in the room.
    pub(super) reader: Subscription,
    /// How long it may live.
    pub(super) life: Life,
    /// What its client wants.
    pub(super) questions: Questions,
}

/// Serves a socket to its end.
pub(super) async fn serve(upgrade: OnUpgrade, talk: Talk, settings: &Settings) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "a client left before its socket was open");
            return;
        }
    };
    let largest = talk.dialect.largest(settings);
    let Some(mut socket) = open(upgraded, largest).await else {
        return;
    };
    let Talk {
        dialect,
        session,
        mut reader,
        life,
        mut questions,
    } = talk;
    let mut over = std::pin::pin!(life.over());
    let mut conversation = Conversation {
        socket: &mut socket,
        dialect,
        session,
        reader: &mut reader,
        questions: &mut questions,
        settings,
    };
    let why = conversation.hold(over.as_mut()).await;
    // Its place in the room is free while it still says goodbye.
    drop(reader);
    tracing::debug!(%session, code = why.code(), "a socket ends");
    let _ = tokio::time::timeout(settings.goodbye, farewell(&mut socket, why)).await;
    if why != Goodbye::Left {
        return;
    }
    drop(socket);
    // What somebody said who then left counts all the same, while they may say it.
    tokio::select! {
        _ = over.as_mut() => {}
        () = questions.finish() => {}
    }
}

/// The connection itself, without the buffers that HTTP needed.
async fn open(upgraded: Upgraded, largest: usize) -> Option<Socket> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(WRITE)
        .max_frame_size(Some(largest))
        .max_message_size(Some(largest));
    let (stream, early) = (parts.io.into_inner(), parts.read_buf.to_vec());
    let socket = WebSocketStream::from_partially_read(stream, early, Role::Server, Some(config));
    Some(socket.await)
}

/// What a socket's task has at hand.
struct Conversation<'a> {
    socket: &'a mut Socket,
    dialect: Dialect,
    session: Uuid,
    reader: &'a mut Subscription,
    questions: &'a mut Questions,
    settings: &'a Settings,
}

impl Conversation<'_> {
    /// Sends what happens, and hears what is said, until something ends it.
    async fn hold(&mut self, mut over: Pin<&mut impl Future<Output = Goodbye>>) -> Goodbye {
        let (now, settings) = (Instant::now(), self.settings);
        let mut beat = tokio::time::interval_at(now + settings.beat, settings.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = now;
        let mut allowance = Allowance::new(now);
        let hello = self.dialect.hello(self.session, self.reader, settings);
        let mut messages: Vec<Message> = hello.into_iter().map(Message::text).collect();
        loop {
            if let Err(why) = self.send(messages, over.as_mut()).await {
                return why;
            }
            messages = tokio::select! {
                biased;
                why = over.as_mut() => return why,
                incoming = self.socket.next() => {
                    heard = Instant::now();
                    match self.hear(incoming, &mut allowance, heard) {
                        Ok(answer) => answer.into_iter().map(Message::text).collect(),
                        Err(why) => return why,
                    }
                }
                frames = self.questions.answered() => {
                    frames.into_iter().map(Message::text).collect()
                }
                _ = beat.tick() => {
                    if heard.elapsed() >= settings.silence {
                        return Goodbye::Slow;
                    }
                    let sign = self.dialect.beat(self.reader).map(Message::text);
                    sign.into_iter().chain([Message::Ping(Bytes::new())]).collect()
                }
                delivery = self.reader.next() => match delivery {
                    Delivery::Events(events) => {
                        let frames = events.iter().filter_map(|entry| self.dialect.event(entry));
                        frames.map(text).collect()
                    }
                    Delivery::Lost { loss, after } => {
                        vec![Message::text(self.dialect.lost(self.session, after, loss))]
                    }
                    Delivery::Closed(why) => return why.into(),
                },
            };
        }
    }

    /// What is said at once to what came; why it ends, if it does.
    fn hear(
        &mut self,
        incoming: Option<Result<Message, tungstenite::Error>>,
        allowance: &mut Allowance,
        now: Instant,
    ) -> Result<Option<String>, Goodbye> {
        let said = match incoming {
            None | Some(Ok(Message::Close(_))) => return Err(Goodbye::Left),
            Some(Err(error)) => return Err(Goodbye::from(&error)),
            Some(Ok(Message::Binary(_))) => return Err(Goodbye::NotText),
            Some(Ok(_)) if !allowance.take(now) => return Err(Goodbye::Abuse),
            Some(Ok(Message::Text(said))) => said,
            Some(Ok(_)) => return Ok(None),
        };
        match self.dialect.hear(&said, self.reader) {
            Heard::Nothing => Ok(None),
            Heard::Answer(frame) => Ok(Some(frame)),
            Heard::Question(question) => Ok(self.questions.put(question)),
            Heard::Wrong(frame) => match (0..WRONG).all(|_| allowance.take(now)) {
                true => Ok(Some(frame)),
                false => Err(Goodbye::Abuse),
            },
        }
    }

    /// Sends messages, unless the other end is too slow to take them.
    async fn send(
        &mut self,
        messages: Vec<Message>,
        over: Pin<&mut impl Future<Output = Goodbye>>,
    ) -> Result<(), Goodbye> {
        if messages.is_empty() {
            return Ok(());
        }
        let socket = &mut *self.socket;
        let sending = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            biased;
            sent = sending => sent.map_err(|error| Goodbye::from(&error)),
            why = over => Err(why),
            why = self.reader.overrun() => Err(why.into()),
            () = tokio::time::sleep(self.settings.silence) => Err(Goodbye::Slow),
        }
    }
}

/// Says why it ends, and waits until the other end has heard it. Where it was the client who said
/// goodbye the answer is made already, and goes out here.
async fn farewell(socket: &mut Socket, why: Goodbye) {
    if why == Goodbye::Left || socket.close(Some(why.frame())).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// A text frame of bytes that all readers share.
fn text(bytes: Bytes) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
}
