//! Serves a router until it is told to stop.

use axum::Router;
use std::{io, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long answers that are under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves `router` until `stop` is cancelled, then gives what is under way [`DRAIN`] to end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|socket| {
        // Without it a token waits for the reader's acknowledgement of the one before.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "tokens of this connection may be delayed");
        }
    });
    let graceful =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = graceful => result,
        () = too_long => Ok(()),
    }
}
