//! A request's way into a sandbox, and the answer's way back.

use super::{address::Target, cookies, page::Fault, pass::Kind};
use crate::{drain::Drain, front_door::strip_hop_by_hop, places::Place};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, client::conn::http1, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use uuid::Uuid;

/// How long the server in the sandbox may take to begin its answer.
const ANSWER: Duration = Duration::from_secs(300);

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The body of an answer: the server's, or ours.
#[derive(Debug)]
pub(crate) struct Forwarded {
    body: Either<Incoming, Full<Bytes>>,
    /// Held until the last byte.
    _place: Option<Place<Uuid>>,
}

impl Forwarded {
    pub(super) fn own(body: Bytes) -> Self {
        Self {
            body: Either::Right(Full::new(body)),
            _place: None,
        }
    }
}

impl http_body::Body for Forwarded {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::pin::Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Where a request goes, and how it came.
pub(super) struct ToSandbox<'a> {
    pub(super) target: Target,
    pub(super) host: &'a str,
    pub(super) own_origin: &'a str,
}

/// The host that a request is for: that of its target, which counts more, or of its header.
pub(super) fn host_of<B>(request: &Request<B>) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str().to_owned());
    }
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then(|| host.to_owned())
}

/// Sends the request over `stream`, a connection into the sandbox, and gives the answer back.
/// Where both sides agree on another protocol, all that follows is passed on unseen.
pub(super) async fn forward(
    mut request: Request<Incoming>,
    stream: TcpStream,
    to: &ToSandbox<'_>,
    place: Place<Uuid>,
    drain: &Drain,
) -> Result<Response<Forwarded>, Fault> {
    let upgrade = protocol_of(request.headers());
    let visitor = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    parts.uri = path_of(&parts.uri);
    parts.version = http::Version::HTTP_11;
    parts.extensions = http::Extensions::new();
    let_in(&mut parts.headers, upgrade.as_ref(), to);
    let broken = |error: hyper::Error| {
        tracing::debug!(%error, "a server in a sandbox gave no answer");
        Fault::Broken
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    drain.spawn(async move {
        // What breaks here breaks the answer as well, where it is told.
        let _ = connection.with_upgrades().await;
    });
    let sending = sender.send_request(Request::from_parts(parts, body));
    let mut response = match tokio::time::timeout(ANSWER, sending).await {
        Ok(answered) => answered.map_err(broken)?,
        Err(_) => return Err(Fault::Silent),
    };
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = switched.then(|| protocol_of(response.headers())).flatten();
    match (switched, protocol, visitor) {
        (false, _, _) => {}
        (true, Some(protocol), Some(visitor)) => {
            let server = hyper::upgrade::on(&mut response);
            drain.spawn(join(visitor, server, place, drain.clone()));
            let headers = response.headers_mut();
            let_out(headers, to);
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, protocol);
            return Ok(response.map(|_| Forwarded::own(Bytes::new())));
        }
        (true, _, _) => return Err(Fault::Broken),
    }
    let_out(response.headers_mut(), to);
    Ok(response.map(|body| Forwarded {
        body: Either::Left(body),
        _place: Some(place),
    }))
}

/// Passes bytes both ways until one side ends, the visitor's stay is over, or the runner stops.
async fn join(visitor: OnUpgrade, server: OnUpgrade, place: Place<Uuid>, drain: Drain) {
    let (Ok(visitor), Ok(server)) = tokio::join!(visitor, server) else {
        return;
    };
    let (mut visitor, mut server) = (TokioIo::new(visitor), TokioIo::new(server));
    let stopping = drain.stopping();
    tokio::select! {
        () = stopping.cancelled() => {}
        () = tokio::time::sleep(Kind::Stay.lasts()) => {}
        _ = tokio::io::copy_bidirectional(&mut visitor, &mut server) => {}
    }
    drop(place);
}

/// The protocol that a head asks or agrees to switch to.
fn protocol_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get(header::CONNECTION)?.to_str().ok()?;
    let asks = connection
        .split(',')
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    asks.then(|| headers.get(header::UPGRADE).cloned())
        .flatten()
}

/// Turns a visitor's headers into those that the page's server sees: as if it were visited on
/// `localhost`, which servers for development insist on, and without what is the platform's.
fn let_in(headers: &mut HeaderMap, upgrade: Option<&HeaderValue>, to: &ToSandbox<'_>) {
    strip_hop_by_hop(headers);
    cookies::remove_ours(headers);
    if headers
        .get(header::AUTHORIZATION)
        .is_some_and(is_of_the_platform)
    {
        headers.remove(header::AUTHORIZATION);
    }
    let local = format!("localhost:{}", to.target.port);
    let own = |value: &HeaderValue| value.as_bytes() == to.own_origin.as_bytes();
    if headers.get(header::ORIGIN).is_some_and(own)
        && let Ok(origin) = HeaderValue::try_from(format!("http://{local}"))
    {
        headers.insert(header::ORIGIN, origin);
    }
    let proto = if to.own_origin.starts_with("https:") {
        "https"
    } else {
        "http"
    };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    for (name, value) in [(FORWARDED_HOST, to.host), (header::HOST, local.as_str())] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
}

/// Turns the server's headers into those that the visitor sees.
fn let_out(headers: &mut HeaderMap, to: &ToSandbox<'_>) {
    strip_hop_by_hop(headers);
    if let header::Entry::Occupied(cookies) = headers.entry(header::SET_COOKIE) {
        let (_, set) = cookies.remove_entry_mult();
        let kept: Vec<HeaderValue> = set.filter(cookies::may_be_set).collect();
        for cookie in kept {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    let local = format!("http://localhost:{}", to.target.port);
    let relative = headers
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok()?.strip_prefix(&local))
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        .and_then(|rest| HeaderValue::try_from(format!("{}{rest}", to.own_origin)).ok());
    if let Some(relative) = relative {
        headers.insert(header::LOCATION, relative);
    }
}

/// Path and query alone.
fn path_of(uri: &Uri) -> Uri {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    path.parse().unwrap_or_default()
}

/// Whether an `Authorization` header carries what the platform knows somebody by: an access token
/// or an API key. What a page's own sign-in uses goes on.
fn is_of_the_platform(authorization: &HeaderValue) -> bool {
    let Some((scheme, token)) = authorization.as_bytes().split_at_checked(7) else {
        return false;
    };
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return false;
    }
    let token = token.trim_ascii();
    token.starts_with(b"atl_") || is_access_token(token)
}

fn is_access_token(token: &[u8]) -> bool {
    let Some(claims) = token.split(|byte| *byte == b'.').nth(1) else {
        return false;
    };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap_or_default();
    let audience = claims.get("aud").and_then(serde_json::Value::as_str);
    claims.get("sid").is_some()
        && matches!(audience, Some("workspace" | "codex" | "runtime" | "studio"))
}
