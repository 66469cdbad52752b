//! TLS with the machine's certificates.

use hyper_rustls::ConfigBuilderExt as _;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection under TLS.
pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// TLS with the machine's certificates.
///
/// # Errors
/// The machine has none that can be read.
pub fn tls() -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder.with_native_roots()?.with_no_client_auth())
}

/// `stream` under TLS, to whoever can prove to be `host`.
///
/// # Errors
/// The other end cannot, or the connection breaks.
pub async fn secure(
    stream: TcpStream,
    host: &str,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}
