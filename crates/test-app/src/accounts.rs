//! Route tests with accounts: letters are kept, time stands still until a test moves it, and
//! there are short ways to sign up and in.

use crate::{Answer, Mailbox, Runner, TestApp, interleaved::Interleaved};
use axum::Router;
use platform_native::{ManualClock, key_value::Stores, sqlite::Database};
use ports::{KeyValue, Platform};
use serde_json::{Value, json};
use std::{ops::Deref, sync::Arc, time::Duration};

/// When every test begins, in milliseconds since 1970: the first moment of an hour, so that all
/// windows of limits begin there.
pub const NOW: i64 = 1_800_000_000_000;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

/// Where and by what somebody signs in with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `runtime`, by address.
    Runtime,
    /// `workspace`, by address.
    Workspace,
    /// `studio`, by name.
    Studio,
    /// `codex`, by name.
    CodexByName,
    /// `codex`, by address.
    CodexByAddress,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Runtime,
        Self::Workspace,
        Self::Studio,
        Self::CodexByName,
        Self::CodexByAddress,
    ];

    /// The request's line and its body for the account `name`.
    #[must_use]
    pub fn request(self, name: &str, password: &str) -> (&'static str, Value) {
        let by_name = json!({ "username": name, "password": password });
        let by_address = json!({ "email": address(name), "password": password });
        match self {
            Self::Runtime => ("POST /api/v1/auth/sessions", by_address),
            Self::Workspace => ("POST /api/v1/auth/login", by_address),
            Self::Studio => ("POST /api/v1/auth/login", by_name),
            Self::CodexByName => ("POST /api/login", by_name),
            Self::CodexByAddress => ("POST /api/login", by_address),
        }
    }

    /// The access token in the answer.
    #[must_use]
    pub fn token_of(self, answer: &Value) -> String {
        let token = match self {
            Self::Studio => &answer["data"]["token"],
            _ => &answer["access_token"],
        };
        token.as_str().expect("an access token").to_owned()
    }
}

/// An app with accounts.
pub struct Accounts {
    app: TestApp,
    /// Where its letters go.
    pub mailbox: Mailbox,
    /// Who it asks about everything else.
    pub runner: Runner,
    /// Its time.
    pub clock: ManualClock,
}

impl Deref for Accounts {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Accounts {
    /// As [`TestApp::start`]. Counters are in a real key-value file too, and requests that are
    /// sent together take turns at each use of a store.
    pub async fn start(make: fn(Platform) -> Router, own: &[(&str, &str)]) -> Self {
        let (mailbox, clock) = (Mailbox::default(), ManualClock::new(NOW));
        let runner = Runner::with(mailbox.clone());
        let file = Database::temporary().expect("a temporary file");
        let stores = Stores::over(file).await.expect("a key-value file");
        let change = |platform: Platform| Platform {
            sql: Arc::new(Interleaved(platform.sql)),
            key_value: Arc::new(Interleaved::<dyn KeyValue>(Arc::new(
                stores.store("default"),
            ))),
            http: Arc::new(runner.clone()),
            clock: Arc::new(clock.clone()),
            ..platform
        };
        let app = TestApp::on(make, own, change).await;
        Self {
            app,
            mailbox,
            runner,
            clock,
        }
    }

    /// As [`Accounts::start`], with accounts of these names in it, in this order.
    pub async fn start_with(
        make: fn(Platform) -> Router,
        own: &[(&str, &str)],
        names: &[&str],
    ) -> Self {
        let app = Self::start(make, own).await;
        for name in names {
            app.sign_up(name).await;
        }
        app
    }

    /// Moves the time on.
    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Asks for the account `name`, whose letter is then the newest.
    pub async fn ask_for(&self, name: &str) -> Answer {
        let body = json!({ "username": name, "email": address(name), "password": PASSWORD });
        self.post("/api/v1/auth/verifications", &body).await
    }

    /// Shows the code that was sent to `name`.
    pub async fn verify(&self, name: &str, code: &str) -> Answer {
        let body = json!({ "email": address(name), "token": code });
        self.post("/api/v1/auth/verifications/verify", &body).await
    }

    /// The whole sign-up of `name`; the tokens are of `runtime`.
    pub async fn sign_up(&self, name: &str) -> Value {
        self.ask_for(name).await.done(202);
        let code = self.mailbox.last().code();
        self.verify(name, &code).await.done(200)
    }

    /// Tries to sign in.
    pub async fn sign_in(&self, way: Way, name: &str, password: &str) -> Answer {
        let (line, body) = way.request(name, password);
        self.call(line, &body).await
    }

    /// Signs in, and returns the access token.
    pub async fn token(&self, way: Way, name: &str) -> String {
        way.token_of(&self.sign_in(way, name, PASSWORD).await.done(200))
    }

    /// A new session of the token's account, by the component `sessions`; its UUID.
    pub async fn session(&self, token: &str) -> String {
        let made = self.call_as(token, "POST /api/v1/sessions", &Value::Null);
        let made = made.await.done(201);
        made["id"].as_str().expect("a session's id").to_owned()
    }

    /// Whether an access token is good.
    pub async fn is_good(&self, token: &str) -> bool {
        let answer = self.call_as(token, "GET /api/v1/auth/me", &Value::Null);
        match answer.await.status.as_u16() {
            200 => true,
            401 => false,
            status => panic!("{status} is no answer to that"),
        }
    }
}

/// The address of `name`.
fn address(name: &str) -> String {
    format!("{}@example.org", name.to_ascii_lowercase())
}
