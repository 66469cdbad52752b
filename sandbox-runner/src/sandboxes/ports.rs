//! The way to servers in sandboxes.

use super::Registry;
use crate::previews::{Published, Relay};
use futures::future::BoxFuture;
use sandbox::{
    exec::ExecError,
    registry::{Change, Lifecycle, SandboxError, Status},
};
use std::{io, sync::Arc};
use tokio::{net::TcpStream, sync::broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Connects to servers in sandboxes that run. It starts none: nothing would listen there.
#[derive(Debug)]
pub(crate) struct ToSandboxes(pub(super) Registry);

impl Relay for ToSandboxes {
    fn connect(&self, session: Uuid, port: u16) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(async move {
            let sandboxes = self.0.get().map_err(of_sandbox)?;
            let sandbox = sandboxes.status(session).map_err(of_sandbox)?;
            if sandbox.status != Status::Running {
                return Err(io::ErrorKind::NotFound.into());
            }
            let entered = sandboxes.enter(session).await.map_err(of_sandbox)?;
            let commands = entered.commands().await.map_err(of_exec)?;
            commands.connect_to(port).await.map_err(of_exec)
        })
    }
}

/// Closes the published ports of sandboxes that are gone, until the runner stops.
pub(super) async fn close_with_sandboxes(
    registry: Registry,
    published: Arc<Published>,
    stopping: CancellationToken,
) {
    let Some(sandboxes) = registry.opened(&stopping).await else {
        return;
    };
    let mut changes = sandboxes.subscribe();
    loop {
        let change = tokio::select! {
            () = stopping.cancelled() => return,
            change = changes.recv() => change,
        };
        match change {
            Ok(Lifecycle {
                session,
                change: Change::Destroyed,
            }) => published.close(session),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => published.close_all_but(&sandboxes.sessions()),
            Err(RecvError::Closed) => return,
        }
    }
}

fn of_sandbox(error: SandboxError) -> io::Error {
    match error {
        SandboxError::NotFound => io::ErrorKind::NotFound.into(),
        error => io::Error::other(error),
    }
}

fn of_exec(error: ExecError) -> io::Error {
    match error {
        ExecError::Unreachable(_) => io::ErrorKind::ConnectionRefused.into(),
        ExecError::Gone(_) => io::ErrorKind::NotFound.into(),
        error => io::Error::other(error),
    }
}
