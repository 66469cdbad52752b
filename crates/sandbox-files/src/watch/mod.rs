//! What changes in a workspace, as it changes.
//!
//! A watch keeps a picture of the workspace: what each name stood for when it was last looked at.
//! What the kernel reports only says where to look again; a change is what differs between picture
//! and disk. So nothing is told twice, what came and went within one window is not told at all, a
//! lost report costs a look at everything and no change, and whoever applies the changes ends with
//! what is on the disk.
//!
//! What a reader may rely on, for each [`FileChange`] in the order in which they come:
//!
//! | kind | means |
//! |---|---|
//! | created | something is there that was not. Of a directory everything in it has its own change |
//! | modified | a file or a symlink is another. Of a directory: anything below it may have changed; list it again, with all its levels |
//! | deleted | it is gone, and with it everything below it: what was in it has no change of its own |
//!
//! - A window is as long as [`WatchSettings::window`] and begins with the first report. A window's
//!   changes come together.
//! - `.git`, `node_modules` and `target`, where they are directories, are not looked into: they are
//!   *modified*, once a window, when anything directly in them changes. What changes further down
//!   in them is not seen. The same goes for a directory with which the picture would get too large.
//! - More changes at once than [`WatchSettings::most_changes`] are told as *modified* directories;
//!   in the worst case of the workspace itself, whose path is empty.
//! - Symlinks are not followed, and files that are being written by [`Workspace::write`] do not
//!   show until they are whole. Changes of mode or owner are not told.
//! - Who reads slowly gets fewer and larger windows; nothing is queued but what differs.
//! - Where the kernel gives no more watches (`fs.inotify.max_user_watches`), or the workspace has
//!   used up [`WatchSettings::most_watches`], the directories left over are looked at every
//!   [`WatchSettings::poll`], or less often if that takes long. This is logged as a warning, and
//!   [`Watch::polled`] says how many they are. Directories that may not be read are tried likewise.
//! - When the root itself is deleted, the changes end, with the next report at the latest; a root
//!   made again wants a workspace opened again, and a watch of its own.
//!
//! inotify is used directly: one instance serves many workspaces (a user has 128 of them), which
//! needs the say over every watch, and watches are set through descriptors, so that no symlink is
//! in their way; `notify` knows paths only and sets up an instance and a thread for each watcher.

mod directories;
mod fold;
mod inotify;
mod mark;
mod pending;
mod snapshot;
mod task;

use crate::{path::WorkspacePath, workspace::Workspace};
use domain::FileChange;
use inotify::Instance;
use pending::Pending;
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// How many windows wait for the reader.
const WINDOWS: usize = 2;

/// How watches work.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// From the first report of a change until it is told.
    pub window: Duration,
    /// How often directories are looked at that cannot be watched.
    pub poll: Duration,
    /// How many changes are told one by one, of one window.
    pub most_changes: usize,
    /// How many directories of one workspace are watched.
    pub most_watches: usize,
    /// How many names of one workspace are kept in mind, each some 150 bytes.
    pub most_names: usize,
    /// How many instances of inotify all workspaces share. Workspaces of one instance look at
    /// everything when one of them floods it.
    pub instances: usize,
}

impl Default for WatchSettings {
    /// 50 ms, 2 s, 16,384 changes, 8,192 watches and 250,000 names a workspace, 8 instances.
    fn default() -> Self {
        Self {
            window: Duration::from_millis(50),
            poll: Duration::from_secs(2),
            most_changes: 16_384,
            most_watches: 8192,
            most_names: 250_000,
            instances: 8,
        }
    }
}

/// A watch could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The user has no instance of inotify left.
    #[error("no instance of inotify is left: raise fs.inotify.max_user_instances")]
    NoInstance,
    /// The workspace cannot be looked at.
    #[error("the workspace cannot be watched")]
    Io(#[from] io::Error),
}

/// Watches workspaces. One is enough for a process.
#[derive(Debug)]
pub struct Watcher {
    settings: WatchSettings,
    instances: Mutex<Vec<Arc<Instance>>>,
}

impl Watcher {
    /// A watcher without watches.
    #[must_use]
    pub fn new(settings: WatchSettings) -> Self {
        Self {
            settings,
            instances: Mutex::default(),
        }
    }

    /// Watches a workspace. What is there when it resolves is known; all later changes are told.
    ///
    /// # Errors
    /// [`WatchError`].
    pub async fn watch(&self, workspace: &Workspace) -> Result<(Watch, Changes), WatchError> {
        let instance = self.instance()?;
        let pending = Arc::new(Pending::default());
        instance.enlist(&pending);
        let polled = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = mpsc::channel(WINDOWS);
        let begun = task::Task {
            workspace: workspace.clone(),
            instance,
            pending: pending.clone(),
            polled: polled.clone(),
            settings: self.settings.clone(),
            changes: sender,
        };
        begun.begin().await?;
        Ok((Watch { pending, polled }, Changes(receiver)))
    }

    /// The instance with the fewest workspaces; another one while there may be more.
    fn instance(&self) -> Result<Arc<Instance>, WatchError> {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let least = instances
            .iter()
            .min_by_key(|instance| instance.workspaces());
        let least = least.cloned();
        match least {
            Some(least) if least.workspaces() == 0 => return Ok(least),
            Some(least) if instances.len() >= self.settings.instances => return Ok(least),
            _ => {}
        }
        match (Instance::new(), least) {
            (Ok(instance), _) => {
                let instance = Arc::new(instance);
                instances.push(instance.clone());
                Ok(instance)
            }
            (Err(_), Some(least)) => Ok(least),
            (Err(error), None) if error.raw_os_error() == Some(inotify::NO_INSTANCE) => {
                Err(WatchError::NoInstance)
            }
            (Err(error), None) => Err(error.into()),
        }
    }
}

impl Default for Watcher {
    fn default() -> Self {
        Self::new(WatchSettings::default())
    }
}

/// A workspace that is watched; it is as long as its [`Changes`] are kept. Clones are the same
/// watch.
#[derive(Clone, Debug)]
pub struct Watch {
    pending: Arc<Pending>,
    polled: Arc<AtomicUsize>,
}

impl Watch {
    /// Says that somebody just changed what is at `path`: it is looked at now, without waiting for
    /// the window, and what differs goes to the [`Changes`] at once. When the kernel reports the
    /// same change later nothing differs any more, so it is told once. A change that somebody else
    /// makes in between is told as well.
    ///
    /// Call it after the operation: for a write, an append or a new directory with its path, for a
    /// deletion likewise, for a move with both.
    pub fn changed(&self, path: &WorkspacePath) {
        self.pending.look(path.clone());
    }

    /// How many directories are looked at from time to time because they cannot be watched.
    #[must_use]
    pub fn polled(&self) -> usize {
        self.polled.load(Ordering::Relaxed)
    }
}

/// The changes of a workspace. Dropping them ends the watch.
#[derive(Debug)]
pub struct Changes(mpsc::Receiver<Vec<FileChange>>);

impl Changes {
    /// The changes of the next window in which there were some; `None` when the workspace's root is
    /// gone, or the watch failed (which is logged). Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Vec<FileChange>> {
        self.0.recv().await
    }
}
