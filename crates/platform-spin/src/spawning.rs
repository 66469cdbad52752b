//! Sees to it that spawned tasks are begun.
//!
//! A task that is spawned while another is polled joins the executor after that poll; if the
//! spawner then waits, nobody polls the new one until some event of the host happens to come.
//! An outgoing request's body is such a task. So whoever has spawned is polled once more, and
//! the new task with it.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
};

thread_local! {
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// Says that something was spawned, or is about to be in this very poll.
pub(crate) fn spawned() {
    SPAWNED.set(true);
}

/// Runs `future`, and has it polled again at once whenever it has spawned something and waits.
pub(crate) async fn begin_spawned<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |context| {
        let polled = future.as_mut().poll(context);
        if SPAWNED.replace(false) && polled.is_pending() {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}
