//! A reader of a session's room, over a WebSocket.

use crate::Person;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};

/// How long a frame may take that is on its way.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reader of a room.
pub struct Room {
    socket: WebSocketStream<TcpStream>,
    read: VecDeque<Value>,
}

impl Room {
    /// Enters with the person's token.
    pub async fn enter(person: &Person, session: &str, after: Option<&str>) -> Self {
        let after = after.map_or_else(String::new, |id| format!("?last_event_id={id}"));
        let path = format!("/api/ws/sessions/{session}{after}");
        Self::try_enter(person, &path, Some(&person.token))
            .await
            .unwrap()
    }

    /// Asks for a socket, whatever comes of it.
    ///
    /// # Errors
    /// The answer that is no socket, or that nobody listens.
    pub async fn try_enter(
        person: &Person,
        path: &str,
        token: Option<&str>,
    ) -> Result<Self, Box<Error>> {
        let address = person.door.address;
        let url = format!("ws://{address}{path}");
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = token {
            let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| Box::new(Error::Io(error)))?;
        let (socket, _) = client_async(request, stream).await.map_err(Box::new)?;
        Ok(Self {
            socket,
            read: VecDeque::new(),
        })
    }

    /// The next frame; `None` when the socket was closed, in order or not.
    pub async fn next(&mut self) -> Option<Value> {
        if let Some(frame) = self.read.pop_front() {
            return Some(frame);
        }
        // Pings come however long no frame does.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = tokio::time::timeout_at(deadline, self.socket.next()).await;
            match message.expect("no frame in time")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Says something.
    pub async fn say(&mut self, frame: &Value) {
        let text = Message::text(frame.to_string());
        self.socket.send(text).await.unwrap();
    }

    /// The next frame of that kind that is as it should be; others are passed over.
    ///
    /// # Panics
    /// When the socket is closed before.
    pub async fn find(&mut self, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            let frame = frame.unwrap_or_else(|| panic!("closed before a {kind}"));
            if frame["type"] == kind && is(&frame) {
                return frame;
            }
        }
    }

    /// How the socket is closed: its code.
    pub async fn close_code(&mut self) -> u16 {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = tokio::time::timeout_at(deadline, self.socket.next()).await;
            match message.expect("not closed in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                _ => panic!("closed without a code"),
            }
        }
    }
}
