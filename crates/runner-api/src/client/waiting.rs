//! Bodies that may not take for ever.

use bytes::Bytes;
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use ports::{BoxFuture, ByteStream, Clock, HttpError};
use std::{sync::Arc, time::Duration};

/// How long a body may be silent between two pieces.
const SILENCE: Duration = Duration::from_secs(60);

struct Reading {
    body: ByteStream,
    timer: BoxFuture<'static, ()>,
    /// What sets the timer anew when something came meanwhile, if it is about silence.
    clock: Option<Arc<dyn Clock>>,
    /// Whether something came since it was set.
    heard: bool,
}

/// `body`, cut off when nothing came for a whole minute of the timer, which is set once a minute:
/// once for every piece would cost more than the piece.
pub(super) fn unless_silent(body: ByteStream, clock: &Arc<dyn Clock>) -> ByteStream {
    until_rung(Reading {
        body,
        timer: clock.sleep(SILENCE),
        clock: Some(Arc::clone(clock)),
        heard: false,
    })
}

/// `body`, cut off after `limit`.
pub(super) fn for_at_most(body: ByteStream, clock: &dyn Clock, limit: Duration) -> ByteStream {
    until_rung(Reading {
        body,
        timer: clock.sleep(limit),
        clock: None,
        heard: false,
    })
}

fn until_rung(reading: Reading) -> ByteStream {
    let next = async |reading: Option<Reading>| -> Option<(Result<Bytes, HttpError>, _)> {
        let mut reading = reading?;
        loop {
            let piece = match select(reading.body.next(), &mut reading.timer).await {
                Either::Left((piece, _)) => piece?,
                Either::Right(_) => match (&reading.clock, reading.heard) {
                    (Some(clock), true) => {
                        reading.timer = clock.sleep(SILENCE);
                        reading.heard = false;
                        continue;
                    }
                    _ => Err(HttpError::Broken(
                        "the runner did not go on in time".to_owned(),
                    )),
                },
            };
            reading.heard = true;
            let rest = piece.is_ok().then_some(reading);
            return Some((piece, rest));
        }
    };
    Box::pin(stream::unfold(Some(reading), next))
}
