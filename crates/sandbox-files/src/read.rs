//! Files as they are read: whole as text, or as bytes from here to there.

use crate::{beneath, error::FileError, path::WorkspacePath, workspace::Inner};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use runner_api::files::{Encoding, File};
use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{FileType, OFlags, Stat},
};
use std::io::{Read as _, Seek as _, SeekFrom};
use tokio::io::AsyncReadExt as _;

/// The bytes of a part of a file. It ends early if the file got shorter meanwhile.
pub type RangeReader = tokio::io::Take<tokio::fs::File>;

/// A file that is open to be read.
#[derive(Debug)]
pub struct OpenFile {
    /// Its path below the workspace.
    pub path: WorkspacePath,
    /// Its size in bytes, when it was opened.
    pub size: u64,
    /// When its content changed, in milliseconds since 1970.
    pub modified_at: i64,
    file: std::fs::File,
}

impl OpenFile {
    /// Its bytes, `length` of them from the byte at `start` on.
    ///
    /// # Errors
    /// [`FileError::Io`], if `start` is beyond what a file can have.
    pub fn range(mut self, start: u64, length: u64) -> Result<RangeReader, FileError> {
        self.file
            .seek(SeekFrom::Start(start))
            .map_err(FileError::io(&self.path))?;
        Ok(tokio::fs::File::from_std(self.file).take(length))
    }

    /// All its bytes.
    ///
    /// # Errors
    /// As [`OpenFile::range`].
    pub fn whole(self) -> Result<RangeReader, FileError> {
        let size = self.size;
        self.range(0, size)
    }
}

/// See [`crate::Workspace::open_file`].
pub(crate) fn open_file(workspace: &Inner, path: &WorkspacePath) -> Result<OpenFile, FileError> {
    let (file, stat) = open_regular(workspace, path)?;
    Ok(OpenFile {
        path: path.clone(),
        size: beneath::size(&stat),
        modified_at: beneath::modified_at(&stat),
        file: file.into(),
    })
}

/// See [`crate::Workspace::read`].
pub(crate) fn read(workspace: &Inner, path: &WorkspacePath) -> Result<File, FileError> {
    let OpenFile {
        size,
        modified_at,
        file,
        ..
    } = open_file(workspace, path)?;
    let most = workspace.settings.longest_read;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FileError::io(path))?;
    let truncated = bytes.len() as u64 > most;
    if truncated {
        bytes.pop();
    }
    let read = bytes.len() as u64;
    let (content, encoding) = written(bytes, truncated);
    Ok(File {
        path: path.as_str().to_owned(),
        content,
        encoding,
        // What was read is what there is, even if the size was another before.
        size: if truncated { size.max(read + 1) } else { read },
        modified_at,
        truncated,
    })
}

/// Opens a regular file without touching anything else: what it is is known before it is opened
/// for its content, so neither a pipe nor a device notices.
fn open_regular(workspace: &Inner, path: &WorkspacePath) -> Result<(OwnedFd, Stat), FileError> {
    let handle = beneath::open(workspace.root(), path.as_str(), beneath::HANDLE);
    let handle = handle.map_err(FileError::at(path))?;
    let stat = beneath::stat_of(&handle).map_err(FileError::at(path))?;
    match beneath::kind(&stat) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(FileError::IsDirectory(path.to_string())),
        _ => return Err(FileError::NotAFile(path.to_string())),
    }
    let file = beneath::reopen(handle.as_fd(), OFlags::RDONLY).map_err(FileError::at(path))?;
    Ok((file, stat))
}

/// How bytes are written in JSON. Of text that was cut, the character at the cut is left out.
fn written(bytes: Vec<u8>, cut: bool) -> (String, Encoding) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, Encoding::Utf8),
        Err(error) => {
            let fault = error.utf8_error();
            let bytes = error.into_bytes();
            match bytes.get(..fault.valid_up_to()) {
                Some(text) if cut && fault.error_len().is_none() => {
                    (String::from_utf8_lossy(text).into_owned(), Encoding::Utf8)
                }
                _ => (STANDARD.encode(bytes), Encoding::Base64),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_the_rest_is_base64() {
        let check = |bytes: &[u8], cut: bool, content: &str, encoding: Encoding| {
            let expected = (content.to_owned(), encoding);
            assert_eq!(written(bytes.to_vec(), cut), expected, "{bytes:?}");
        };
        check("grün".as_bytes(), false, "grün", Encoding::Utf8);
        check(b"gr\xc3", true, "gr", Encoding::Utf8);
        check(b"gr\xc3", false, "Z3LD", Encoding::Base64);
        check(b"\xff\xfe", true, "//4=", Encoding::Base64);
        check(b"", false, "", Encoding::Utf8);
    }
}
