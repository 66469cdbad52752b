//! Patches, applied to the files of a session's sandbox.
//!
//! Invariants: all of a patch is applied or nothing, also where whoever waits for it is dropped
//! meanwhile; its changes are computed from what is in the files, and written only while that is
//! still so.

use crate::cwd::WORKSPACE;
use domain::{ChangeKind, Error, ErrorKind, FileChange, event::FileEdit};
use futures::StreamExt;
use patch::{Changes, Entry, FilePath, Files, Limits, Need, Patch, Rules, Write};
use ports::{Tasks, to_its_end};
use runner_api::{Client, Raw, files::Kind};
use uuid::Uuid;

/// The largest patch, in bytes.
pub const PATCH_BYTES: usize = 1 << 20;

/// The largest file that a patch changes, in bytes: an instance's memory is bounded.
const FILE_BYTES: usize = 2 << 20;

/// How much of the files that a patch deletes a room is told, in bytes, of all of them together: all
/// else is as large as the patch.
const SHOWN: usize = 256 << 10;

/// The longest diff that a room is told of, in bytes.
const DIFF: usize = 512 << 10;

/// The most files of a patch.
const HUNKS: usize = 100;

/// A folder of a session's sandbox, in which patches are applied.
#[derive(Clone)]
pub struct Site {
    /// Asks the runner.
    pub client: Client,
    /// The session.
    pub session: Uuid,
    /// The folder, absolute, as the sandbox sees it: relative paths of patches begin there.
    pub cwd: String,
}

/// What comes of a patch: the files that it changed, or why it changed none.
pub type Applied = Result<Vec<FileChange>, PatchFault>;

/// A patch could not be applied; nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum PatchFault {
    /// It is malformed, too large, or leads out.
    #[error("{0}")]
    Malformed(#[from] patch::ParseError),
    /// It does not fit the files.
    #[error("{0}")]
    Mismatch(#[from] patch::ApplyError),
    /// The files are not any more what they were when it was looked at.
    #[error("{0} was changed meanwhile; look at it again")]
    Changed(String),
    /// The files cannot be read or written. What was written is taken back.
    #[error("{0}")]
    Files(#[from] Error),
    /// The files could not be written, and not all of what was written could be taken back.
    #[error("{error}. These files could not be restored, look at them: {files}")]
    HalfDone {
        /// Why they could not be written.
        error: Error,
        /// Which they are.
        files: String,
    },
}

impl PatchFault {
    /// What it means to whoever asked for the patch to be applied.
    #[must_use]
    pub fn into_error(self) -> Error {
        let kind = match self {
            Self::Malformed(_) => ErrorKind::Refused,
            Self::Mismatch(_) | Self::Changed(_) => ErrorKind::Conflict,
            Self::Files(error) => return error,
            Self::HalfDone { .. } => ErrorKind::Upstream,
        };
        Error::new(kind, self.to_string())
    }
}

impl Site {
    /// Reads a patch.
    ///
    /// # Errors
    /// Where it is malformed, too large, or leads out of the workspace.
    pub fn parse(&self, text: &str) -> Result<Patch, PatchFault> {
        let rules = Rules {
            root: self.cwd.clone(),
            limits: Limits {
                patch_bytes: PATCH_BYTES,
                file_bytes: FILE_BYTES,
                hunks: HUNKS,
                ..Limits::default()
            },
        };
        Ok(Patch::parse_by(text, &rules)?)
    }

    /// What a patch would change now. Nothing is written.
    ///
    /// # Errors
    /// [`PatchFault`]
    pub async fn changes(&self, patch: &Patch) -> Result<Changes, PatchFault> {
        let mut files = Files::new();
        for (path, need) in patch.paths() {
            let entry = self.look(&path, need).await?;
            files.insert(path, entry);
        }
        Ok(patch.apply(&files)?)
    }

    /// Applies a patch of which somebody saw that it makes these changes, to the end, and then
    /// does what `after` wants with what came of it.
    ///
    /// # Errors
    /// [`PatchFault`]
    pub async fn apply<F: Future<Output = ()> + Send>(
        &self,
        tasks: &dyn Tasks,
        patch: Patch,
        seen: Changes,
        after: impl FnOnce(&Applied) -> F + Send + 'static,
    ) -> Applied {
        let site = self.clone();
        let applying = async move {
            let applied = site.apply_seen(&patch, &seen).await;
            after(&applied).await;
            applied
        };
        to_its_end(tasks, applying).await.unwrap_or_else(cut_off)
    }

    async fn apply_seen(&self, patch: &Patch, seen: &Changes) -> Applied {
        let changes = self.changes(patch).await?;
        if changes != *seen {
            let mut both = changes.writes().zip(seen.writes());
            let other = both.find(|(now, then)| now.before != then.before);
            let path = other.map_or("a file", |(now, _)| now.path.as_str());
            return Err(PatchFault::Changed(path.to_owned()));
        }
        self.put_all(&changes).await
    }

    /// Writes changes that were computed just now, to the end.
    ///
    /// # Errors
    /// [`PatchFault`]
    pub async fn write(&self, tasks: &dyn Tasks, changes: Changes) -> Applied {
        let site = self.clone();
        let writing = async move { site.put_all(&changes).await };
        to_its_end(tasks, writing).await.unwrap_or_else(cut_off)
    }

    async fn put_all(&self, changes: &Changes) -> Applied {
        let writes: Vec<Write<'_>> = changes.writes().collect();
        for (done, write) in writes.iter().enumerate() {
            if let Err(error) = self.put(write.path, write.after).await {
                // What a write that failed has done is not known either.
                let begun = writes.get(..=done).unwrap_or_default();
                return Err(self.roll_back(begun, error).await);
            }
        }
        let changed = writes.iter().map(|write| FileChange {
            path: self.shown(write.path),
            kind: match (write.before, write.after) {
                (None, _) => ChangeKind::Created,
                (_, None) => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            },
        });
        Ok(changed.collect())
    }

    /// Changes as a session's room is told of them.
    #[must_use]
    pub fn edits(&self, changes: &Changes) -> Vec<FileEdit> {
        let mut left = SHOWN;
        let edits = changes.file_changes().into_iter().map(|(path, change)| {
            let path = self.below(&path);
            match change {
                patch::FileChange::Add { content } => FileEdit::Add { path, content },
                patch::FileChange::Delete { mut content } => {
                    content.truncate(content.floor_char_boundary(left));
                    left -= content.len();
                    FileEdit::Delete { path, content }
                }
                patch::FileChange::Update {
                    unified_diff,
                    move_path,
                } => FileEdit::Update {
                    path,
                    unified_diff,
                    move_path: move_path.map(|path| self.below(&path)),
                },
            }
        });
        edits.collect()
    }

    /// A path, relative to the workspace.
    fn shown(&self, path: &FilePath) -> String {
        self.below(path.as_str())
    }

    fn below(&self, path: &str) -> String {
        let folder = self.cwd.strip_prefix(WORKSPACE).unwrap_or_default();
        match folder.trim_matches('/') {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }

    /// What is at a path.
    async fn look(&self, path: &FilePath, need: Need) -> Result<Entry, Error> {
        let path = self.shown(path);
        let node = match self.client.stat(self.session, &path).await {
            Ok(node) => node,
            // Below a file there is nothing.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                return Ok(Entry::Absent);
            }
            Err(error) => return Err(error),
        };
        Ok(match (node.kind, need) {
            (Kind::Directory, _) => Entry::Folder,
            (Kind::File, Need::Content) if node.size <= FILE_BYTES as u64 => {
                Entry::File(self.content(&path).await?)
            }
            // Longer than may be: whatever is in it, the patch refuses it.
            (Kind::File, Need::Content) => Entry::File(vec![0; FILE_BYTES + 1]),
            (Kind::File | Kind::Symlink, _) => Entry::Other,
        })
    }

    async fn content(&self, path: &str) -> Result<Vec<u8>, Error> {
        let broken = |cause: String| {
            Error::new(ErrorKind::Upstream, "A file could not be read").caused_by(cause)
        };
        let raw = self.client.read_raw(self.session, path, None);
        let Raw::Bytes(response) = raw.await? else {
            return Err(broken("a range that nobody asked for".to_owned()));
        };
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| broken(error.to_string()))?);
            if bytes.len() > FILE_BYTES {
                break;
            }
        }
        Ok(bytes)
    }

    /// Puts `content` at a path; nothing removes what is there.
    async fn put(&self, path: &FilePath, content: Option<&str>) -> Result<(), Error> {
        let path = self.shown(path);
        match content {
            Some(content) => {
                let bytes = content.to_owned().into();
                let written = self.client.write_file(self.session, &path, bytes, false);
                written.await.map(drop)
            }
            None => match self.client.delete_file(self.session, &path, false).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                deleted => deleted,
            },
        }
    }

    /// Undoes `begun`, newest first, and says what went wrong.
    async fn roll_back(&self, begun: &[Write<'_>], error: Error) -> PatchFault {
        let mut left = Vec::new();
        for write in begun.iter().rev() {
            if let Err(error) = self.put(write.path, write.before).await {
                eprintln!("patch: {} not restored: {error}", write.path);
                left.push(write.path.to_string());
            }
        }
        match left.is_empty() {
            true => PatchFault::Files(error),
            false => PatchFault::HalfDone {
                error,
                files: left.join(", "),
            },
        }
    }
}

/// As much of a diff as a room is told of: whole lines.
#[must_use]
pub fn shown_diff(mut diff: String) -> String {
    if diff.len() > DIFF {
        let end = diff.floor_char_boundary(DIFF);
        let end = diff.get(..end).and_then(|part| part.rfind('\n'));
        diff.truncate(end.map_or(0, |line| line + 1));
    }
    diff
}

/// The host stopped while files were written.
fn cut_off() -> Applied {
    let detail = "The patch was cut off while it was applied: look at the files";
    Err(Error::new(ErrorKind::Unavailable, detail).into())
}
