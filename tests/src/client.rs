//! A client that sees everything: each request on a connection of its own, answers as bytes.

use crate::eventually;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, request::Builder};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{io, net::SocketAddr};
use tokio::{net::TcpStream, task::AbortHandle};

/// Asks one server.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Where the server is.
    pub address: SocketAddr,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// An answer that is read as it comes. Dropping it drops the connection.
pub struct Stream {
    /// Its status.
    pub status: u16,
    /// Its header fields.
    pub headers: HeaderMap,
    body: Incoming,
    unread: BytesMut,
    connection: AbortHandle,
}

impl Client {
    /// Waits until the database behind the server is up to date: under Spin the runner sees to
    /// that, after it has started.
    pub async fn wait_for_database(self) {
        eventually("a stack that answers", async || {
            let nobody = Request::get("/api/v1/users/nobody");
            let answer = self.try_send(nobody, "").await.ok()?;
            (answer.status == 404).then_some(())
        })
        .await;
    }

    /// `GET`.
    pub async fn get(self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    /// `POST` of JSON.
    pub async fn post(self, path: &str, json: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request, json.to_string()).await
    }

    /// Any request, answered whole.
    pub async fn send(self, request: Builder, body: impl Into<Bytes>) -> Answer {
        self.try_send(request, body).await.unwrap()
    }

    /// The same, for a server that knows itself by another name.
    pub async fn send_to(self, host: &str, request: Builder, body: impl Into<Bytes>) -> Answer {
        let (response, connection) = self.exchange(host, request, body.into()).await.unwrap();
        Stream::of(response, connection).whole().await.unwrap()
    }

    /// Any request, answered whole, by a server that may be down or die.
    ///
    /// # Errors
    /// When there is no connection or it breaks off.
    pub async fn try_send(self, request: Builder, body: impl Into<Bytes>) -> io::Result<Answer> {
        self.open(request, body).await?.whole().await
    }

    /// Any request, its answer read as it comes.
    ///
    /// # Errors
    /// When there is no connection or it breaks off.
    pub async fn open(self, request: Builder, body: impl Into<Bytes>) -> io::Result<Stream> {
        let host = self.address.to_string();
        let (response, connection) = self.exchange(&host, request, body.into()).await?;
        Ok(Stream::of(response, connection))
    }

    async fn exchange(
        self,
        host: &str,
        request: Builder,
        body: Bytes,
    ) -> io::Result<(Response<Incoming>, AbortHandle)> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
            .await
            .map_err(io::Error::other)?;
        let connection = tokio::spawn(connection).abort_handle();
        let request = request.header("host", host);
        let request = request.body(Full::new(body)).unwrap();
        let response = sender.send_request(request).await;
        Ok((response.map_err(io::Error::other)?, connection))
    }
}

/// The same request, asking for a WebSocket.
#[must_use]
pub fn upgrading(request: Builder) -> Builder {
    request
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, self.text());
        })
    }

    /// A header field, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

impl Stream {
    fn of(response: Response<Incoming>, connection: AbortHandle) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            unread: BytesMut::new(),
            connection,
        }
    }

    /// The next event, with the empty line that ends it; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn event(&mut self) -> io::Result<Option<String>> {
        loop {
            let end = self.unread.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let event = self.unread.split_to(end + 2);
                return Ok(Some(String::from_utf8(event.to_vec()).unwrap()));
            }
            if !self.more().await? {
                assert!(self.unread.is_empty(), "half an event: {:?}", self.unread);
                return Ok(None);
            }
        }
    }

    /// All that is still to come.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn rest(mut self) -> io::Result<String> {
        while self.more().await? {}
        Ok(String::from_utf8(self.unread.to_vec()).unwrap())
    }

    async fn whole(mut self) -> io::Result<Answer> {
        while self.more().await? {}
        Ok(Answer {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: self.unread.split().freeze(),
        })
    }

    async fn more(&mut self) -> io::Result<bool> {
        let Some(frame) = self.body.frame().await else {
            return Ok(false);
        };
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            self.unread.extend_from_slice(&data);
        }
        Ok(true)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
