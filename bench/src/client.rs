//! HTTP/1.1 over a kept connection, as plain as a load generator wants it.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest answer that is read.
const LIMIT: usize = 16 * 1024 * 1024;

/// A connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body of the last answer begins.
    body: usize,
}

/// Where an answer ends, and what it says.
struct Head {
    status: u16,
    length: usize,
    body: Body,
}

enum Body {
    Length(usize),
    Chunked,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
            body: 0,
        })
    }

    /// Sends a whole request and reads the whole answer; its status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        loop {
            self.fill().await?;
            if let Some(head) = head(&self.buffer)?
                && self.ends(&head)
            {
                self.body = head.length;
                return Ok(head.status);
            }
        }
    }

    /// The body of the answer to [`Self::exchange`], as it came.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.get(self.body..).unwrap_or_default()
    }

    /// Sends a request; the answer is read with [`Self::more`].
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        self.buffer.clear();
        Ok(self.stream.write_all(request).await?)
    }

    /// What has come since the last call; empty at the end of the connection.
    pub(crate) async fn more(&mut self) -> Result<&[u8]> {
        self.buffer.clear();
        self.stream.read_buf(&mut self.buffer).await?;
        Ok(&self.buffer)
    }

    async fn fill(&mut self) -> Result<()> {
        if self.buffer.len() > LIMIT {
            bail!("an answer larger than {LIMIT} bytes");
        }
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    fn ends(&self, head: &Head) -> bool {
        match head.body {
            Body::Length(length) => self.buffer.len() >= head.length + length,
            Body::Chunked => self.buffer.ends_with(b"0\r\n\r\n"),
        }
    }
}

/// The bytes of a `GET`.
pub(crate) fn get_bytes(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// The bytes of a `POST` with a JSON body.
pub(crate) fn post_bytes(path: &str, body: &str) -> Vec<u8> {
    post_with("", path, body)
}

/// The same of somebody who is signed in.
pub(crate) fn post_bytes_as(token: &str, path: &str, body: &str) -> Vec<u8> {
    post_with(&format!("authorization: Bearer {token}\r\n"), path, body)
}

fn post_with(fields: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\n{fields}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One `POST`; the JSON that came back.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Result<serde_json::Value> {
    posted(address, path, &post_bytes(path, body)).await
}

/// The same of somebody who is signed in.
pub(crate) async fn post_as(
    address: SocketAddr,
    token: &str,
    path: &str,
    body: &str,
) -> Result<serde_json::Value> {
    posted(address, path, &post_bytes_as(token, path, body)).await
}

async fn posted(address: SocketAddr, path: &str, request: &[u8]) -> Result<serde_json::Value> {
    let mut connection = Connection::open(address).await?;
    let status = connection.exchange(request).await?;
    let text = String::from_utf8_lossy(&connection.buffer).into_owned();
    if status != 200 && status != 201 {
        bail!("POST {path} answers {status}: {text}");
    }
    // Chunks and all: the object is between the first and the last brace.
    let start = text.find('{').context("no JSON in the answer")?;
    let end = text.rfind('}').context("no JSON in the answer")?;
    let json = text.get(start..=end).context("no JSON in the answer")?;
    serde_json::from_str(json).with_context(|| format!("POST {path} answers {text}"))
}

/// The status of one `GET`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<u16> {
    Connection::open(address)
        .await?
        .exchange(&get_bytes(path))
        .await
}

fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("no status line")?;
    let mut body = Body::Length(0);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Length(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        }
    }
    Ok(Some(Head {
        status: status.parse()?,
        length: end + 4,
        body,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap().is_none());
        let found = head(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n{")
            .unwrap()
            .unwrap();
        assert_eq!((found.status, found.length), (404, 45));
        assert!(matches!(found.body, Body::Length(7)));
        let found = head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .unwrap()
            .unwrap();
        assert!(matches!(found.body, Body::Chunked));
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
