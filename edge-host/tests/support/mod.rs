//! Starts a host with the guest of these tests, and speaks HTTP with it over real sockets.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, each of which uses a part"
)]

use bytes::Bytes;
use edge_host::{Config, Host};
use futures::channel::mpsc;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// The routes and grants that most tests use.
pub(crate) const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "test"
[variables]
greeting = { default = "hello" }
outbound_allow = { default = "" }
[[trigger.http]]
route = "/..."
component = "guest"
[component.guest]
source = "GUEST"
sqlite_databases = ["default"]
key_value_stores = ["default"]
allowed_outbound_hosts = ["http://*:*"]
[component.guest.variables]
greeting = "{{ greeting }}, you"
"#;

/// A host with a state folder of its own.
pub(crate) struct TestHost {
    pub(crate) host: Host,
    pub(crate) folder: TempDir,
}

impl TestHost {
    pub(crate) async fn start() -> Self {
        Self::with(MANIFEST, |_| {}).await
    }

    pub(crate) async fn with(manifest: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), manifest);
        change(&mut config);
        let host = Host::start(config).await.unwrap();
        Self { host, folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Request::post(path), body).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Request::put(path), body).await
    }

    pub(crate) async fn send(
        &self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        let request = request.body(Full::new(body.into()).boxed()).unwrap();
        Answer::read(exchange(self.address(), request).await).await
    }
}

/// Writes the manifest, with the guest's file in it, and gives a configuration for it.
pub(crate) fn config(folder: &Path, manifest: &str) -> Config {
    let path = folder.join("spin.toml");
    let source = guest().to_str().unwrap();
    std::fs::write(&path, manifest.replace("GUEST", source)).unwrap();
    Config::new(path, folder.join("state"))
}

/// Sends one request on a connection of its own.
pub(crate) async fn exchange(
    address: SocketAddr,
    mut request: Request<BoxBody<Bytes, Infallible>>,
) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let host = address.to_string().parse().unwrap();
    request.headers_mut().entry("host").or_insert(host);
    sender.send_request(request).await.unwrap()
}

/// A body that is written while the exchange goes on.
pub(crate) fn streamed() -> (
    mpsc::UnboundedSender<&'static str>,
    BoxBody<Bytes, Infallible>,
) {
    use futures::StreamExt;
    let (pieces, queue) = mpsc::unbounded();
    let frames = queue.map(|piece: &str| Ok(Frame::data(Bytes::from(piece))));
    (pieces, BodyExt::boxed(StreamBody::new(frames)))
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// The guest's component, built once.
fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--release", "--target", "wasm32-wasip2"])
            .args(["--package", "edge-host-guest"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the guest builds for wasm32-wasip2");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
            PathBuf::from,
        );
        target
            .join("wasm32-wasip2/release/edge_host_guest.wasm")
            .canonicalize()
            .expect("the guest is where cargo puts it")
    })
}
