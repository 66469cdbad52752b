//! A plain HTTP request, to see whether the stack answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The status of `GET path` at an address.
///
/// # Errors
/// When nobody listens or the answer is no HTTP.
pub fn status(address: SocketAddr, path: &str) -> Result<u16> {
    let patience = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let line = String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    match line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
    {
        Some(status) if line.starts_with("HTTP/1.") => Ok(status),
        _ => bail!("{address} answers {line:?}"),
    }
}

/// Refuses an answer to `GET /api/v1/health` that is not 200.
///
/// # Errors
/// Says what came instead.
pub fn healthy(address: SocketAddr) -> Result<()> {
    let path = "/api/v1/health";
    match status(address, path).with_context(|| format!("GET http://{address}{path}"))? {
        200 => Ok(()),
        other => bail!("GET http://{address}{path} answers {other}"),
    }
}
