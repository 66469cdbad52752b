//! The way of every request through a component: path normalised, routed, errors written.

use crate::bearer;
use crate::browsers::Page;
use crate::failure::{Carried, Failure};
use axum::{Router, body::Body, response::Response};
use contracts::{Contract, PROBLEM_JSON, Problem};
use domain::{Audience, Error};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use ports::Variables;
use tower_service::Service;

/// What a 503 says of its end when nobody knows better, in seconds.
const RETRY_AFTER: u32 = 5;

/// Answers `request` by `router`, and preflights of browsers without it. Whatever goes wrong on
/// the way leaves as a problem. `variables` are asked for `cors_origins` and `public_url`, only
/// where a browser names its page.
pub async fn serve(
    router: &Router,
    variables: &dyn Variables,
    mut request: Request<Body>,
) -> Response {
    let page = Page::of(&request, variables).await;
    if let Some(response) = page.preflight(&request) {
        return response;
    }
    without_trailing_slash(request.uri_mut());
    let path = request.uri().path().to_owned();
    let request_id = request.headers().get("x-request-id").cloned();
    let token = request.headers().get(header::AUTHORIZATION).cloned();
    let mut response = match router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.status().as_u16() >= 400 {
        let contract = Contract::of(&path, token.as_ref().and_then(claimed_audience));
        response = as_problem(response, &path, contract, request_id.as_ref());
    }
    page.mark(response.headers_mut());
    response
}

/// The fallback of a router: a path that no operation has.
pub async fn not_found() -> Failure {
    Error::not_found("Not Found").into()
}

/// Paths work with and without a trailing slash; routes are written without.
fn without_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let trimmed = match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    };
    let target = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    if let Ok(target) = target.parse() {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(target);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
}

/// Unchecked, and only asked how an error is written.
fn claimed_audience(authorization: &HeaderValue) -> Option<Audience> {
    auth::claimed_audience(bearer::token_in(authorization)?)
}

fn as_problem(
    response: Response,
    path: &str,
    contract: Contract,
    request_id: Option<&HeaderValue>,
) -> Response {
    let carried = response.extensions().get::<Carried>().cloned();
    let chosen = carried.as_ref().and_then(|carried| carried.contract);
    let contract = chosen.unwrap_or(contract);
    let mut problem = match &carried {
        Some(Carried {
            error, instance, ..
        }) => {
            let about = instance.as_deref().unwrap_or(path);
            Problem::of(error, contract, about)
        }
        // axum's own refusals: an unknown method, an oversized body.
        None => {
            let status = response.status();
            let detail = status
                .canonical_reason()
                .unwrap_or("The request was refused");
            Problem::new(contract, status.as_u16(), detail, path)
        }
    };
    if problem.status >= 500 {
        problem.request_id = request_id
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        log(path, problem.request_id.as_deref(), carried.as_ref());
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::from_u16(problem.status).unwrap_or(parts.status);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let retry_after = carried
        .as_ref()
        .and_then(|carried| carried.error.retry_after());
    if let Some(seconds) = retry_after.or((problem.status == 503).then_some(RETRY_AFTER)) {
        parts.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if problem.status == 401 {
        let challenge = HeaderValue::from_static("Bearer");
        parts.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    Response::from_parts(parts, Body::from(contracts::to_json(&problem)))
}

/// The whole chain of causes, for whoever runs the platform.
fn log(path: &str, request_id: Option<&str>, carried: Option<&Carried>) {
    let mut line = format!("error path={path} request_id={}", request_id.unwrap_or("-"));
    if let Some(Carried { error, .. }) = carried {
        line.push_str(&format!(": {}", error.with_causes()));
    }
    eprintln!("{line}");
}
