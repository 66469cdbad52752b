//! HTTP/1.1 by hand: what goes over the wire is what the test says.

use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One end of a connection, and what was read from it but not taken yet.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to and including `end`, or to the end of the stream.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        loop {
            let found = self
                .unread
                .windows(end.len())
                .position(|part| part == end.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(at + end.len());
                let read = std::mem::replace(&mut self.unread, rest);
                return String::from_utf8(read).unwrap();
            }
            if self.read_more().await == 0 {
                return String::from_utf8(std::mem::take(&mut self.unread)).unwrap();
            }
        }
    }

    pub(crate) async fn read_exactly(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert_ne!(self.read_more().await, 0, "the stream ended early");
        }
        let rest = self.unread.split_off(length);
        std::mem::replace(&mut self.unread, rest)
    }

    /// Everything until the other side closes or resets the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        while self.read_more().await > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// An answer whose length its head says.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.read_until("\r\n\r\n").await;
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        Answer {
            body: self.read_exactly(length).await,
            head,
        }
    }

    async fn read_more(&mut self) -> usize {
        // A reset is an end as well.
        self.stream.read_buf(&mut self.unread).await.unwrap_or(0)
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        status(&self.head)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The status of an answer's head, or 0 where there is none.
pub(crate) fn status(head: &str) -> u16 {
    head.split(' ')
        .nth(1)
        .map_or(0, |status| status.parse().unwrap())
}

/// The value of the first header of that name.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Sends `request` on a connection of its own and reads one answer.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut wire = Wire::connect(address).await;
    wire.write(request).await;
    wire.answer().await
}

/// `GET target` on a connection of its own.
pub(crate) async fn get(address: SocketAddr, target: &str) -> Answer {
    ask(
        address,
        &format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"),
    )
    .await
}
