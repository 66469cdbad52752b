//! What sessions left that are gone: their deletion did not reach the runner, or their owner's
//! account was deleted.

use super::SessionSandboxes;
use crate::{
    drain::Drain,
    edge::{Asking, Edge},
};
use rooms::Rooms;
use runner_api::edge::Sessions;
use std::{collections::BTreeSet, error::Error as StdError, io, sync::Arc, time::Duration};
use uuid::Uuid;

const PATH: &str = "/internal/sandboxes/unowned";

/// How long the edge may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How many sessions it is asked about at once.
const AT_ONCE: usize = 1000;

/// In how many rounds it is asked once about rooms that nobody is in. They are many, and only
/// take a little of the disk.
const ROUNDS: u64 = 20;

/// Asks the edge every `period` which sessions are gone, and removes what they left.
pub(crate) async fn keep_owned(
    sandboxes: Arc<SessionSandboxes>,
    rooms: Rooms,
    edge: Arc<Edge>,
    drain: Drain,
    period: Duration,
) {
    let stopping = drain.stopping();
    for round in 0_u64.. {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        let left = Left {
            sandboxes: &sandboxes,
            rooms: &rooms,
            all_rooms: round.is_multiple_of(ROUNDS),
        };
        if let Err(error) = left.remove_unowned(&edge).await {
            tracing::warn!(error = &*error, "which sessions are gone is not known");
        }
    }
}

/// What sessions may have left.
struct Left<'a> {
    sandboxes: &'a SessionSandboxes,
    rooms: &'a Rooms,
    /// Whether rooms are looked at in which nobody is.
    all_rooms: bool,
}

impl Left<'_> {
    async fn remove_unowned(&self, edge: &Edge) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let sessions: Vec<Uuid> = self.sessions().await?.into_iter().collect();
        for sessions in sessions.chunks(AT_ONCE) {
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
                self.remove(*session).await;
            }
        }
        Ok(())
    }

    /// The sessions that have a sandbox here, readers, or a room that nothing else removes.
    async fn sessions(&self) -> io::Result<BTreeSet<Uuid>> {
        let mut sessions = BTreeSet::from_iter(self.rooms.occupied());
        if let Some(registry) = self.sandboxes.registry.open() {
            sessions.extend(registry.sessions());
        }
        if self.all_rooms {
            sessions.extend(self.rooms.lasting().await?);
        }
        Ok(sessions)
    }

    /// The sandbox goes first: what it still changes would open the room anew.
    async fn remove(&self, session: Uuid) {
        tracing::info!(%session, "the session is gone, and what it left with it");
        if let Some(registry) = self.sandboxes.registry.open()
            && let Err(error) = registry.destroy(session).await
        {
            let error = &error as &dyn StdError;
            tracing::error!(%session, error, "a sandbox that nobody owns is still there");
        }
        if let Err(error) = self.rooms.delete(session).await {
            let error = &error as &dyn StdError;
            tracing::error!(%session, error, "a room that nobody owns is still there");
        }
    }
}
