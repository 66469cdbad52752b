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
    /// What sets the timer anew after each piece, if it is about silence.
    clock: Option<Arc<dyn Clock>>,
}

/// `body`, cut off when nothing comes for a minute.
pub(super) fn unless_silent(body: ByteStream, clock: &Arc<dyn Clock>) -> ByteStream {
    until_rung(Reading {
        body,
        timer: clock.sleep(SILENCE),
        clock: Some(Arc::clone(clock)),
    })
}

/// `body`, cut off after `limit`.
pub(super) fn for_at_most(body: ByteStream, clock: &dyn Clock, limit: Duration) -> ByteStream {
    until_rung(Reading {
        body,
        timer: clock.sleep(limit),
        clock: None,
    })
}

fn until_rung(reading: Reading) -> ByteStream {
    let next = async |reading: Option<Reading>| -> Option<(Result<Bytes, HttpError>, _)> {
        let mut reading = reading?;
        match select(reading.body.next(), &mut reading.timer).await {
            Either::Left((piece, _)) => {
                let piece = piece?;
                if let Some(clock) = &reading.clock {
                    reading.timer = clock.sleep(SILENCE);
                }
                let rest = piece.is_ok().then_some(reading);
                Some((piece, rest))
            }
            Either::Right(_) => {
                let late = HttpError::Broken("the runner did not go on in time".to_owned());
                Some((Err(late), None))
            }
        }
    };
    Box::pin(stream::unfold(Some(reading), next))
}
