//! A component's router on a real database with the real migrations, for route tests.
//!
//! It answers in milliseconds, without a socket or WebAssembly; what the hosts add is tested end
//! to end, in `tests/`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test stops at a fault"
)]

mod accounts;
mod driving;
mod interleaved;
mod late_clock;
mod mailbox;
mod runner;

pub use accounts::{Accounts, NOW, PASSWORD, Way};
pub use driving::{Edge, Lines, aside, ndjson};
pub use late_clock::LateClock;
pub use mailbox::{Fault, Letter, Mailbox};
pub use runner::{Asked, Reply, Runner};

use axum::{Router, body::Body, response::Response};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use platform_native::MapVariables;
use ports::{Platform, Row, Value as SqlValue};
use serde_json::{Value, json};

/// What the edge and the runner tell each other by.
pub const RUNNER_TOKEN: &str = "a-token-for-tests";

/// Variables that every component finds, as a local deployment has them.
const VARIABLES: &[(&str, &str)] = &[
    ("public_url", "http://127.0.0.1:3000"),
    ("runner_url", "http://127.0.0.1:9"),
    ("runner_token", RUNNER_TOKEN),
    ("runner_public_url", ""),
    ("llm_base_url", ""),
    ("llm_api_key", ""),
    ("llm_model", "scripted"),
    ("llm_silence_timeout", "120"),
    ("run_slice", ""),
    ("run_cost_limit", ""),
    ("session_titles", "false"),
    ("codex_profiles", ""),
    ("approval_timeout", "600"),
    ("web_search_url", ""),
    ("open_chat", ""),
    ("outbound_allow", ""),
    ("cors_origins", ""),
    ("trusted_proxies", ""),
    ("jwt_secret", "a-secret-for-tests-of-32-bytes-at-least"),
    ("data_key", "a-data-key-for-tests-of-32-bytes-at-least"),
    ("data_key_previous", ""),
    ("admin_username", ""),
    ("admin_email", ""),
    ("admin_password", ""),
    ("limit_passwords_account", "10"),
    ("limit_passwords_address", "50"),
    ("limit_codes_address", "30"),
    ("limit_sign_ups_address", "10"),
    ("limit_letters_email", "5"),
    ("limit_chat_turns_address", "1000"),
    ("limit_sessions_user", "10000"),
];

/// A component's router and the platform under it.
pub struct TestApp {
    /// The platform, for a look behind the routes.
    pub platform: Platform,
    router: Router,
}

impl TestApp {
    /// The router that `make` builds, on a new database, with some variables of its own.
    pub async fn start(make: fn(Platform) -> Router, own: &[(&str, &str)]) -> Self {
        Self::on(make, own, |platform| platform).await
    }

    /// As [`TestApp::start`], with parts of the platform replaced by `change`.
    pub async fn on(
        make: fn(Platform) -> Router,
        own: &[(&str, &str)],
        change: impl FnOnce(Platform) -> Platform,
    ) -> Self {
        let variables: MapVariables = VARIABLES.iter().chain(own).copied().collect();
        let platform = platform_native::temporary(variables).expect("a temporary database");
        let platform = change(platform);
        store::migrations::apply(&*platform.sql, platform.clock.now(), "test")
            .await
            .expect("migrations");
        Self {
            router: make(platform.clone()),
            platform,
        }
    }

    /// Sends a request as it is; the answer's body is not read yet.
    pub async fn send(&self, request: Request<Body>) -> Response {
        web::serve(&self.router, &*self.platform.variables, request).await
    }

    /// `GET path`
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], "").await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call_with(&[], &format!("POST {path}"), body).await
    }

    /// A request without a token. `line` is its method and its path; null is no body, all else
    /// goes as JSON.
    pub async fn call(&self, line: &str, body: &Value) -> Answer {
        self.call_with(&[], line, body).await
    }

    /// As [`TestApp::call`], with a bearer token.
    pub async fn call_as(&self, token: &str, line: &str, body: &Value) -> Answer {
        let header = format!("Bearer {token}");
        self.call_with(&[("authorization", &header)], line, body)
            .await
    }

    /// As [`TestApp::call`], with headers.
    pub async fn call_with(&self, headers: &[(&str, &str)], line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let method = method.parse().expect("a method");
        if body.is_null() {
            return self.request(method, path, headers, "").await;
        }
        let json = ("content-type", "application/json");
        let headers: Vec<_> = headers.iter().copied().chain([json]).collect();
        self.request(method, path, &headers, &body.to_string())
            .await
    }

    /// Any request, and its whole answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(body.to_owned()))
            .expect("a request");
        Answer::read(self.send(request).await).await
    }

    /// Asks the database itself.
    pub async fn sql(&self, statement: &str, parameters: Vec<SqlValue>) -> Vec<Row> {
        self.platform
            .sql
            .execute(statement, parameters)
            .await
            .expect("a statement")
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// Reads `response` to its end.
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A header's value; empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Checks that this is a problem of `status` with `detail`, complete in its five members, and
    /// returns it.
    #[track_caller]
    pub fn problem(&self, status: u16, detail: &str) -> Value {
        let json = self.refused(status);
        assert_eq!(json["detail"], detail, "{json}");
        json
    }

    /// Checks that this is a problem of `status`, complete in its five members, whatever its
    /// detail, and returns it.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Value {
        let json = self.json();
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.header(header::CONTENT_TYPE.as_str()),
            "application/problem+json"
        );
        assert_eq!(json["status"], status, "{json}");
        for member in ["type", "title", "detail", "instance"] {
            assert!(json[member].is_string(), "{member} is missing in {json}");
        }
        json
    }

    /// The members of the request that a problem says are at fault.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().into_iter().flatten();
        errors
            .filter_map(|error| error["field"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// Checks that this is a success of `status`, and returns its body.
    #[track_caller]
    pub fn done(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// Checks that this is a success in the envelope of `studio`, and returns its `data`.
    #[track_caller]
    pub fn data(&self) -> Value {
        let mut json = self.done(200);
        let envelope = (&json["code"], &json["message"]);
        assert_eq!(envelope, (&json!(200), &json!("success")), "{json}");
        json["data"].take()
    }
}
