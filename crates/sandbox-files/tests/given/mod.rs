//! A workspace on disk with a neighbour that nobody may touch.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests; not every file needs all"
)]

use bytes::Bytes;
use futures::{Stream, stream};
use sandbox_files::{Settings, Workspace, WorkspacePath};
use std::{convert::Infallible, fs, path::PathBuf, time::Duration};

/// What is in the file outside.
pub(crate) const CANARY: &str = "nobody sees or changes this";

/// A workspace in a folder of its own, and beside it a folder with a canary.
pub(crate) struct Given {
    pub(crate) root: PathBuf,
    pub(crate) outside: PathBuf,
    pub(crate) workspace: Workspace,
    _folder: tempfile::TempDir,
}

impl Given {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), CANARY).unwrap();
        let workspace = Workspace::open(&root, settings).unwrap();
        Self {
            root,
            outside,
            workspace,
            _folder: folder,
        }
    }

    /// Whether all outside is as it was.
    pub(crate) fn canary_lives(&self) {
        assert_eq!(
            fs::read_to_string(self.outside.join("canary")).unwrap(),
            CANARY
        );
        let names: Vec<_> = fs::read_dir(&self.outside).unwrap().collect();
        assert_eq!(names.len(), 1, "something appeared outside");
    }
}

/// A path of the workspace.
pub(crate) fn at(path: &str) -> WorkspacePath {
    WorkspacePath::parse(path).unwrap()
}

/// Content that arrives in pieces.
pub(crate) fn content(text: &str) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(7)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces)
}

/// How long races are run: two seconds, or thirty with `ATELIER_LONG=1`.
pub(crate) fn race() -> Duration {
    let long = std::env::var("ATELIER_LONG").is_ok_and(|long| long == "1");
    Duration::from_secs(if long { 30 } else { 2 })
}
