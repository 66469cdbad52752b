//! What requests bring. Where it cannot be made out, the refusal is a problem, as every refusal of
//! this interface: axum's own are plain text.

use super::refused::Refused;
use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::request::Parts,
};

/// What an extractor of axum finds in a request.
#[derive(Debug)]
pub(super) struct Given<E>(pub(super) E);

impl<S, E> FromRequestParts<S> for Given<E>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
    Refused: From<E::Rejection>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        Ok(Self(E::from_request_parts(parts, state).await?))
    }
}

impl<S, E> FromRequest<S> for Given<E>
where
    S: Send + Sync,
    E: FromRequest<S>,
    Refused: From<E::Rejection>,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        Ok(Self(E::from_request(request, state).await?))
    }
}

/// Each rejection has a status and a sentence, but they share no trait that tells them.
macro_rules! refuse {
    ($($rejection:ty),+) => {$(
        impl From<$rejection> for Refused {
            fn from(rejection: $rejection) -> Self {
                Self::new(rejection.status(), rejection.body_text())
            }
        }
    )+};
}

refuse!(BytesRejection, JsonRejection, PathRejection, QueryRejection);
