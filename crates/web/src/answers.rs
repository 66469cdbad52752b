//! Answers around answers.

use crate::json::Json;
use axum::response::{IntoResponse, Response};
use contracts::studio;
use http::{HeaderValue, header};
use serde::Serialize;

/// An answer that no cache may keep: it carries a secret.
#[derive(Clone, Copy, Debug)]
pub struct NoStore<T>(pub T);

impl<T: IntoResponse> IntoResponse for NoStore<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        response
    }
}

/// A success as `studio` wraps it: `{code: 200, message: "success", data}`.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<T>(pub T);

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        Json(studio::Envelope::of(self.0)).into_response()
    }
}

/// Part of a list as `studio` wraps it; `X-Total-Count` says how long the whole is.
#[derive(Clone, Debug)]
pub struct PagedEnvelope<T> {
    /// The part.
    pub items: Vec<T>,
    /// The length of the whole.
    pub total: i64,
}

impl<T: Serialize> IntoResponse for PagedEnvelope<T> {
    fn into_response(self) -> Response {
        let total = [("x-total-count", self.total.to_string())];
        (total, Envelope(self.items)).into_response()
    }
}
