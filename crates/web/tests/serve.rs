//! What every answer carries, whoever gives it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use axum::{Router, body::Body, response::Response, routing};
use contracts::Contract;
use domain::{Error, ErrorKind};
use http::{Method, Request};
use http_body_util::BodyExt;
use platform_native::MapVariables;
use ports::{BoxFuture, Platform, VariableError, Variables};
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use web::{Envelope, Failure, NoStore, Outcome, refuse_forged, serve};

const APP: &str = "https://app.example";

/// Settings, and how often they were asked for.
#[derive(Default)]
struct Counted {
    variables: MapVariables,
    asked: AtomicUsize,
}

impl Variables for Counted {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, VariableError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.variables.get(name)
    }
}

fn settings(cors_origins: &str, public_url: &str) -> Counted {
    let variables = [("cors_origins", cors_origins), ("public_url", public_url)];
    Counted {
        variables: variables.into_iter().collect(),
        asked: AtomicUsize::new(0),
    }
}

fn router() -> Router {
    let fails = async || -> Outcome<()> { Err(Error::not_found("No such thing").into()) };
    let studios = async || -> Outcome<()> {
        let error = Error::new(ErrorKind::Unauthenticated, "Not authenticated");
        Err(Failure::of(Contract::Studio, error))
    };
    let page = async || [("content-security-policy", "default-src 'self'")];
    Router::new()
        .route("/fine", routing::get(async || "fine"))
        .route(
            "/kept",
            routing::get(async || [("cache-control", "max-age=60")]),
        )
        .route("/page", routing::get(page))
        .route("/fails", routing::get(fails))
        .route("/api/v1/users/me", routing::get(studios))
        .route("/envelope", routing::get(async || NoStore(Envelope(["a"]))))
        .fallback(web::not_found)
}

async fn ask(settings: &Counted, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    serve(&router(), settings, request.body(Body::empty()).unwrap()).await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn json(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn every_answer_is_protected() {
    let settings = settings("", "https://atelier.example");
    let check = async |method: Method, path: &str, status: u16, policy: &str| {
        let response = ask(&settings, method, path, &[]).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "content-security-policy"), policy);
    };
    let strict = "default-src 'none'; frame-ancestors 'none'";
    check(Method::GET, "/fine", 200, strict).await;
    check(Method::GET, "/fails", 404, strict).await;
    check(Method::GET, "/nowhere", 404, strict).await;
    check(Method::POST, "/fine", 405, strict).await;
    check(Method::GET, "/page", 200, "default-src 'self'").await;
}

#[tokio::test]
async fn settings_are_read_only_for_pages() {
    let settings = settings("", "https://atelier.example");
    ask(&settings, Method::GET, "/fine", &[]).await;
    assert_eq!(settings.asked.load(Ordering::Relaxed), 0);
    ask(&settings, Method::GET, "/fine", &[("origin", APP)]).await;
    assert_eq!(settings.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn who_may_read() {
    let check = async |list: &str, public_url: &str, origin: &str, allowed: &str| {
        let settings = settings(list, public_url);
        for path in ["/fine", "/fails"] {
            let response = ask(&settings, Method::GET, path, &[("origin", origin)]).await;
            let found = header(&response, "access-control-allow-origin");
            assert_eq!(found, allowed, "{list:?} {public_url} {origin}");
            assert_eq!(header(&response, "vary"), "Origin");
            let exposed = header(&response, "access-control-expose-headers");
            assert_eq!(exposed.contains("x-total-count"), !allowed.is_empty());
        }
    };
    let public = "https://atelier.example";
    check("", "http://127.0.0.1:3000", APP, "*").await;
    check("", public, APP, "").await;
    check("*", public, APP, "*").await;
    check("*", public, "null", "").await;
    check(APP, public, APP, APP).await;
    check(APP, public, "https://evil.example", "").await;
    check("nonsense", "http://127.0.0.1:3000", APP, "").await;
}

#[tokio::test]
async fn preflights_reach_no_route() {
    let settings = settings(APP, "https://atelier.example");
    let headers = [
        ("origin", APP),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization"),
    ];
    let response = ask(&settings, Method::OPTIONS, "/api/v1/anything", &headers).await;
    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), APP);
    assert_eq!(
        header(&response, "access-control-allow-credentials"),
        "true"
    );
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        "authorization"
    );
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn what_caches_keep_differs_by_page() {
    let settings = settings(APP, "https://atelier.example");
    let check = async |path: &str, vary: &str| {
        let response = ask(&settings, Method::GET, path, &[]).await;
        assert_eq!(header(&response, "vary"), vary, "{path}");
    };
    check("/kept", "Origin").await;
    check("/fine", "").await;
}

#[tokio::test]
async fn a_failure_may_choose_its_contract() {
    let settings = settings("", "https://atelier.example");
    let response = ask(&settings, Method::GET, "/api/v1/users/me", &[]).await;
    assert_eq!(header(&response, "www-authenticate"), "Bearer");
    let problem = json(response).await;
    assert_eq!(problem["code"], 401);
    assert_eq!(problem["message"], "Not authenticated");
}

#[tokio::test]
async fn an_envelope_with_a_secret() {
    let settings = settings("", "https://atelier.example");
    let response = ask(&settings, Method::GET, "/envelope", &[]).await;
    assert_eq!(header(&response, "cache-control"), "no-store");
    let expected = serde_json::json!({"code": 200, "message": "success", "data": ["a"]});
    assert_eq!(json(response).await, expected);
}

#[tokio::test]
async fn requests_of_other_sites() {
    let variables = settings(APP, "https://atelier.example").variables;
    let platform = Platform {
        variables: Arc::new(variables),
        ..platform_native::temporary(MapVariables::default()).unwrap()
    };
    let check = async |headers: &[(&str, &str)], fine: bool| {
        let mut request = Request::post("http://127.0.0.1:3000/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let outcome = refuse_forged(&platform, &parts).await;
        let kind = outcome.as_ref().err().map(Error::kind);
        let expected = (!fine).then_some(ErrorKind::Forbidden);
        assert_eq!(kind, expected, "{headers:?}");
    };
    check(&[("origin", "https://atelier.example")], true).await;
    check(&[("origin", "http://127.0.0.1:3000")], true).await;
    check(&[("origin", APP)], true).await;
    check(&[("origin", "https://evil.example")], false).await;
    check(&[("origin", "null")], false).await;
    let forwarded = ("x-forwarded-host", "other.example");
    check(&[("origin", "https://other.example"), forwarded], true).await;
    check(&[("sec-fetch-site", "cross-site")], false).await;
    check(&[("sec-fetch-site", "same-origin")], true).await;
    check(&[], true).await;
}
