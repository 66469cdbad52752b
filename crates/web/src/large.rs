//! Bodies that are larger than others.
//!
//! Invariant: an instance has 128 MiB for up to 16 requests, and such a body is in it several
//! times over: as it came, as text, as what it says. So strangers' bodies are not read, and an
//! instance holds only a few at a time; whoever comes then is told to come again.

use crate::{
    Failure,
    body::{check_type, read_within, valid},
    signed_in::SignedIn,
};
use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use bytes::Bytes;
use contracts::Validate;
use domain::{Error, ErrorKind};
use http::{HeaderMap, header};
use ports::Platform;
use serde::de::DeserializeOwned;
use std::{cell::Cell, time::Duration};

/// Up to here a body is like any other.
const SMALL: usize = 256 * 1024;

/// How many large bodies an instance holds at a time.
const PLACES: usize = 2;

/// How long a large body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(60);

thread_local! {
    /// An instance is one thread.
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// Places among those that an instance has for what is large; given back when it is dropped.
#[derive(Debug)]
pub struct Place(usize);

impl Place {
    /// A place for a request with these headers; one whose size is small needs none.
    ///
    /// # Errors
    /// Unavailable when all are taken.
    fn take(headers: &HeaderMap) -> Result<Self, Error> {
        let size = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|size| size.to_str().ok()?.parse::<usize>().ok());
        if size.is_some_and(|size| size <= SMALL) {
            return Ok(Self(0));
        }
        Self::take_large()
    }

    /// A place for what is large, whoever made it so: a file that is read, or a stored workflow.
    ///
    /// # Errors
    /// Unavailable when all are taken.
    pub fn take_large() -> Result<Self, Error> {
        Self(0).and(1)
    }

    /// All places, those that `taken` has among them: for what leaves no room beside it.
    ///
    /// # Errors
    /// Unavailable when others have some.
    pub fn take_rest(taken: Self) -> Result<Self, Error> {
        let rest = PLACES.saturating_sub(taken.0);
        taken.and(rest)
    }

    fn and(mut self, more: usize) -> Result<Self, Error> {
        let taken = TAKEN.get() + more;
        if taken > PLACES {
            let detail = "Too many large requests at a time. Try again";
            return Err(Error::new(ErrorKind::Unavailable, detail).retry_in(1));
        }
        TAKEN.set(taken);
        self.0 += more;
        Ok(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.set(TAKEN.get().saturating_sub(self.0));
    }
}

/// Who sends the request, and its JSON of at most `MOST` bytes. Otherwise as
/// [`SignedBody`](crate::SignedBody).
#[derive(Debug)]
pub struct LargeBody<T, const MOST: usize>(pub SignedIn, pub T, pub Place);

impl<T, S, const MOST: usize> FromRequest<S> for LargeBody<T, MOST>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let large = LargeBytes::<MOST>::from_request(request, state).await?;
        check_type(&large.headers)?;
        Ok(Self(large.signed_in, valid(&large.bytes)?, large.place))
    }
}

/// Who sends the request, and its bytes, at most `MOST`, whatever they are.
#[derive(Debug)]
pub struct LargeBytes<const MOST: usize> {
    /// Who sends it.
    pub signed_in: SignedIn,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its bytes.
    pub bytes: Bytes,
    /// Their place; to be kept while there is something of them.
    pub place: Place,
}

impl<S, const MOST: usize> FromRequest<S> for LargeBytes<MOST>
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body): (_, Body) = request.into_parts();
        SignedIn::from_request_parts(&mut parts, state).await?;
        let place = Place::take(&parts.headers)?;
        let platform = Platform::from_ref(state);
        let most = if place.0 > 0 { MOST } else { MOST.min(SMALL) };
        let bytes = read_within(body, &platform, most, ARRIVAL).await?;
        // One that ended while the body was on its way changes nothing any more.
        let signed_in = SignedIn::from_request_parts(&mut parts, state).await?;
        Ok(Self {
            signed_in,
            headers: parts.headers,
            bytes,
            place,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn of_size(size: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let size = http::HeaderValue::from_static(size);
        headers.insert(header::CONTENT_LENGTH, size);
        headers
    }

    #[test]
    fn there_are_few_places_and_they_are_given_back() {
        let one = Place::take(&HeaderMap::new()).unwrap();
        let two = Place::take(&of_size("262145")).unwrap();
        assert!(Place::take_large().is_err());
        // What is small needs none.
        let small = Place::take(&of_size("262144")).unwrap();
        assert!(Place::take_rest(small).is_err());
        assert!(Place::take(&of_size("x")).is_err());
        drop(two);
        let alone = Place::take_rest(one).unwrap();
        assert!(Place::take_large().is_err());
        drop(alone);
        let small = Place::take(&of_size("1")).unwrap();
        assert!(Place::take_rest(small).is_ok());
        assert!(Place::take_large().is_ok());
    }
}
