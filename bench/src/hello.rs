//! The limit: a native axum server that says hello and does nothing else.

use std::env;
use std::io::Read;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use axum::Router;
use axum::routing::get;

use crate::server::{Server, Starting};

/// Starts this program as the hello server.
pub(crate) fn start() -> Result<Server> {
    let mut command = Command::new(env::current_exe()?);
    Starting::spawn(command.args(["hello", "--listen", "127.0.0.1:0"]))?.ready()
}

/// Serves until stdin ends.
pub(crate) async fn serve(listen: SocketAddr) -> Result<()> {
    let router = Router::new().route("/api/v1/health", get(|| async { r#"{"status":"ok"}"# }));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stdin_ended = async {
        let wait = || std::io::stdin().read_to_end(&mut Vec::new());
        // Whatever ended the wait: nobody is there any more.
        let _ = tokio::task::spawn_blocking(wait).await;
    };
    let served = axum::serve(listener, router);
    tokio::select! {
        result = served.into_future() => Ok(result?),
        () = stdin_ended => Ok(()),
    }
}
