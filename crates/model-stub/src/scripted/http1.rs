//! As much of HTTP/1.1 as a scripted server reads and writes.

use super::Recorded;
use serde_json::Value;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes of one request that are held.
const MAX_REQUEST: usize = 16 << 20;

/// Reads requests from one connection; holds what came of the next one.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    buffer: Vec<u8>,
}

impl RequestReader {
    /// The next request; `None` when the client closes the connection between two.
    pub(super) async fn next(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Recorded>> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break self.take(end + 4);
            }
            if self.read_more(socket).await? == 0 {
                return Ok(None);
            }
        };
        let mut request = parse_head(&String::from_utf8_lossy(&head)).ok_or_else(bad_request)?;
        let body = self.body(&request, socket).await?;
        request.json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Some(request))
    }

    /// Waits until the client closes the connection; a request that comes meanwhile is kept.
    pub(super) async fn until_closed(&mut self, socket: &mut (impl AsyncRead + Unpin)) {
        while self.read_more(socket).await.is_ok_and(|read| read > 0) {}
    }

    async fn body(
        &mut self,
        request: &Recorded,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vec<u8>> {
        let encoding = request.header("transfer-encoding");
        if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            return self.chunked_body(socket).await;
        }
        let length = request.header("content-length").unwrap_or("0");
        let length = length.trim().parse().map_err(|_| bad_request())?;
        self.exactly(length, socket).await
    }

    async fn chunked_body(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line(socket).await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| bad_request())?;
            if size == 0 {
                // Trailers, up to an empty line.
                while !self.line(socket).await?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.exactly(size, socket).await?);
            if body.len() > MAX_REQUEST || !self.line(socket).await?.is_empty() {
                return Err(bad_request());
            }
        }
    }

    async fn line(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.take(end + 2);
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches("\r\n").to_owned());
            }
            self.read_some(socket).await?;
        }
    }

    async fn exactly(
        &mut self,
        length: usize,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.read_some(socket).await?;
        }
        Ok(self.take(length))
    }

    /// Reads at least one byte: within a request, the end of the stream is an error.
    async fn read_some(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        match self.read_more(socket).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn read_more(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        if self.buffer.len() > MAX_REQUEST {
            return Err(bad_request());
        }
        socket.read_buf(&mut self.buffer).await
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// One chunk of a body of unknown length.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The chunk that ends a body.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn parse_head(head: &str) -> Option<Recorded> {
    let mut lines = head.split("\r\n");
    let mut request_line = lines.next()?.split(' ');
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Recorded {
        method: request_line.next()?.to_owned(),
        target: request_line.next()?.to_owned(),
        headers,
        json: Value::Null,
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn bad_request() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
