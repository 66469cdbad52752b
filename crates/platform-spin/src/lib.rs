//! The ports over spin-sdk, and the entry point of a component.
//!
//! Invariant: the only crate that names spin-sdk. It compiles to WebAssembly only.
//!
//! An instance has one thread, so what the ports ask to be `Send` is promised with
//! [`send_wrapper::SendWrapper`]. State that outlives a request is a cache only: connections
//! to the database, the router, variables, none of which ever changes its meaning.

mod absent;
mod exchange;
mod http;
mod key_value;
mod spawning;
mod sqlite;
mod system;

pub use spin_sdk;

use axum::Router;
use ports::Platform;
use spin_sdk::wasip3::http::types::{self, ErrorCode};
use std::sync::{Arc, OnceLock};

/// The ports that a component asks for, over what Spin, or whatever hosts it in its place, gives.
pub struct Ports(Platform);

impl Ports {
    /// Time, randomness, tasks and variables, which every component has.
    #[must_use]
    pub fn system() -> Self {
        let absent = Arc::new(absent::Absent);
        Self(Platform {
            sql: absent.clone(),
            key_value: absent.clone(),
            http: absent,
            clock: Arc::new(system::WasiClock),
            random: Arc::new(system::WasiRandom),
            tasks: Arc::new(system::WasiTasks),
            variables: Arc::new(system::SpinVariables),
        })
    }

    /// And the default database.
    #[must_use]
    pub fn and_sql(mut self) -> Self {
        self.0.sql = Arc::new(sqlite::Sqlite);
        self
    }

    /// And the default key-value store.
    #[must_use]
    pub fn and_key_value(mut self) -> Self {
        self.0.key_value = Arc::new(key_value::KeyValueStore);
        self
    }

    /// And outbound HTTP.
    #[must_use]
    pub fn and_http(mut self) -> Self {
        self.0.http = Arc::new(http::Outbound);
        self
    }
}

/// Answers one request with the router that `make` builds once an instance. For [`component!`].
///
/// # Errors
/// The host's, for a request that no host should let pass.
pub async fn handle(
    router: &'static OnceLock<Router>,
    make: fn(Platform) -> Router,
    ports: fn() -> Ports,
    request: types::Request,
) -> Result<types::Response, ErrorCode> {
    let request = exchange::request(request)?;
    let router = router.get_or_init(|| make(ports().0));
    let answering = web::serve(router, &system::SpinVariables, request);
    exchange::response(spawning::begin_spawned(answering).await)
}

/// Makes the crate a component: requests go to the router that `$make(Platform)` returns, over
/// the [`Ports`] of the second argument.
#[macro_export]
macro_rules! component {
    ($make:path, $ports:expr) => {
        const _: () = {
            use $crate::spin_sdk::wasip3::{exports::http::handler::Guest, http::types};

            struct Component;

            impl Guest for Component {
                async fn handle(
                    request: types::Request,
                ) -> Result<types::Response, types::ErrorCode> {
                    static ROUTER: ::std::sync::OnceLock<::axum::Router> =
                        ::std::sync::OnceLock::new();
                    $crate::handle(&ROUTER, $make, || $ports, request).await
                }
            }

            $crate::spin_sdk::wasip3::http::service::export!(Component);
        };
    };
}
