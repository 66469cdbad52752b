//! Signing up, in and out, on all contracts, and what only the owner of an account may change
//! with a password or a code.
//!
//! A component of its own because hashing a password keeps its instance busy for tens of
//! milliseconds. The rules are in the crate `accounts`.

mod api_keys;
mod codex;
mod email;
mod logins;
mod password;
mod runtime;
mod shared;
mod sign_up;
mod studio;
mod sweep;

use axum::{
    Router,
    routing::{delete, get, post, put},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .merge(of_the_documents())
        .merge(besides_them())
        .route("/internal/sweep", post(sweep::sweep))
        .fallback(web::not_found)
        .with_state(platform)
}

fn of_the_documents() -> Router<Platform> {
    Router::new()
        .route("/api/v1/auth/verifications", post(sign_up::create))
        .route("/api/v1/auth/verifications/resend", post(sign_up::resend))
        .route("/api/v1/auth/verifications/verify", post(sign_up::verify))
        .route(
            "/api/v1/auth/sessions",
            post(runtime::sign_in).delete(runtime::sign_out),
        )
        .route("/api/v1/auth/sessions/refresh", post(runtime::refresh))
        .route("/api/v1/auth/users", get(runtime::by_email))
        .route("/api/v1/auth/login", post(shared::login))
        .route("/api/v1/auth/me", get(shared::me))
        .route("/api/v1/auth/logout", post(studio::logout))
        .route("/api/v1/auth/refresh", post(studio::refresh))
        .route("/api/v1/users/me/password", put(password::change))
        .route("/api/login", post(codex::login))
        .route("/api/login/status", get(codex::status))
        .route("/api/logout", post(codex::logout))
}

fn besides_them() -> Router<Platform> {
    Router::new()
        .route("/api/v1/auth/password-resets", post(password::forgot))
        .route(
            "/api/v1/auth/password-resets/confirm",
            post(password::reset),
        )
        .route("/api/v1/users/me/email", post(email::request))
        .route("/api/v1/users/me/email/confirm", post(email::confirm))
        .route(
            "/api/v1/auth/logins",
            get(logins::list).delete(logins::end_others),
        )
        .route("/api/v1/auth/logins/{login_id}", delete(logins::end))
        .route(
            "/api/v1/users/me/api-keys",
            get(api_keys::list).post(api_keys::create),
        )
        .route(
            "/api/v1/users/me/api-keys/{key_id}",
            delete(api_keys::delete),
        )
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system()
        .and_sql()
        .and_key_value()
        .and_http()
);
