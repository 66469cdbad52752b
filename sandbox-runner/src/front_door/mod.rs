//! The front door: one origin for everything, a streaming proxy to the edge. Only rooms it
//! serves itself (see [`sockets`](crate::sockets)).
//!
//! Invariants: nothing is gathered, each piece goes on as it comes; nothing under `/internal`
//! passes (see `path`); what the edge learns about the client is what the front door saw
//! (see `headers`); every answer that is not the edge's is a problem (see `refusal`).

mod body;
mod client;
mod exchange;
mod headers;
mod page;
mod path;
mod rate;
mod refusal;
mod request_id;
mod settings;
mod upstream;

pub(crate) use body::Source;
pub(crate) use client::is_trusted;
pub(crate) use rate::network;
pub(crate) use refusal::Refusal;
pub use settings::Settings;

pub(crate) use headers::strip_hop_by_hop;

use crate::{
    addresses::Addresses,
    config::Config,
    edge::EdgeState,
    metrics::Metrics,
    sockets::{Place, Sockets},
};
use body::{RequestBody, ResponseBody};
use exchange::Exchange;
use headers::Introduction;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::Service};
use page::Page;
use rate::RateLimit;
use std::{convert::Infallible, net::IpAddr, pin::Pin, sync::Arc, time::Instant};
use tokio_util::sync::CancellationToken;
use upstream::Upstream;

/// The front door of one runner.
#[derive(Debug)]
pub(crate) struct FrontDoor {
    settings: Settings,
    rate: Option<RateLimit>,
    /// The requests of each address that the edge is answering.
    in_flight: Addresses,
    ids: request_id::RequestIds,
    token: HeaderValue,
    upstream: Upstream,
    metrics: Arc<Metrics>,
    sockets: Sockets,
}

/// A request that the front door answers itself, as it came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    /// Whether it came from a proxy whose word counts.
    pub(crate) trusted: bool,
    /// Its number.
    pub(crate) id: &'a HeaderValue,
    /// Ends its connection.
    pub(crate) cut: &'a CancellationToken,
}

impl FrontDoor {
    pub(crate) fn new(
        config: &Config,
        edge: Arc<EdgeState>,
        metrics: Arc<Metrics>,
        sockets: Sockets,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let settings = config.front_door.clone();
        Ok(Self {
            rate: RateLimit::per_minute(settings.rate_limit, Instant::now()),
            in_flight: Addresses::new(
                settings.requests_per_address,
                settings.trusted_proxies.clone(),
            ),
            ids: request_id::RequestIds::new(),
            token: config.token.to_header()?,
            upstream: Upstream::new(&config.edge, edge, settings.answer_timeout)?,
            settings,
            metrics,
            sockets,
        })
    }

    async fn handle(
        &self,
        (peer, cut): (IpAddr, &CancellationToken),
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let id = self.ids.of(request.headers());
        let client = client::address(peer, request.headers(), &self.settings.trusted_proxies);
        let page = Page::of(&self.settings.origins, &request);
        let line = (request.method().clone(), request.uri().clone());
        let mut exchange = Exchange::begin(self.metrics.clone(), id, line, client);
        let answer = match self.admit(client, &request) {
            Err(refusal) => Err(refusal),
            Ok(()) => match Place::of(&request) {
                Some(place) => {
                    let visit = Visit {
                        trusted: client::is_trusted(peer, &self.settings.trusted_proxies),
                        id: &exchange.id,
                        cut,
                    };
                    let answer = self.sockets.answer(&place, request, &visit).await;
                    answer.map(|answer| page.served(&self.settings.origins, answer, &exchange.id))
                }
                None => self.pass_on(peer, client, request, &mut exchange).await,
            },
        };
        let (parts, source) = match answer {
            Ok(response) => response.into_parts(),
            Err(refusal) => {
                let response = refusal.answer(exchange.path(), &exchange.id);
                let response = page.refused(&self.settings.origins, response);
                let (mut parts, body) = response.into_parts();
                parts
                    .headers
                    .insert(request_id::HEADER, exchange.id.clone());
                (parts, Source::Own(Full::new(body)))
            }
        };
        exchange.answered(parts.status);
        Response::from_parts(parts, ResponseBody::new(source, exchange))
    }

    /// Has the edge answer, if the client has not as many answers coming as it may.
    async fn pass_on(
        &self,
        peer: IpAddr,
        client: IpAddr,
        request: Request<Incoming>,
        exchange: &mut Exchange,
    ) -> Result<Response<Source>, Refusal> {
        let Ok(place) = self.in_flight.take(client) else {
            self.metrics.rate_limited();
            return Err(Refusal::TooManyAtOnce);
        };
        exchange.hold(place);
        let (mut parts, body) = request.into_parts();
        let introduction = Introduction {
            peer,
            trusted: client::is_trusted(peer, &self.settings.trusted_proxies),
            client,
            authority: parts.uri.authority().map(http::uri::Authority::as_str),
            id: &exchange.id,
            token: &self.token,
            edge: self.upstream.host(),
        };
        headers::introduce(&mut parts.headers, &introduction);
        let body = RequestBody::new(body, self.settings.body, self.settings.body_silence);
        let mut response = self.upstream.send(parts, body).await?;
        headers::pass_back(response.headers_mut(), &exchange.id);
        Ok(response.map(Source::Edge))
    }

    /// Whether the request may go to the edge at all.
    fn admit(&self, client: IpAddr, request: &Request<Incoming>) -> Result<(), Refusal> {
        if let Some(rate) = &self.rate
            && let Err(wait) = rate.take(client, Instant::now())
        {
            self.metrics.rate_limited();
            return Err(Refusal::TooMany(wait));
        }
        if request.method() == Method::CONNECT {
            return Err(Refusal::Method);
        }
        if !request.uri().path().starts_with('/') {
            return Err(Refusal::Target);
        }
        if path::leads_to_internal(request.uri().path()) {
            return Err(Refusal::NotFound);
        }
        if headers::has_foreign_coding(request.headers()) {
            return Err(Refusal::Coding);
        }
        if http_body::Body::size_hint(request.body()).lower() > self.settings.body {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }
}

/// The front door as one connection sees it.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    door: Arc<FrontDoor>,
    peer: IpAddr,
    /// Ends the connection.
    cut: CancellationToken,
}

impl Visitor {
    pub(crate) fn new(door: Arc<FrontDoor>, peer: IpAddr, cut: CancellationToken) -> Self {
        Self { door, peer, cut }
    }
}

impl Service<Request<Incoming>> for Visitor {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { door, peer, cut } = self.clone();
        Box::pin(async move { Ok(door.handle((peer, &cut), request).await) })
    }
}
