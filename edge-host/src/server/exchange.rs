//! One request from its head to the end of its response.

use super::{
    arrival::arrived,
    body::{AccessLog, Answer, Guarded, Held},
    head, problem,
};
use crate::{
    Config,
    manifest::Routes,
    setup::{Served, Setup},
};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use std::{sync::Arc, time::Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::WasiBody;

/// Names a request in logs and answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Requests below this path are bounded apart.
const INTERNAL: &str = "internal";

/// Everything that answers requests.
pub(super) struct Front {
    routes: Routes,
    pools: Vec<Arc<Served>>,
    in_flight: Arc<Semaphore>,
    internal_in_flight: Arc<Semaphore>,
    max_body: u64,
}

impl Front {
    pub(super) fn new(config: &Config, setup: Setup) -> Self {
        Self {
            routes: setup.routes,
            pools: setup.pools,
            in_flight: Arc::new(Semaphore::new(config.max_in_flight)),
            internal_in_flight: Arc::new(Semaphore::new(config.max_internal_in_flight)),
            max_body: config.max_body,
        }
    }

    /// Answers one request, whatever happens to it.
    pub(super) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: &HeaderValue,
    ) -> Response<Answer> {
        let started = Instant::now();
        let id = head::request_id(request.headers_mut());
        let mut log = AccessLog::begin(&request, &id, started);
        let mut response = match self.pass_on(request, peer, &id, &mut log).await {
            Ok((response, held)) => response.map(|body| Answer::Guest(Guarded::new(body, held))),
            Err(refusal) => refusal.map(Answer::Ours),
        };
        response.headers_mut().insert(REQUEST_ID, id);
        log.answered(response.status());
        response.map(|body| body.logged(log))
    }

    /// The component's response, or ours where there is none.
    async fn pass_on(
        &self,
        mut request: Request<Incoming>,
        peer: &HeaderValue,
        id: &HeaderValue,
        log: &mut AccessLog,
    ) -> Result<(Response<WasiBody>, Held), Response<problem::Body>> {
        let uri = request.uri().clone();
        let path = uri.path();
        let refuse = |status, detail: &str| problem::response(status, detail, path);
        let permit = self.permit(path).ok_or_else(|| {
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests in flight.",
            )
        })?;
        let missing = || refuse(StatusCode::NOT_FOUND, "No component answers this path.");
        let found = self.routes.find(path).ok_or_else(missing)?;
        let served = self.pools.get(found.index).ok_or_else(missing)?;
        log.component(served);
        if self.too_large(&request) {
            return Err(refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large.",
            ));
        }
        head::complete(&mut request, peer)
            .map_err(|reason| refuse(StatusCode::BAD_REQUEST, reason))?;
        let limit = usize::try_from(self.max_body).unwrap_or(usize::MAX);
        let request = arrived(request, limit).await;
        let response = served.pool.handle(request).await;
        let (response, opened) = response.map_err(|error| {
            let (status, detail) = problem::meaning(&error);
            tracing::error!(
                component = served.component,
                request_id = id.to_str().unwrap_or_default(),
                error = format!("{error:#}"),
                "a request failed"
            );
            refuse(status, detail)
        })?;
        Ok((response, (permit, opened)))
    }

    fn permit(&self, path: &str) -> Option<OwnedSemaphorePermit> {
        let first = path.split('/').find(|segment| !segment.is_empty());
        let semaphore = if first == Some(INTERNAL) {
            &self.internal_in_flight
        } else {
            &self.in_flight
        };
        Arc::clone(semaphore).try_acquire_owned().ok()
    }

    fn too_large(&self, request: &Request<Incoming>) -> bool {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        length.is_some_and(|length| length > self.max_body)
    }
}
