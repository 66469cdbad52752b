//! The components `auth` and `users` over one database: who signs in at the one uses the other.

use axum::Router;
use ports::Platform;
use test_app::Accounts;

fn router(platform: Platform) -> Router {
    users::router(platform.clone()).fallback_service(auth_component::router(platform))
}

pub(crate) async fn start(own: &[(&str, &str)]) -> Accounts {
    Accounts::start(router, own).await
}
