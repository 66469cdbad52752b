//! The workspace: one folder of the host, and what may be done with what is in it.
//!
//! Every operation takes a [`WorkspacePath`], blocks no thread of the runtime, and sees the disk as
//! it is then: nothing is kept but the root's descriptor and what was last measured. When the root
//! itself is deleted, all operations end as not found, also after somebody made it again: open
//! it anew.

use crate::{
    archive::{self, Archive, Format},
    beneath,
    edit::{self, Edit},
    error::FileError,
    mutate,
    path::WorkspacePath,
    read::{self, OpenFile},
    tree,
    turn::Turns,
    usage::{self, Usage},
    write,
};
use bytes::Bytes;
use futures::Stream;
use runner_api::files::{File, Node};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{CWD, Mode, OFlags},
};
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};
use tokio::sync::Semaphore;

/// How deep [`Workspace::tree`] looks at most.
pub const DEEPEST_TREE: u32 = 16;

/// What a workspace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// On the disk, in bytes.
    pub bytes: u64,
    /// Files, directories and other things.
    pub files: u64,
}

/// How a workspace is handled.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose new files are, uid and gid, when the process is root.
    pub owner: Option<(u32, u32)>,
    /// What the workspace may hold; writes beyond it are refused.
    pub quota: Option<Quota>,
    /// Where it is noted which files [`Workspace::edit`] is about to change: a file outside of the
    /// workspace. Without one a process that dies may leave a part of an edit.
    pub journal: Option<PathBuf>,
    /// The largest content that [`Workspace::write`] and [`Workspace::append`] take, in bytes.
    pub largest_write: u64,
    /// How much of a file [`Workspace::read`] gives, in bytes.
    pub longest_read: u64,
    /// How many nodes a tree has at most.
    pub largest_tree: usize,
    /// How much goes into an archive, in bytes before they are compressed, and in files.
    pub largest_archive: Quota,
    /// How many archives of the workspace are made at once.
    pub archives: usize,
}

impl Default for Settings {
    /// No quota, no journal; 256 MiB written at once, 5 MiB read at once, trees of 20,000 nodes, two archives
    /// at once of 4 GiB and 200,000 files.
    fn default() -> Self {
        Self {
            owner: None,
            quota: None,
            journal: None,
            largest_write: 256 << 20,
            longest_read: 5 << 20,
            largest_tree: 20_000,
            largest_archive: Quota {
                bytes: 4 << 30,
                files: 200_000,
            },
            archives: 2,
        }
    }
}

/// A workspace. Clones are the same workspace.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    root: OwnedFd,
    pub(crate) settings: Settings,
    usage: Mutex<Option<Usage>>,
    pub(crate) archives: Arc<Semaphore>,
    /// Of those who edit several files, or put a checkpoint back: one at a time.
    pub(crate) editing: Turns,
}

impl Workspace {
    /// Opens the folder, and takes back what an edit left whose process died. It blocks for a few
    /// calls of the kernel.
    ///
    /// # Errors
    /// If it is no directory that can be read, or the kernel is without `openat2` (before 5.6, or
    /// where a filter refuses it): there is no other way that is safe.
    pub fn open(root: &Path, settings: Settings) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
        if let Err(errno) = beneath::open(&root, c".", beneath::HANDLE) {
            return Err(match errno {
                rustix::io::Errno::NOSYS => io::Error::new(
                    io::ErrorKind::Unsupported,
                    "the kernel does not offer openat2, without which files are not safe: \
                     use Linux 5.6 or later, and a seccomp filter that allows it",
                ),
                errno => errno.into(),
            });
        }
        let archives = Arc::new(Semaphore::new(settings.archives));
        let inner = Inner {
            root,
            settings,
            usage: Mutex::new(None),
            archives,
            editing: Turns::default(),
        };
        edit::settle(&inner).map_err(io::Error::other)?;
        Ok(Self(Arc::new(inner)))
    }

    /// A directory with what is in it, `depth` levels deep (1 to [`DEEPEST_TREE`]); of a file the
    /// file alone. Names that begin with a dot are left out unless `hidden`. There are `most` nodes
    /// in it at most, and never more than [`Settings::largest_tree`]. Where that limit is reached
    /// the upper levels are whole, and what is cut says so.
    ///
    /// # Errors
    /// [`FileError`], for what `root` names; what vanishes further down is left out.
    pub async fn tree(
        &self,
        root: &WorkspacePath,
        depth: u32,
        hidden: bool,
        most: usize,
    ) -> Result<Node, FileError> {
        let root = root.clone();
        self.blocking(move |workspace| tree::tree(workspace, &root, depth, hidden, most))
            .await
    }

    /// What the path names; a symlink at its end is not followed.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn stat(&self, path: &WorkspacePath) -> Result<Node, FileError> {
        let path = path.clone();
        self.blocking(move |workspace| tree::stat(workspace, &path))
            .await
    }

    /// A file's content, or the beginning of one that is longer than
    /// [`Settings::longest_read`]: as text if it is UTF-8 (cut between characters), else as base64.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn read(&self, path: &WorkspacePath) -> Result<File, FileError> {
        let path = path.clone();
        self.blocking(move |workspace| read::read(workspace, &path))
            .await
    }

    /// Opens a file for its bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn open_file(&self, path: &WorkspacePath) -> Result<OpenFile, FileError> {
        let path = path.clone();
        self.blocking(move |workspace| read::open_file(workspace, &path))
            .await
    }

    /// Makes `content` the file's content, all of it or nothing, also when the machine crashes;
    /// missing directories are made. A file that was there keeps its mode; others that were linked
    /// to it keep the old content. A relative symlink is followed while it stays inside.
    ///
    /// # Errors
    /// [`FileError`]; then the file is as it was.
    pub async fn write<S, E>(&self, path: &WorkspacePath, content: S) -> Result<Node, FileError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        write::write(self, path, content).await
    }

    /// Puts `content` at the end of a file, which is made if it is missing. It begins when all of
    /// the content is there, and writes into the same file, so that who has it open goes on.
    ///
    /// # Errors
    /// [`FileError`]; then the file is as long as it was.
    pub async fn append<S, E>(&self, path: &WorkspacePath, content: S) -> Result<Node, FileError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        write::append(self, path, content).await
    }

    /// Makes several files what they shall be, while each is still what whoever asks has seen:
    /// all of them or none, also when the process is killed meanwhile. A file that was there keeps
    /// its mode unless it takes another's, others that were linked to it keep the old content; a
    /// symlink is no file here, and each path may be named once. Missing directories are made, and
    /// not removed again.
    ///
    /// # Errors
    /// [`FileError::Changed`] where a file is not what it was; [`FileError::Busy`] where too many
    /// wait to edit already; others as [`Workspace::write`]. Then the files are as they were, but
    /// for [`FileError::NotRestored`].
    pub async fn edit(&self, edits: Vec<Edit>) -> Result<(), FileError> {
        let turn = self.0.editing.take().await?;
        self.blocking(move |workspace| {
            let _turn = turn;
            edit::edit(workspace, edits)
        })
        .await
    }

    /// Deletes a file, a symlink, an empty directory, or with `recursive` one that is not. What is
    /// moved or written into it meanwhile goes with it.
    ///
    /// # Errors
    /// [`FileError`]; of a directory that could not be deleted whole a part may be gone.
    pub async fn delete(&self, path: &WorkspacePath, recursive: bool) -> Result<(), FileError> {
        let path = path.clone();
        self.blocking(move |workspace| mutate::delete(workspace, &path, recursive))
            .await
    }

    /// Gives something another path; missing directories are made. What is there is replaced only
    /// with `overwrite`, and a directory only if it is empty and replaced by a directory.
    ///
    /// # Errors
    /// [`FileError`]; then both are as they were.
    pub async fn rename(
        &self,
        from: &WorkspacePath,
        to: &WorkspacePath,
        overwrite: bool,
    ) -> Result<Node, FileError> {
        let (from, to) = (from.clone(), to.clone());
        self.blocking(move |workspace| mutate::rename(workspace, &from, &to, overwrite))
            .await
    }

    /// Makes a directory and those above it; one that is there is fine.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn make_directory(&self, path: &WorkspacePath) -> Result<Node, FileError> {
        let path = path.clone();
        self.blocking(move |workspace| mutate::make_directory(workspace, &path))
            .await
    }

    /// An archive of a directory (or of one file), as it is made: what the ignore files in it say
    /// is left out, and so are `.git`, `node_modules` and `target`. Symlinks are symlinks in it.
    ///
    /// # Errors
    /// [`FileError`], for what `root` names; what fails later ends the stream with an error.
    pub async fn archive(
        &self,
        root: &WorkspacePath,
        format: Format,
    ) -> Result<Archive, FileError> {
        archive::begin(self, root, format).await
    }

    /// Counts what the workspace holds, which is what writes go by from then on. A registry calls
    /// it while commands run.
    ///
    /// # Errors
    /// [`FileError`], if the root itself cannot be read.
    pub async fn measure(&self) -> Result<Usage, FileError> {
        self.blocking(Inner::measure).await
    }

    /// Runs `work` where it may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let inner = self.0.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(done) => done,
            Err(panicked) => Err(FileError::io(&WorkspacePath::root())(io::Error::other(
                panicked,
            ))),
        }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Gives what was just made to the sandbox's user.
    pub(crate) fn own(&self, made: impl AsFd) -> Result<(), rustix::io::Errno> {
        let Some((user, group)) = self.settings.owner else {
            return Ok(());
        };
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let user = rustix::fs::Uid::from_raw(user);
        rustix::fs::fchown(made, Some(user), Some(rustix::fs::Gid::from_raw(group)))
    }

    /// Refuses `bytes` more, and a file more, if the quota does not leave room for them.
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), FileError> {
        let Some(quota) = self.settings.quota else {
            return Ok(());
        };
        let fits = |usage: &Usage| {
            let bytes = usage.bytes.saturating_add(bytes);
            bytes <= quota.bytes && usage.files < quota.files && !usage.partial
        };
        let known = *self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        // What was measured may be long ago, and much deleted since.
        if known.is_some_and(|known| fits(&known)) || fits(&self.measure()?) {
            return Ok(());
        }
        Err(FileError::QuotaExceeded)
    }

    /// What was written since the last measuring counts as well.
    pub(crate) fn wrote(&self, bytes: u64) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = usage.as_mut() {
            usage.bytes = usage.bytes.saturating_add(bytes);
            usage.files += 1;
        }
    }

    fn measure(&self) -> Result<Usage, FileError> {
        let most = self.settings.quota.map_or(u64::MAX, |quota| quota.files);
        let usage = usage::measure_beneath(&self.root, most, &AtomicBool::new(false))
            .map_err(FileError::at(&WorkspacePath::root()))?;
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        Ok(usage)
    }
}
