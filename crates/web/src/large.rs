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
    response::Response,
};
use bytes::Bytes;
use contracts::Validate;
use domain::{Error, ErrorKind};
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use ports::{Clock, Platform};
use serde::de::DeserializeOwned;
use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Up to here a body is like any other.
const SMALL: usize = 256 * 1024;

/// Up to here JSON that becomes a value does not take much.
const LIGHT: usize = 32 * 1024;

/// From here on what is read leaves no room beside it.
const HUGE: usize = 8 << 20;

/// How many large bodies an instance holds at a time.
const PLACES: usize = 2;

/// How often a place is asked for that is waited for, and how long it is waited in between.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(250);

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

    /// A place for JSON of so many bytes that is to be read and passed on. What is small needs
    /// none, what is huge takes all; of a size that nobody knows it is taken to be large.
    ///
    /// # Errors
    /// Unavailable when others have what it takes.
    pub fn take_for(size: Option<usize>) -> Result<Self, Error> {
        match size {
            Some(..=SMALL) => Ok(Self(0)),
            Some(HUGE..) => Self(0).and(PLACES),
            _ => Self::take_large(),
        }
    }

    /// A place for JSON of so many bytes that is to be understood. Few need none, but fewer than of
    /// what is passed on: a value takes fifty times what its text does, if it comes to the worst.
    ///
    /// # Errors
    /// Unavailable when all are taken.
    pub fn take_to_read(size: usize) -> Result<Self, Error> {
        match size {
            ..=LIGHT => Ok(Self(0)),
            _ => Self::take_large(),
        }
    }

    /// What `take` gives, waited for: a turn is not given up because others read much just now.
    ///
    /// # Errors
    /// Unavailable when others still have what it takes after most of a minute.
    pub async fn wait(
        clock: &dyn Clock,
        take: impl Fn() -> Result<Self, Error>,
    ) -> Result<Self, Error> {
        for _ in 0..TRIES {
            if let Ok(place) = take() {
                return Ok(place);
            }
            clock.sleep(PAUSE).await;
        }
        take()
    }

    /// All places, those that `taken` has among them: for what leaves no room beside it.
    ///
    /// # Errors
    /// Unavailable when others have some.
    pub fn take_rest(taken: Self) -> Result<Self, Error> {
        let rest = PLACES.saturating_sub(taken.0);
        taken.and(rest)
    }

    /// The response with this place, which is given back when its body is read to the end, or
    /// nobody reads it any more.
    #[must_use]
    pub fn hold(self, response: Response) -> Response {
        if self.0 == 0 {
            return response;
        }
        response.map(|body| Body::new(Held { body, _place: self }))
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

/// A body whose bytes have a place.
struct Held {
    body: Body,
    _place: Place,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
    use http_body::Body as _;
    use ports::BoxFuture;
    use std::sync::Mutex;

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

    #[test]
    fn a_place_is_as_large_as_what_it_is_for() {
        let check = |size: Option<usize>, left: usize| {
            let place = Place::take_for(size).unwrap();
            let others: Vec<_> = std::iter::from_fn(|| Place::take_large().ok()).collect();
            assert_eq!(others.len(), left, "{size:?}");
            drop(place);
        };
        check(Some(0), 2);
        check(Some(SMALL), 2);
        check(Some(SMALL + 1), 1);
        check(Some(HUGE - 1), 1);
        check(None, 1);
        check(Some(HUGE), 0);
        let others = [Place::take_large().unwrap(), Place::take_large().unwrap()];
        assert!(Place::take_to_read(LIGHT).is_ok());
        assert!(Place::take_to_read(LIGHT + 1).is_err());
        drop(others);
        let other = Place::take_large().unwrap();
        assert!(Place::take_for(None).is_ok());
        assert!(Place::take_for(Some(HUGE)).is_err());
        drop(other);
    }

    /// Of these places one is given back at each wait, once so many waits are over.
    struct Waits(Mutex<(u32, Vec<Place>)>);

    impl Clock for Waits {
        fn now(&self) -> i64 {
            0
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            let mut waits = self.0.lock().unwrap();
            match waits.0.checked_sub(1) {
                Some(left) => waits.0 = left,
                None => drop(waits.1.pop()),
            }
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_place_is_waited_for_but_not_forever() {
        let taken = || vec![Place::take_large().unwrap(), Place::take_large().unwrap()];
        let waits = Waits(Mutex::new((TRIES - 1, taken())));
        assert!(Place::wait(&waits, Place::take_large).await.is_ok());
        drop(waits);
        let waits = Waits(Mutex::new((TRIES, taken())));
        assert!(Place::wait(&waits, Place::take_large).await.is_err());
        // What is small needs none.
        let small = Place::wait(&waits, || Place::take_for(Some(1)));
        assert!(small.await.is_ok());
        drop(waits);
        // Nothing of it is left.
        drop(taken());
    }

    #[tokio::test]
    async fn a_body_keeps_its_place_until_it_is_gone() {
        let respond = || {
            let place = Place::take_for(Some(HUGE)).unwrap();
            place.hold(Response::new(Body::from("abc")))
        };
        let response = respond();
        assert!(Place::take_large().is_err());
        // Its length can still be told.
        assert_eq!(response.body().size_hint().exact(), Some(3));
        let read = axum::body::to_bytes(response.into_body(), 3).await.unwrap();
        assert_eq!(read, "abc");
        drop(Place::take_for(Some(HUGE)).unwrap());
        // Nobody reads it.
        drop(respond());
        assert!(Place::take_for(Some(HUGE)).is_ok());
    }
}
