//! Patches, applied to the files of a session's sandbox.
//!
//! Invariants: all of a patch is applied or nothing, whoever is dropped or killed meanwhile: the
//! runner writes its files in one go; its changes are computed from what is in the files, and
//! written only while that is still so. Files are in memory while a patch is looked at or applied,
//! and not while somebody is asked for leave: an instance has room for few.

use crate::cwd::WORKSPACE;
use domain::{ChangeKind, Error, ErrorKind, FileChange, event::FileEdit};
use futures::future::{Either, select};
use patch::{Changes, FilePath, Limits, Patch, Rules};
use ports::{Platform, to_its_end};
use runner_api::{
    Client,
    files::{Edit, Edits, content_hash},
};
use std::{pin::pin, sync::Arc, time::Duration};
use uuid::Uuid;
use web::Place;

/// The largest patch, in bytes.
pub const PATCH_BYTES: usize = 1 << 20;

/// The largest file that a patch changes, in bytes: an instance's memory is bounded.
pub(crate) const FILE_BYTES: usize = 2 << 20;

/// How much of the files that a patch deletes a room is told, in bytes, of all of them together: all
/// else is as large as the patch.
const SHOWN: usize = 256 << 10;

/// The most that a room is told of a patch, in bytes. A change of few lines is told with those
/// beside it, and lines may be long.
const TOLD: usize = 4 << 20;

/// The most files of a patch.
const HUNKS: usize = 100;

/// How long the files of a patch may be looked at before it is applied.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(120);

/// A folder of a session's sandbox, in which patches are applied.
#[derive(Clone)]
pub struct Site {
    /// Gives time, and work that goes on.
    pub platform: Platform,
    /// Asks the runner.
    pub client: Client,
    /// The session.
    pub session: Uuid,
    /// The folder, absolute, as the sandbox sees it: relative paths of patches begin there.
    pub cwd: String,
}

/// What a patch has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patched {
    /// The files.
    pub files: Vec<FileChange>,
    /// A line for each of them, for a model.
    pub summary: String,
}

/// What comes of a patch: what it changed, or why it changed nothing.
pub type Applied = Result<Patched, PatchFault>;

/// The files that a patch would change, and the hash of what was in each when it was looked at;
/// none where there was no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(Vec<(String, Option<String>)>);

/// A patch could not be applied; nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum PatchFault {
    /// It is malformed, too large, or leads out.
    #[error("{0}")]
    Malformed(#[from] patch::ParseError),
    /// It does not fit the files.
    #[error("{0}")]
    Mismatch(#[from] patch::ApplyError),
    /// A file is larger than those that patches change.
    #[error("{0} has more than {most} bytes, the most that a patch changes", most = FILE_BYTES)]
    TooLarge(String),
    /// The files are more than one patch may change.
    #[error("the files of the patch are too large together: split it")]
    TooMuch,
    /// The files are not any more what they were when it was looked at.
    #[error("{0} was changed meanwhile; look at it again")]
    Changed(String),
    /// The files cannot be read.
    #[error("{0}")]
    Unread(Error),
    /// The files cannot be written.
    #[error("{0}")]
    Files(#[from] Error),
}

impl PatchFault {
    /// What it means to whoever asked for the patch to be applied.
    #[must_use]
    pub fn into_error(self) -> Error {
        let kind = match self {
            Self::Malformed(_) => ErrorKind::Refused,
            Self::Mismatch(_) | Self::TooLarge(_) | Self::TooMuch | Self::Changed(_) => {
                ErrorKind::Conflict
            }
            Self::Unread(error) | Self::Files(error) => return error,
        };
        Error::new(kind, self.to_string())
    }

    /// Whether nothing is changed for certain. Where the runner was not heard to the end while it
    /// wrote, all of the patch may be applied.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        let Self::Files(error) = self else {
            return true;
        };
        !matches!(
            error.kind(),
            ErrorKind::Upstream | ErrorKind::UpstreamTimeout
        )
    }
}

impl Site {
    /// Whether a text is a patch. Its files are not looked at.
    ///
    /// # Errors
    /// Where it is malformed, too large, or leads out of the workspace.
    pub fn check(&self, text: &str) -> Result<(), PatchFault> {
        self.parse(text).map(drop)
    }

    /// Looks at what a patch would change now, and at what a session's room is told of that.
    /// Nothing is written.
    ///
    /// # Errors
    /// [`PatchFault`]
    pub async fn look(&self, text: &str) -> Result<(Vec<FileEdit>, Seen), PatchFault> {
        let (changes, _place) = self.changes(text).await?;
        Ok((self.told(&changes)?, self.seen(&changes)))
    }

    /// Applies a patch, to the end, and then does what `after` wants with what came of it. Where
    /// somebody has seen what it changes, it changes that and nothing else.
    ///
    /// # Errors
    /// [`PatchFault`]
    pub async fn apply<F: Future<Output = ()> + Send>(
        &self,
        text: String,
        seen: Option<Seen>,
        after: impl FnOnce(&Applied) -> F + Send + 'static,
    ) -> Applied {
        let site = self.clone();
        let applying = async move {
            let applied = site.apply_seen(&text, seen).await;
            after(&applied).await;
            applied
        };
        let tasks = Arc::clone(&self.platform.tasks);
        let applied = to_its_end(&*tasks, applying).await;
        applied.unwrap_or_else(cut_off)
    }

    async fn apply_seen(&self, text: &str, seen: Option<Seen>) -> Applied {
        let looking = pin!(self.changes(text));
        let timer = self.platform.clock.sleep(LOOKED_AT_WITHIN);
        let (changes, _place) = match select(looking, timer).await {
            Either::Left((changes, _)) => changes?,
            Either::Right(_) => {
                let detail = "The files could not be read in time";
                let late = Error::new(ErrorKind::Unavailable, detail).retry_in(1);
                return Err(PatchFault::Unread(late));
            }
        };
        let now = self.seen(&changes);
        if let Some(seen) = seen.filter(|seen| *seen != now) {
            let mut both = now.0.iter().zip(&seen.0);
            let other = both.find(|(now, then)| now != then);
            let path = other.map_or("a file", |((path, _), _)| path.as_str());
            return Err(PatchFault::Changed(path.to_owned()));
        }
        let summary = changes.summary();
        let (edits, files) = self.edits(&changes, now);
        // They may take much, and what is sent does too.
        drop(changes);
        self.client.edit_files(self.session, &edits).await?;
        Ok(Patched { files, summary })
    }

    /// Reads a patch.
    fn parse(&self, text: &str) -> Result<Patch, PatchFault> {
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

    /// What a patch changes now, and the place that it takes.
    async fn changes(&self, text: &str) -> Result<(Changes, Place), PatchFault> {
        let place = Place::wait(&*self.platform.clock, Place::take_large).await;
        let place = place.map_err(PatchFault::Unread)?;
        let patch = self.parse(text)?;
        let files = self.files(&patch).await?;
        Ok((patch.apply(&files)?, place))
    }

    fn seen(&self, changes: &Changes) -> Seen {
        let writes = changes.writes().map(|write| {
            let before = write.before.map(|before| content_hash(before.as_bytes()));
            (self.shown(write.path), before)
        });
        Seen(writes.collect())
    }

    /// Changes as the runner is told of them, and what they are.
    fn edits(&self, changes: &Changes, seen: Seen) -> (Edits, Vec<FileChange>) {
        let files = changes.writes().map(|write| FileChange {
            path: self.shown(write.path),
            kind: match (write.before, write.after) {
                (None, _) => ChangeKind::Created,
                (_, None) => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            },
        });
        let files = files.collect();
        let edits = changes.writes().zip(seen.0);
        let edits = edits.map(|(write, (path, before))| Edit {
            path,
            before,
            after: write.after.map(str::to_owned),
            mode_of: write.origin.map(|origin| self.shown(origin)),
        });
        let edits = edits.collect();
        (Edits { edits }, files)
    }

    /// Changes as a session's room is told of them.
    fn told(&self, changes: &Changes) -> Result<Vec<FileEdit>, PatchFault> {
        let (mut left, mut told) = (SHOWN, 0);
        let mut edits = Vec::new();
        for (path, change) in changes.file_changes() {
            let path = self.below(&path);
            let edit = match change {
                patch::FileChange::Add { content } => {
                    told += content.len();
                    FileEdit::Add { path, content }
                }
                patch::FileChange::Delete { mut content } => {
                    content.truncate(content.floor_char_boundary(left));
                    left -= content.len();
                    FileEdit::Delete { path, content }
                }
                patch::FileChange::Update {
                    unified_diff,
                    move_path,
                } => {
                    told += unified_diff.len();
                    FileEdit::Update {
                        path,
                        unified_diff,
                        move_path: move_path.map(|path| self.below(&path)),
                    }
                }
            };
            if told > TOLD {
                return Err(PatchFault::TooMuch);
            }
            edits.push(edit);
        }
        Ok(edits)
    }

    /// A path, relative to the workspace.
    pub(crate) fn shown(&self, path: &FilePath) -> String {
        self.below(path.as_str())
    }

    fn below(&self, path: &str) -> String {
        let folder = self.cwd.strip_prefix(WORKSPACE).unwrap_or_default();
        match folder.trim_matches('/') {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }
}

/// The host stopped while files were written.
fn cut_off() -> Applied {
    let detail =
        "The patch was cut off while it was applied, whole or not at all: look at the files";
    Err(Error::new(ErrorKind::Unavailable, detail).into())
}
