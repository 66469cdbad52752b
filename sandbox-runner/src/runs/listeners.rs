//! Whoever asked for a run, and hears what happens in it.

use crate::ndjson::line;
use bytes::Bytes;
use runner_api::runs::{Hearing, Passed};
use tokio::sync::broadcast;

/// How many lines wait for somebody who asked. Whoever is slower is told no more, and reads the
/// end in the database.
const WAITING: usize = 512;

/// Those who hear of one run. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    /// Those who hear everything.
    everything: broadcast::Sender<Bytes>,
    /// Those who hear that it goes on, and its end.
    signs: broadcast::Sender<Bytes>,
}

impl Listeners {
    pub(super) fn new() -> Self {
        Self {
            everything: broadcast::Sender::new(WAITING),
            signs: broadcast::Sender::new(WAITING),
        }
    }

    /// One more.
    pub(super) fn hear(&self, hearing: Hearing) -> broadcast::Receiver<Bytes> {
        match hearing {
            Hearing::Everything => self.everything.subscribe(),
            Hearing::End => self.signs.subscribe(),
        }
    }

    /// Tells what happened. It is put into words for nobody where nobody hears it.
    pub(super) fn news(&self, passed: impl FnOnce() -> Passed) {
        if self.everything.receiver_count() > 0 {
            // Whoever asked may leave just now.
            let _ = self.everything.send(line(&passed()));
        }
    }

    /// Tells everybody that the run goes on.
    pub(super) fn beat(&self) {
        self.sign(&Passed {
            beat: true,
            ..Passed::default()
        });
    }

    /// Tells everybody that the run goes on, or has ended.
    pub(super) fn sign(&self, passed: &Passed) {
        let line = line(passed);
        // Whoever asked may have left.
        let _ = self.everything.send(line.clone());
        let _ = self.signs.send(line);
    }
}
