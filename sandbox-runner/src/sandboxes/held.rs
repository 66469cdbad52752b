//! What is kept of a session's sandbox between requests.

use sandbox::{
    exec::{self, ExecError},
    registry::{Files, Use},
};
use sandbox_files::{Settings, Watch, Workspace};
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Everything that is kept, by session.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    settings: exec::Settings,
    files: Mutex<HashMap<Uuid, Held>>,
    channels: Mutex<HashMap<Uuid, Arc<Channel>>>,
}

/// A session's files.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) workspace: Workspace,
    pub(super) watch: Option<Watch>,
}

/// The connection to a sandbox's init: there may be only one.
#[derive(Debug, Default)]
struct Channel(tokio::sync::Mutex<Option<exec::Sandbox>>);

impl Holdings {
    /// The session's files, opened if they are not yet.
    pub(super) fn files(&self, session: Uuid, files: &Files) -> io::Result<Held> {
        let mut all = self.all_files();
        if let Some(held) = all.get(&session) {
            return Ok(held.clone());
        }
        let settings = Settings {
            owner: Some(files.user),
            ..Settings::default()
        };
        let held = Held {
            workspace: Workspace::open(&files.workspace, settings)?,
            watch: None,
        };
        all.insert(session, held.clone());
        Ok(held)
    }

    /// From now on that watch tells of the session's files.
    pub(super) fn watched(&self, session: Uuid, watch: Watch) {
        if let Some(held) = self.all_files().get_mut(&session) {
            held.watch = Some(watch);
        }
    }

    /// The connection to the session's sandbox, made if it is not there or was to one before.
    pub(super) async fn channel(
        &self,
        session: Uuid,
        entered: &Use,
    ) -> Result<exec::Sandbox, ExecError> {
        let channel = self.all_channels().entry(session).or_default().clone();
        let mut channel = channel.0.lock().await;
        let running = &entered.live().running;
        if let Some(open) = channel.as_ref().filter(|open| open.running() == running) {
            return Ok(open.clone());
        }
        let open = exec::Sandbox::connect(running.clone(), self.settings).await?;
        *channel = Some(open.clone());
        Ok(open)
    }

    /// Lets go of everything of the session.
    pub(super) fn drop_all(&self, session: Uuid) {
        self.all_files().remove(&session);
        self.all_channels().remove(&session);
    }

    fn all_files(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_channels(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
