//! Parameters in a path.

use crate::failure::Failure;
use axum::extract::{FromRequestParts, RawPathParams};
use domain::Error;
use http::request::Parts;
use uuid::Uuid;

/// The whole number that stands in the path's only parameter.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        match text.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(Error::invalid_field("path", "must be a whole number").into()),
        }
    }
}

/// The two whole numbers that stand in a path.
#[derive(Clone, Copy, Debug)]
pub struct TwoIds(pub i64, pub i64);

impl<S: Send + Sync> FromRequestParts<S> for TwoIds {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let numbers: Option<Vec<i64>> = parameters.ok().and_then(|parameters| {
            let texts = parameters.iter().map(|(_, text)| text.parse().ok());
            texts.collect()
        });
        match numbers.as_deref() {
            Some([first, second]) => Ok(Self(*first, *second)),
            _ => Err(Error::invalid_field("path", "must be of whole numbers").into()),
        }
    }
}

/// The UUID that stands in the path's only parameter.
#[derive(Clone, Copy, Debug)]
pub struct UuidId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for UuidId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        match text.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(Error::invalid_field("path", "must be a UUID").into()),
        }
    }
}

/// The text that stands in the path's only parameter, decoded.
#[derive(Clone, Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters =
            parameters.map_err(|_| Error::invalid_field("path", "is not valid UTF-8"))?;
        match parameters.iter().next() {
            Some((_, text)) => Ok(Self(text.to_owned())),
            None => Err(Error::internal("the route has no parameter").into()),
        }
    }
}
