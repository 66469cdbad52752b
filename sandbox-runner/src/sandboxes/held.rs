//! The files of sandboxes, held open between requests.

use sandbox::registry::Files;
use sandbox_files::{Checkpoints, Settings, Watch, Workspace, checkpoint};
use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// The files of all sandboxes, by session.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    files: Mutex<HashMap<Uuid, Held>>,
    checkpoints: Mutex<HashMap<PathBuf, Checkpoints>>,
}

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
            journal: Some(files.beside.join("edit.json")),
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

    /// The checkpoints that are kept in that folder: of all who ask the same.
    pub(super) fn checkpoints(&self, folder: PathBuf) -> Checkpoints {
        let all = self.checkpoints.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        // Of sandboxes that are gone.
        all.retain(|folder, _| folder.parent().is_some_and(std::path::Path::exists));
        let made = Checkpoints::new(folder.clone(), checkpoint::Limits::default());
        all.entry(folder).or_insert(made).clone()
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
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
