//! Bytes in pieces of one size, whatever the sizes that they come in.

use bytes::{Bytes, BytesMut};
use domain::Error;
use futures::{Stream, StreamExt};

/// The size of a piece.
const PIECE: usize = 2 << 20;

/// A stream as pieces of one size; only the last is smaller.
pub(crate) struct Pieces<S> {
    stream: S,
    waiting: BytesMut,
    has_ended: bool,
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Pieces<S> {
    pub(crate) fn of(stream: S) -> Self {
        Self {
            stream,
            waiting: BytesMut::new(),
            has_ended: false,
        }
    }

    /// The next piece, and whether it is the last; it may be empty then.
    ///
    /// # Errors
    /// That the stream broke.
    pub(crate) async fn next(&mut self) -> Result<(Bytes, bool), Error> {
        self.fill(PIECE).await?;
        let length = self.waiting.len().min(PIECE);
        let piece = self.waiting.split_to(length).freeze();
        // Whether something follows is known when it is there.
        if self.waiting.is_empty() {
            self.fill(1).await?;
        }
        Ok((piece, self.has_ended && self.waiting.is_empty()))
    }

    /// Reads until so many bytes wait, or there are no more.
    pub(crate) async fn fill(&mut self, most: usize) -> Result<&[u8], Error> {
        while self.waiting.len() < most && !self.has_ended {
            match self.stream.next().await {
                Some(piece) => self.waiting.extend_from_slice(&piece?),
                None => self.has_ended = true,
            }
        }
        Ok(&self.waiting)
    }

    /// What waits, where that is all.
    pub(crate) fn whole(&mut self) -> Option<Bytes> {
        self.has_ended.then(|| self.waiting.split().freeze())
    }
}
