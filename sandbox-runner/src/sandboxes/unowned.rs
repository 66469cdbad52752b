//! Sandboxes whose session is gone: its deletion did not reach the runner, or its owner's account
//! was deleted.

use super::SessionSandboxes;
use crate::{
    drain::Drain,
    edge::{Asking, Edge},
};
use runner_api::edge::Sessions;
use std::{error::Error as StdError, sync::Arc, time::Duration};

const PATH: &str = "/internal/sandboxes/unowned";

/// How long the edge may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How often the edge is asked.
const PERIOD: Duration = Duration::from_secs(30);

/// How many sessions it is asked about at once.
const AT_ONCE: usize = 1000;

/// Asks the edge from time to time, and destroys what nobody owns.
pub(crate) async fn keep_owned(sandboxes: Arc<SessionSandboxes>, edge: Arc<Edge>, drain: Drain) {
    let stopping = drain.stopping();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = destroy_unowned(&sandboxes, &edge).await {
            tracing::warn!(error = &*error, "whose sandboxes there are is not known");
        }
    }
}

async fn destroy_unowned(
    sandboxes: &SessionSandboxes,
    edge: &Edge,
) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let Some(registry) = sandboxes.registry.open() else {
        return Ok(());
    };
    for sessions in registry.sessions().chunks(AT_ONCE) {
        let asked = Sessions {
            sessions: sessions.to_vec(),
        };
        let asking = Asking {
            within: ANSWER,
            id: None,
        };
        let answer = edge.ask(PATH, &asked, asking).await?;
        if !answer.status.is_success() {
            return Err(format!("the edge answered {}", answer.status).into());
        }
        let gone: Sessions = serde_json::from_slice(&answer.body)?;
        for session in gone.sessions.iter().filter(|gone| sessions.contains(gone)) {
            tracing::info!(%session, "the session is gone, and its sandbox with it");
            if let Err(error) = registry.destroy(*session).await {
                let error = &error as &dyn StdError;
                tracing::error!(%session, error, "a sandbox that nobody owns is still there");
            }
        }
    }
    Ok(())
}
