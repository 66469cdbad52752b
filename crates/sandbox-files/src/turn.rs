//! Work on a workspace that is done one after the other: whoever waits for a turn holds no thread
//! that blocks, so that one workspace keeps nobody's from being worked on.
//!
//! Invariant: a turn is taken before the work is handed to a thread, and goes with it: it ends when
//! the work does, also where nobody waits for that any more.

use crate::{error::FileError, path::WorkspacePath};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many wait for their turn. One more is refused.
pub(crate) const WAITING: usize = 8;

/// The turns of one kind of work. They are given in the order in which they are asked for.
#[derive(Debug)]
pub(crate) struct Turns {
    turn: Arc<Semaphore>,
    /// Of whoever has the turn, and of those who wait.
    places: Arc<Semaphore>,
}

/// Whoever has this has the turn.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            places: Arc::new(Semaphore::new(1 + WAITING)),
        }
    }
}

impl Turns {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`FileError::Busy`] when [`WAITING`] others wait.
    pub(crate) async fn take(&self) -> Result<Turn, FileError> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| busy())?;
        let turn = self.turn.clone().acquire_owned().await;
        Ok(Turn {
            // It fails only where the semaphore is closed, which nobody does.
            _turn: turn.map_err(|_| busy())?,
            _place: place,
        })
    }
}

fn busy() -> FileError {
    FileError::Busy(WorkspacePath::root().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use futures::poll;
    use std::task::Poll;

    #[tokio::test]
    async fn one_has_the_turn_and_so_many_wait() {
        let turns = Turns::default();
        let first = turns.take().await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITING {
            let mut next = Box::pin(turns.take());
            assert!(poll!(&mut next).is_pending());
            waiting.push(next);
        }
        let refused = turns.take().await.unwrap_err();
        assert!(matches!(refused, FileError::Busy(_)), "{refused}");
        // Who leaves makes room.
        drop(waiting.pop());
        let mut last = Box::pin(turns.take());
        assert!(poll!(&mut last).is_pending());
        waiting.push(last);
        drop(first);
        for (number, next) in waiting.iter_mut().enumerate() {
            let Poll::Ready(turn) = poll!(next) else {
                panic!("{number} is next");
            };
            drop(turn.unwrap());
        }
    }
}
