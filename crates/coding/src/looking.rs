//! What is at the paths of a patch.
//!
//! Invariant: what is read is bounded, whatever the patch names: of a file, and of all together.

use crate::patches::{FILE_BYTES, PatchFault, Site};
use domain::ErrorKind;
use patch::{Entry, FilePath, Files, Need, Patch};
use runner_api::files::Kind;

/// How much the files of a patch may take together, in bytes, before it and again after it: an
/// instance's memory is bounded.
const FILES_BYTES: usize = 8 << 20;

/// What a line of a file takes besides its bytes, while a patch is matched and shown.
const LINE: usize = 32;

impl Site {
    /// What is at the paths of a patch now.
    ///
    /// # Errors
    /// Where files are too large, or cannot be read.
    pub(crate) async fn files(&self, patch: &Patch) -> Result<Files, PatchFault> {
        let mut left = FILES_BYTES;
        let mut files = Files::new();
        for (path, need) in patch.paths() {
            let entry = self.entry(&path, need).await?;
            if let Entry::File(content) = &entry {
                let lines = content.split(|byte| *byte == b'\n').count();
                let rest = left.checked_sub(content.len() + lines * LINE);
                left = rest.ok_or(PatchFault::TooMuch)?;
            }
            files.insert(path, entry);
        }
        Ok(files)
    }

    /// What is at a path.
    async fn entry(&self, path: &FilePath, need: Need) -> Result<Entry, PatchFault> {
        let path = self.shown(path);
        let node = match self.client.stat(self.session, &path).await {
            Ok(node) => node,
            // Below a file there is nothing.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                return Ok(Entry::Absent);
            }
            Err(error) => return Err(PatchFault::Unread(error)),
        };
        match (node.kind, need) {
            (Kind::Directory, _) => Ok(Entry::Folder),
            (Kind::File, Need::Content) if node.size <= FILE_BYTES as u64 => {
                self.content(path).await.map(Entry::File)
            }
            (Kind::File, Need::Content) => Err(PatchFault::TooLarge(path)),
            (Kind::File | Kind::Symlink, _) => Ok(Entry::Other),
        }
    }

    async fn content(&self, path: String) -> Result<Vec<u8>, PatchFault> {
        let read = self.client.read_beginning(self.session, &path, FILE_BYTES);
        let read = read.await.map_err(PatchFault::Unread)?;
        match read.is_cut() {
            true => Err(PatchFault::TooLarge(path)),
            false => Ok(read.bytes),
        }
    }
}
