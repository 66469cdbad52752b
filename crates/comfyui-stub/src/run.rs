//! Serves until it is told to stop.

use crate::{executor, routes, state::State};
use axum::serve::ListenerExt;
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves a new server on `listener` until `stop` is cancelled, then closes everything.
///
/// # Errors
/// When connections cannot be accepted.
pub async fn serve(listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
    serve_state(listener, Arc::new(State::default()), stop).await
}

pub(crate) async fn serve_state(
    listener: TcpListener,
    state: Arc<State>,
    stop: CancellationToken,
) -> io::Result<()> {
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "frames of this connection may be delayed");
        }
    });
    let sockets = Arc::clone(&state);
    tokio::select! {
        served = axum::serve(listener, routes::router(Arc::clone(&state))) => served,
        () = executor::run(state) => Ok(()),
        () = stop.cancelled() => {
            sockets.sockets.drop_all();
            Ok(())
        }
    }
}
