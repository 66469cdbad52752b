//! A room's reader that costs little: frames are cut by hand, and counted where they lie.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frame::{self, Kind, PONG};

/// The largest head of an answer, and the largest frame, in bytes.
const LIMIT: usize = 1024 * 1024;

/// An open socket.
pub(crate) struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    /// Enters a session's room. The buffer, in bytes, is how much is read at a time.
    pub(crate) async fn open(front_door: SocketAddr, session: &str, buffer: usize) -> Result<Self> {
        Self::open_as(front_door, None, session, buffer).await
    }

    /// The same as somebody who is signed in: the edge is not always played.
    pub(crate) async fn open_as(
        front_door: SocketAddr,
        token: Option<&str>,
        session: &str,
        buffer: usize,
    ) -> Result<Self> {
        let stream = TcpStream::connect(front_door).await?;
        stream.set_nodelay(true)?;
        let mut socket = Self {
            stream,
            buffer: Vec::with_capacity(buffer),
        };
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let token = token.unwrap_or_default();
        let request = format!(
            "GET /api/v1/ws/sessions/{session} HTTP/1.1\r\nhost: bench\r\n{token}\
             connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.stream.write_all(request.as_bytes()).await?;
        socket.opened().await.context("opening a socket")?;
        Ok(socket)
    }

    async fn opened(&mut self) -> Result<()> {
        loop {
            self.fill().await?;
            let end = self.buffer.windows(4).position(|part| part == b"\r\n\r\n");
            let Some(end) = end else { continue };
            if !self.buffer.starts_with(b"HTTP/1.1 101 ") {
                bail!("{}", String::from_utf8_lossy(&self.buffer));
            }
            self.buffer.drain(..end + 4);
            return Ok(());
        }
    }

    /// Waits for more and hands over each text that is whole; pings are answered. The end of the
    /// socket is an error: nothing here ends one.
    pub(crate) async fn texts(&mut self, mut take: impl FnMut(&[u8])) -> Result<()> {
        self.fill().await?;
        let mut rest = self.buffer.as_slice();
        let mut pings = 0;
        while let Some(frame) = frame::first(rest)? {
            match frame.kind {
                Kind::Text => take(frame.payload),
                Kind::Ping => pings += 1,
                Kind::Close => bail!("the runner closed a socket: {}", farewell(frame.payload)),
            }
            rest = rest.get(frame.length..).unwrap_or_default();
        }
        let done = self.buffer.len() - rest.len();
        self.buffer.drain(..done);
        for _ in 0..pings {
            self.stream.write_all(&PONG).await?;
        }
        Ok(())
    }

    async fn fill(&mut self) -> Result<()> {
        if self.buffer.len() > LIMIT {
            bail!("more than {LIMIT} bytes without an end");
        }
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the runner closed a connection");
        }
        Ok(())
    }
}

/// Code and reason of a close frame.
fn farewell(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            format!("{code} {}", String::from_utf8_lossy(reason))
        }
        None => "without a code".to_owned(),
    }
}
