//! The body of a request on its way to a component.
//!
//! A small one is there as a whole before the component hears of the request: each piece would cost
//! a call into the guest, and who sends slowly holds no place in an instance. What is wrong with a
//! body is the component's to say, in the words of its contract: it gets what came, and then what
//! the rest comes to.

use bytes::{Bytes, BytesMut};
use futures::{
    Stream,
    stream::{self, StreamExt},
};
use http::{Request, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use std::{error, time::Duration};
use wasmtime_wasi_http::{Error, WasiBody};

/// Bytes of a body that is small.
const SMALL: u64 = 64 * 1024;

/// How long a small body may take: as long as components wait for one.
const ARRIVAL: Duration = Duration::from_secs(20);

/// The request as the component gets it, with a body of at most `limit` bytes.
pub(super) async fn arrived<B>(request: Request<B>, limit: usize) -> Request<WasiBody>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let length = body.size_hint().exact();
    let small = length.is_some_and(|length| (1..=SMALL).contains(&length));
    // Who asks first whether to send a body is answered by the component.
    let body = if small && !head.headers.contains_key(header::EXPECT) {
        whole(body).await
    } else {
        limited(body, limit)
    };
    Request::from_parts(head, body)
}

/// A body in one piece; where it breaks off or takes too long, what came and how it goes on.
async fn whole<B>(mut body: B) -> WasiBody
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    let mut gathered = BytesMut::new();
    let ended = tokio::time::timeout(ARRIVAL, gather(&mut body, &mut gathered)).await;
    let bytes = gathered.freeze();
    match ended {
        Ok(Ok(())) => Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Ok(Err(_)) => begun(bytes, stream::iter([Err(Error::ConnectionTerminated)])),
        Err(_) => {
            let rest = body.into_data_stream().map(|data| {
                data.map(Frame::data)
                    .map_err(|_| Error::ConnectionTerminated)
            });
            begun(bytes, rest)
        }
    }
}

async fn gather<B>(body: &mut B, gathered: &mut BytesMut) -> Result<(), B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        // A body whose length is known has no trailers.
        if let Ok(data) = frame?.into_data() {
            gathered.extend_from_slice(&data);
        }
    }
    Ok(())
}

fn begun<S>(bytes: Bytes, rest: S) -> WasiBody
where
    S: Stream<Item = Result<Frame<Bytes>, Error>> + Send + 'static,
{
    let first = stream::iter([Ok(Frame::data(bytes))]);
    StreamBody::new(first.chain(rest)).boxed_unsync()
}

fn limited<B>(body: B, limit: usize) -> WasiBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    Limited::new(body, limit)
        .map_err(move |error| match error.downcast::<LengthLimitError>() {
            Ok(_) => Error::HttpRequestBodySize(Some(limit as u64)),
            Err(_) => Error::ConnectionTerminated,
        })
        .boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::channel::mpsc;
    use http_body::SizeHint;
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };
    use tokio::time::Instant;

    type Pieces = mpsc::UnboundedSender<io::Result<Frame<Bytes>>>;

    /// A body that says how long it is, and whose pieces a test sends.
    struct Sent {
        pieces: StreamBody<mpsc::UnboundedReceiver<io::Result<Frame<Bytes>>>>,
        length: u64,
    }

    impl Body for Sent {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            Pin::new(&mut self.pieces).poll_frame(context)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.length)
        }
    }

    fn sent(length: u64) -> (Pieces, Request<Sent>) {
        let (sender, queue) = mpsc::unbounded();
        let pieces = StreamBody::new(queue);
        (sender, Request::new(Sent { pieces, length }))
    }

    fn send(pieces: &Pieces, piece: &'static str) {
        let piece = Frame::data(Bytes::from_static(piece.as_bytes()));
        pieces.unbounded_send(Ok(piece)).unwrap();
    }

    /// The next piece, or `None` after the last.
    async fn next(body: &mut WasiBody) -> Option<Result<Bytes, Error>> {
        let frame = body.frame().await?;
        Some(frame.map(|frame| frame.into_data().unwrap()))
    }

    #[tokio::test]
    async fn a_small_body_comes_in_one_piece() {
        let (pieces, request) = sent(10);
        send(&pieces, "five ");
        send(&pieces, "bytes");
        drop(pieces);
        let mut body = arrived(request, 100).await.into_body();
        assert_eq!(body.size_hint().exact(), Some(10));
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "five bytes");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn one_that_breaks_off_does_so_for_the_component() {
        let (pieces, request) = sent(10);
        send(&pieces, "five ");
        let broken = io::ErrorKind::ConnectionReset.into();
        pieces.unbounded_send(Err(broken)).unwrap();
        let mut body = arrived(request, 100).await.into_body();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "five ");
        let error = next(&mut body).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::ConnectionTerminated), "{error:?}");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_too_long_goes_on_at_the_component() {
        let (pieces, request) = sent(10);
        send(&pieces, "five ");
        let started = Instant::now();
        let mut body = arrived(request, 100).await.into_body();
        assert!(started.elapsed() >= ARRIVAL);
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "five ");
        send(&pieces, "bytes");
        drop(pieces);
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "bytes");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_not_waited_for() {
        let (_large, large) = sent(SMALL + 1);
        let (_asking, mut asking) = sent(10);
        let first = http::HeaderValue::from_static("100-continue");
        asking.headers_mut().insert(header::EXPECT, first);
        let (_empty, empty) = sent(0);
        for request in [large, asking, empty] {
            let started = Instant::now();
            arrived(request, 100).await;
            assert!(started.elapsed().is_zero());
        }
    }
}
