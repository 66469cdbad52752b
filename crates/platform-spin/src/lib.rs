//! The ports over spin-sdk, and the entry point of a component.
//!
//! Invariant: the only crate that names spin-sdk. It compiles to WebAssembly only.
//!
//! An instance has one thread, so what the ports ask to be `Send` is promised with
//! [`send_wrapper::SendWrapper`]. State that outlives a request is a cache only: connections
//! to the database, the router, variables, none of which ever changes its meaning.

mod http;
mod key_value;
mod sqlite;
mod system;

pub use spin_sdk;

use axum::{Router, body::Body};
use ports::Platform;
use spin_sdk::http::Request;
use std::sync::{Arc, OnceLock};

/// What Spin, or whatever hosts the component in its place, gives.
#[must_use]
pub fn platform() -> Platform {
    Platform {
        sql: Arc::new(sqlite::Sqlite),
        key_value: Arc::new(key_value::KeyValueStore),
        http: Arc::new(http::Outbound),
        clock: Arc::new(system::WasiClock),
        random: Arc::new(system::WasiRandom),
        tasks: Arc::new(system::WasiTasks),
        variables: Arc::new(system::SpinVariables::default()),
    }
}

/// Answers one request with the router that `make` builds once an instance. For [`component!`].
pub async fn handle(
    router: &'static OnceLock<Router>,
    make: fn(Platform) -> Router,
    request: Request,
) -> axum::response::Response {
    let router = router.get_or_init(|| make(platform()));
    web::serve(router, request.map(Body::new)).await
}

/// Makes the crate a component: requests go to the router that `$make(Platform)` returns.
#[macro_export]
macro_rules! component {
    ($make:path) => {
        const _: () = {
            use $crate::spin_sdk::http::{FromRequest, IntoResponse, Request};
            use $crate::spin_sdk::wasip3::{exports::http::handler::Guest, http::types};

            struct Component;

            impl Guest for Component {
                async fn handle(
                    request: types::Request,
                ) -> Result<types::Response, types::ErrorCode> {
                    static ROUTER: ::std::sync::OnceLock<::axum::Router> =
                        ::std::sync::OnceLock::new();
                    let request = Request::from_request(request)?;
                    $crate::handle(&ROUTER, $make, request).await.into_response()
                }
            }

            $crate::spin_sdk::wasip3::http::service::export!(Component);
        };
    };
}
