//! Opens the socket of a ComfyUI service: what its address may look like, and the connection below
//! the socket, with TLS or without.

use http::Uri;
use outbound::{Policy, Refused, TlsStream};
use rustls::ClientConfig;
use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config, tungstenite, tungstenite::protocol::WebSocketConfig,
};

/// The longest frame, and message, that is read, in bytes. Previews are pictures of some 100 KB.
const FRAME: usize = 4 * 1024 * 1024;

/// Why a socket is not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotOpened {
    #[error("the address is no address of a socket")]
    Address,
    #[error("too many sockets are open")]
    NoPlace,
    #[error("the socket was not open in time")]
    Late,
    #[error(transparent)]
    Connect(#[from] Refused),
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    #[error("what listens there opens no socket")]
    Handshake(#[from] tungstenite::Error),
}

/// TLS with the machine's certificates, which are read when a socket first needs them.
#[derive(Debug, Default)]
pub(super) struct Tls(OnceLock<Arc<ClientConfig>>);

impl Tls {
    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.0.get() {
            return Ok(Arc::clone(config));
        }
        let read = Arc::new(outbound::tls()?);
        Ok(Arc::clone(self.0.get_or_init(|| read)))
    }
}

/// A connection, with or without TLS.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Secure(Box<TlsStream>),
}

pub(super) type Socket = WebSocketStream<Connection>;

/// Opens the socket at `url`.
pub(super) async fn open(policy: &Policy, tls: &Tls, url: &str) -> Result<Socket, NotOpened> {
    let uri: Uri = url.parse().map_err(|_| NotOpened::Address)?;
    let secure = match uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => return Err(NotOpened::Address),
    };
    let authority = uri.authority().ok_or(NotOpened::Address)?;
    if authority.as_str().contains('@') {
        return Err(NotOpened::Address);
    }
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let stream = outbound::connect(policy, authority.host(), port).await?;
    let connection = match secure {
        false => Connection::Plain(stream),
        true => {
            let tls = tls.config().map_err(NotOpened::Tls)?;
            let stream = outbound::secure(stream, authority.host(), tls);
            Connection::Secure(Box::new(stream.await.map_err(NotOpened::Tls)?))
        }
    };
    let config = WebSocketConfig::default()
        .max_frame_size(Some(FRAME))
        .max_message_size(Some(FRAME));
    let opened = client_async_with_config(uri, connection, Some(config));
    let (socket, _) = Box::pin(opened).await?;
    Ok(socket)
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
