//! A room over a WebSocket.
//!
//! One task a socket. Nothing is sent before the first event; what the client sends means
//! nothing, it may be a heartbeat of its own. Whoever takes nothing while the room goes on is cut
//! off: there is no queue, only what the kernel holds and the place in the room's history.

use super::{allowance::Allowance, frames, goodbye::Goodbye, life::Life, settings::Settings};
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
        Message,
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

/// Serves a socket to its end.
pub(super) async fn serve(
    upgrade: OnUpgrade,
    session: Uuid,
    mut reader: Subscription,
    life: Life,
    settings: &Settings,
) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "a client left before its socket was open");
            return;
        }
    };
    let Some(mut socket) = open(upgraded, settings).await else {
        return;
    };
    let why = converse(&mut socket, session, &mut reader, &life, settings).await;
    // Its place in the room is free while it still says goodbye.
    drop(reader);
    tracing::debug!(%session, code = why.code(), "a socket ends");
    if why != Goodbye::Left {
        let _ = tokio::time::timeout(settings.goodbye, farewell(&mut socket, why)).await;
    }
}

/// The connection itself, without the buffers that HTTP needed.
async fn open(upgraded: Upgraded, settings: &Settings) -> Option<Socket> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(WRITE)
        .max_frame_size(Some(settings.frame))
        .max_message_size(Some(settings.frame));
    let (stream, early) = (parts.io.into_inner(), parts.read_buf.to_vec());
    let socket = WebSocketStream::from_partially_read(stream, early, Role::Server, Some(config));
    Some(socket.await)
}

/// Sends what happens until something ends it.
async fn converse(
    socket: &mut Socket,
    session: Uuid,
    reader: &mut Subscription,
    life: &Life,
    settings: &Settings,
) -> Goodbye {
    let mut over = std::pin::pin!(life.over());
    let now = Instant::now();
    let mut beat = tokio::time::interval_at(now + settings.beat, settings.beat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = now;
    let mut allowance = Allowance::new(now);
    loop {
        let messages = tokio::select! {
            biased;
            why = over.as_mut() => return why,
            incoming = socket.next() => {
                heard = Instant::now();
                match incoming {
                    None | Some(Ok(Message::Close(_))) => return Goodbye::Left,
                    Some(Err(error)) => return Goodbye::from(&error),
                    Some(Ok(Message::Binary(_))) => return Goodbye::NotText,
                    Some(Ok(_)) if !allowance.take(heard) => return Goodbye::Abuse,
                    Some(Ok(_)) => continue,
                }
            }
            _ = beat.tick() => {
                if heard.elapsed() >= settings.silence {
                    return Goodbye::Slow;
                }
                vec![Message::Ping(Bytes::new())]
            }
            delivery = reader.next() => match delivery {
                Delivery::Events(events) => {
                    events.iter().map(|entry| text(frames::frame(entry))).collect()
                }
                Delivery::Lost { loss, after } => {
                    vec![text(frames::lost(session, after, loss).into())]
                }
                Delivery::Closed(why) => return why.into(),
            },
        };
        if let Err(why) = send(socket, messages, reader, over.as_mut(), settings).await {
            return why;
        }
    }
}

/// Sends messages, unless the other end is too slow to take them.
async fn send(
    socket: &mut Socket,
    messages: Vec<Message>,
    reader: &Subscription,
    over: Pin<&mut impl Future<Output = Goodbye>>,
    settings: &Settings,
) -> Result<(), Goodbye> {
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
        why = reader.overrun() => Err(why.into()),
        () = tokio::time::sleep(settings.silence) => Err(Goodbye::Slow),
    }
}

/// Says why it ends, and waits until the other end has heard it.
async fn farewell(socket: &mut Socket, why: Goodbye) {
    if socket.close(Some(why.frame())).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// A text frame of bytes that all readers share.
fn text(bytes: Bytes) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
}
