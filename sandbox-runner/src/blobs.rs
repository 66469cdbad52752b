//! Bytes that the edge has kept here: `runner_api::blobs`.
//!
//! Invariants: a blob is read only when all of it is on disk; a piece that is sent again changes
//! nothing; names are UUIDs, so that no name is a path.

use crate::disk::{make_private, sync_folder};
use axum::body::Bytes;
use runner_api::blobs::BLOB_MAX_BYTES;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

/// How a blob ends whose last piece has not come.
const UNFINISHED: &str = "part";

/// The folder of blobs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    folder: Arc<PathBuf>,
}

/// Why a piece is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    /// The bytes before it are not there.
    #[error("the piece does not follow what is there")]
    Gap,
    /// There would be more than [`BLOB_MAX_BYTES`].
    #[error("over {BLOB_MAX_BYTES} bytes")]
    TooLarge,
    /// The disk does not do it.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Blobs {
    /// The blobs in `state`.
    pub(crate) fn in_state(state: &Path) -> Self {
        Self {
            folder: Arc::new(state.join("blobs")),
        }
    }

    /// Keeps a piece that begins at byte `from`, and after the `last` one the whole.
    pub(crate) async fn put(
        &self,
        blob: Uuid,
        from: u64,
        piece: Bytes,
        last: bool,
    ) -> Result<(), PutError> {
        let blobs = self.clone();
        in_background(move || blobs.put_now(blob, from, &piece, last)).await
    }

    /// A blob that is whole, and its size.
    pub(crate) async fn open(&self, blob: Uuid) -> io::Result<Option<(File, u64)>> {
        let path = self.path(blob);
        in_background(move || {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened?,
            };
            let size = file.metadata()?.len();
            Ok(Some((file, size)))
        })
        .await
    }

    /// Forgets a blob, whole or not.
    pub(crate) async fn delete(&self, blob: Uuid) -> io::Result<()> {
        let path = self.path(blob);
        in_background(move || {
            remove(&path.with_extension(UNFINISHED))?;
            if remove(&path)? {
                path.parent().map_or(Ok(()), sync_folder)?;
            }
            Ok(())
        })
        .await
    }

    fn put_now(&self, blob: Uuid, from: u64, piece: &[u8], last: bool) -> Result<(), PutError> {
        let path = self.path(blob);
        let folder = path.parent().unwrap_or(&self.folder);
        if path.exists() {
            // The answer to the last piece was lost: it is sent again.
            return match fs::metadata(&path)?.len() == from + piece.len() as u64 && last {
                true => Ok(()),
                false => Err(PutError::Gap),
            };
        }
        if from.saturating_add(piece.len() as u64) > BLOB_MAX_BYTES {
            return Err(PutError::TooLarge);
        }
        make_private(folder)?;
        let unfinished = path.with_extension(UNFINISHED);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&unfinished)?;
        if file.metadata()?.len() < from {
            return Err(PutError::Gap);
        }
        file.set_len(from)?;
        file.seek(SeekFrom::Start(from))?;
        file.write_all(piece)?;
        if last {
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            sync_folder(folder)?;
            sync_folder(&self.folder)?;
        }
        Ok(())
    }

    /// Many files in one folder are slow: each goes where the end of its name, which is random,
    /// says.
    fn path(&self, blob: Uuid) -> PathBuf {
        let name = blob.simple().to_string();
        let shard = name.get(30..).unwrap_or_default().to_owned();
        self.folder.join(shard).join(name)
    }
}

/// Whether there was something to remove.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

async fn in_background<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error).into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let state = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_state(state.path());
        (state, blobs)
    }

    async fn content(blobs: &Blobs, blob: Uuid) -> Option<Vec<u8>> {
        let (mut file, size) = blobs.open(blob).await.unwrap()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, size);
        Some(bytes)
    }

    #[tokio::test]
    async fn a_blob_is_there_when_all_of_it_is() {
        let (_state, blobs) = blobs();
        let blob = Uuid::from_u128(0xab);
        let put =
            async |from, piece: &'static str, last| blobs.put(blob, from, piece.into(), last).await;
        put(0, "abc", false).await.unwrap();
        assert_eq!(content(&blobs, blob).await, None);
        assert!(matches!(put(4, "x", false).await, Err(PutError::Gap)));
        // A piece whose answer was lost comes again.
        put(3, "de", false).await.unwrap();
        put(3, "de", false).await.unwrap();
        put(5, "f", true).await.unwrap();
        put(5, "f", true).await.unwrap();
        assert_eq!(content(&blobs, blob).await.unwrap(), b"abcdef");
        assert!(matches!(put(6, "g", true).await, Err(PutError::Gap)));
        assert!(matches!(put(0, "other", true).await, Err(PutError::Gap)));
        assert_eq!(content(&blobs, blob).await.unwrap(), b"abcdef");
        blobs.delete(blob).await.unwrap();
        blobs.delete(blob).await.unwrap();
        assert_eq!(content(&blobs, blob).await, None);
    }

    #[tokio::test]
    async fn an_unfinished_one_goes_too_and_none_is_too_large() {
        let (state, blobs) = blobs();
        let blob = Uuid::from_u128(1);
        blobs.put(blob, 0, "abc".into(), false).await.unwrap();
        blobs.delete(blob).await.unwrap();
        let left = fs::read_dir(state.path().join("blobs/01")).unwrap().count();
        assert_eq!(left, 0);
        for from in [BLOB_MAX_BYTES, u64::MAX] {
            let put = blobs.put(blob, from, "x".into(), false).await;
            assert!(matches!(put, Err(PutError::TooLarge)), "{from}");
        }
    }
}
