//! Files as they are written.
//!
//! What arrives goes into a file without a name in the directory where it shall be. When all of it
//! is there it gets its name (a write) or is copied to the end of the old file (an append). So a
//! client that goes away changes nothing.

use crate::{
    beneath,
    error::FileError,
    mutate::directory_for,
    path::WorkspacePath,
    stage::Staged,
    tree,
    workspace::{Inner, Workspace},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use runner_api::files::Node;
use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{self, FileType, Mode, OFlags},
    io::Errno,
};
use std::{
    error::Error,
    ffi::CString,
    io::{self, Seek as _, Write as _},
    mem,
    pin::pin,
};

/// How much is collected before it is written, in bytes.
const PIECE: usize = 256 << 10;

/// How many symlinks may lead from one to the next, as in the kernel.
const LINKS: usize = 40;

/// See [`Workspace::write`].
pub(crate) async fn write<S, E>(
    workspace: &Workspace,
    path: &WorkspacePath,
    content: S,
) -> Result<Node, FileError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let (place, staged, size) = receive(workspace, path, content).await?;
    let path = path.clone();
    workspace
        .blocking(move |workspace| {
            let stat = staged.publish(&place.name, place.mode, true);
            let stat = stat.map_err(FileError::io(&path))?;
            workspace.wrote(size);
            Ok(tree::node(&path, &stat))
        })
        .await
}

/// See [`Workspace::append`].
pub(crate) async fn append<S, E>(
    workspace: &Workspace,
    path: &WorkspacePath,
    content: S,
) -> Result<Node, FileError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let (_, staged, size) = receive(workspace, path, content).await?;
    let path = path.clone();
    workspace
        .blocking(move |workspace| {
            // It may have come or gone since the content began to arrive.
            let place = place_of(workspace, &path)?;
            let stat = match &place.there {
                Some(there) => extend(there, staged, &path)?,
                None => staged
                    .publish(&place.name, None, false)
                    .map_err(FileError::io(&path))?,
            };
            workspace.wrote(size);
            Ok(tree::node(&path, &stat))
        })
        .await
}

/// Where a file is or shall be.
struct Place {
    directory: OwnedFd,
    name: CString,
    /// A handle on the regular file that is there.
    there: Option<OwnedFd>,
    /// The mode of that file, without the bits that would give its rights to others.
    mode: Option<Mode>,
}

/// Finds out where the file is; directories above it are made.
fn place_of(workspace: &Inner, path: &WorkspacePath) -> Result<Place, FileError> {
    let Some((above, name)) = path.split() else {
        return Err(FileError::IsDirectory(path.to_string()));
    };
    let mut directory = directory_for(workspace, &WorkspacePath::of_part(above))?;
    let mut above = above.as_bytes().to_vec();
    let mut name = c_string(name.as_bytes())?;
    for _ in 0..LINKS {
        let handle = fs::openat(
            &directory,
            &name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let handle = match handle {
            Ok(handle) => handle,
            Err(Errno::NOENT) => {
                return Ok(Place {
                    directory,
                    name,
                    there: None,
                    mode: None,
                });
            }
            Err(errno) => return Err(FileError::at(path)(errno)),
        };
        let stat = beneath::stat_of(&handle).map_err(FileError::at(path))?;
        match beneath::kind(&stat) {
            FileType::RegularFile => {
                return Ok(Place {
                    directory,
                    name,
                    there: Some(handle),
                    mode: Some(Mode::from_raw_mode(stat.st_mode & 0o777)),
                });
            }
            FileType::Directory => return Err(FileError::IsDirectory(path.to_string())),
            FileType::Symlink => {
                let target = fs::readlinkat(&handle, c"", Vec::new());
                let target = target.map_err(FileError::at(path))?;
                (above, name) = follow(&above, target.as_bytes(), path)?;
                let opened =
                    beneath::open(workspace.root(), above.as_slice(), beneath::ANY_DIRECTORY);
                directory = opened.map_err(FileError::at(path))?;
            }
            _ => return Err(FileError::NotAFile(path.to_string())),
        }
    }
    Err(FileError::LeadsOut(path.to_string()))
}

/// Where a symlink in the directory `above` leads: a directory, for the kernel to resolve beneath
/// the root, and a name in it.
fn follow(
    above: &[u8],
    target: &[u8],
    path: &WorkspacePath,
) -> Result<(Vec<u8>, CString), FileError> {
    if target.starts_with(b"/") {
        return Err(FileError::LeadsOut(path.to_string()));
    }
    let slash = target.iter().rposition(|byte| *byte == b'/');
    let (directory, name) = match slash {
        Some(at) => (target.get(..at), target.get(at + 1..)),
        None => (Some(&b""[..]), Some(target)),
    };
    let (Some(directory), Some(name)) = (directory, name) else {
        return Err(FileError::IsDirectory(path.to_string()));
    };
    if matches!(name, b"" | b"." | b"..") {
        return Err(FileError::IsDirectory(path.to_string()));
    }
    let mut joined = above.to_vec();
    if !joined.is_empty() && !directory.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(directory);
    Ok((joined, c_string(name)?))
}

fn c_string(name: &[u8]) -> Result<CString, FileError> {
    CString::new(name).map_err(|_| crate::path::PathError::Nul.into())
}

/// Takes in the content.
async fn receive<S, E>(
    workspace: &Workspace,
    path: &WorkspacePath,
    content: S,
) -> Result<(Place, Staged, u64), FileError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let begun = path.clone();
    let (place, mut staged) = workspace
        .blocking(move |workspace| {
            workspace.admit(0)?;
            let place = place_of(workspace, &begun)?;
            let directory = place.directory.try_clone().map_err(FileError::io(&begun))?;
            let staged = Staged::new(workspace, directory).map_err(FileError::at(&begun))?;
            Ok((place, staged))
        })
        .await?;
    let limit = workspace.inner().settings.largest_write;
    let (mut size, mut piece) = (0_u64, Vec::new());
    let mut content = pin!(content);
    while let Some(bytes) = content.next().await {
        let bytes = bytes.map_err(|error| FileError::Broken(error.into()))?;
        size = size.saturating_add(bytes.len() as u64);
        if size > limit {
            return Err(too_large(limit));
        }
        piece.extend_from_slice(&bytes);
        if piece.len() >= PIECE {
            staged = put(workspace, path, staged, mem::take(&mut piece), size).await?;
        }
    }
    staged = put(workspace, path, staged, piece, size).await?;
    Ok((place, staged, size))
}

async fn put(
    workspace: &Workspace,
    path: &WorkspacePath,
    mut staged: Staged,
    piece: Vec<u8>,
    size: u64,
) -> Result<Staged, FileError> {
    let path = path.clone();
    workspace
        .blocking(move |workspace| {
            workspace.admit(size)?;
            let written = staged.file.write_all(&piece);
            written.map_err(FileError::io(&path))?;
            Ok(staged)
        })
        .await
}

fn too_large(limit: u64) -> FileError {
    FileError::TooLarge {
        what: "the content".to_owned(),
        limit,
        unit: "bytes",
    }
}

/// Copies what was received to the end of a regular file. If that fails, what was copied is taken
/// off again.
fn extend(
    there: &OwnedFd,
    mut staged: Staged,
    path: &WorkspacePath,
) -> Result<fs::Stat, FileError> {
    let opened = beneath::reopen(there.as_fd(), OFlags::WRONLY | OFlags::APPEND);
    let mut file = std::fs::File::from(opened.map_err(FileError::at(path))?);
    let before = file.metadata().map_err(FileError::io(path))?.len();
    let copied = copy(&mut staged.file, &mut file);
    if copied.is_err() {
        file.set_len(before).map_err(FileError::io(path))?;
    }
    copied.map_err(FileError::io(path))?;
    beneath::stat_of(&file).map_err(FileError::at(path))
}

fn copy(from: &mut std::fs::File, to: &mut std::fs::File) -> io::Result<()> {
    from.rewind()?;
    io::copy(from, to)?;
    to.sync_all()
}
