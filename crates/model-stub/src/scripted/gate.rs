//! Lets a test hold a script at a point and go on when it wants.

use tokio_util::sync::CancellationToken;

/// A point in a [`super::Script`] where the server waits for the test. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    reached: CancellationToken,
    released: CancellationToken,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until the server has come to the gate: all before it is written.
    pub async fn reached(&self) {
        self.reached.cancelled().await;
    }

    /// Opens the gate for good.
    pub fn release(&self) {
        self.released.cancel();
    }

    /// The server's side.
    pub(super) async fn pass(&self) {
        self.reached.cancel();
        self.released.cancelled().await;
    }
}
