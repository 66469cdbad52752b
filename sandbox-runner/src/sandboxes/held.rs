//! The files of sandboxes, held open between requests.

use sandbox::registry::Files;
use sandbox_files::{Settings, Watch, Workspace};
use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// The files of all sandboxes, by session.
#[derive(Debug, Default)]
pub(super) struct Holdings(Mutex<HashMap<Uuid, Held>>);

/// A session's files.
#[derive(Clone, Debug)]
pub(super) struct Held {
    folder: PathBuf,
    pub(super) workspace: Workspace,
    pub(super) watch: Option<Watch>,
}

impl Holdings {
    /// The session's files, opened if they are not yet.
    pub(super) fn files(&self, session: Uuid, files: &Files) -> io::Result<Held> {
        let mut all = self.all();
        // A session that was given another sandbox has another folder.
        let same = |held: &&Held| held.folder == files.workspace;
        if let Some(held) = all.get(&session).filter(same) {
            return Ok(held.clone());
        }
        let settings = Settings {
            owner: Some(files.user),
            ..Settings::default()
        };
        let held = Held {
            folder: files.workspace.clone(),
            workspace: Workspace::open(&files.workspace, settings)?,
            watch: None,
        };
        all.insert(session, held.clone());
        Ok(held)
    }

    /// From now on that watch tells of the session's files.
    pub(super) fn watched(&self, session: Uuid, watch: Watch) {
        if let Some(held) = self.all().get_mut(&session) {
            held.watch = Some(watch);
        }
    }

    /// Lets go of the session's files.
    pub(super) fn forget(&self, session: Uuid) {
        self.all().remove(&session);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
