//! The two formats.

use super::{Format, Sink};
use crate::beneath;
use flate2::{Compression, write::GzEncoder};
use rustix::fs::Stat;
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

/// Up to this size a file is read before its header is written, in bytes: then it does not matter
/// if its size changes meanwhile.
const SMALL: u64 = 1 << 20;

/// From this size on, a file needs the large fields of zip, with room for one that grows.
const LARGE: u64 = 1 << 31;

/// Writes an archive, one thing after the other.
pub(super) enum Packer {
    Tar(Box<tar::Builder<GzEncoder<Sink>>>),
    Zip(Box<ZipWriter<StreamWriter<Sink>>>),
}

impl Packer {
    pub(super) fn new(format: Format, sink: Sink) -> Self {
        match format {
            Format::TarGz => {
                let encoder = GzEncoder::new(sink, Compression::fast());
                Self::Tar(Box::new(tar::Builder::new(encoder)))
            }
            Format::Zip => Self::Zip(Box::new(ZipWriter::new_stream(sink))),
        }
    }

    pub(super) fn directory(&mut self, path: &[u8], stat: &Stat) -> io::Result<()> {
        match self {
            Self::Tar(tar) => {
                let mut header = header(stat, tar::EntryType::Directory, 0);
                let path = [path, b"/"].concat();
                tar.append_data(&mut header, as_path(&path), io::empty())
            }
            Self::Zip(zip) => Ok(zip.add_directory(text(path), options(stat))?),
        }
    }

    pub(super) fn symlink(&mut self, path: &[u8], stat: &Stat, target: &[u8]) -> io::Result<()> {
        match self {
            Self::Tar(tar) => {
                let mut header = header(stat, tar::EntryType::Symlink, 0);
                tar.append_link(&mut header, as_path(path), as_path(target))
            }
            Self::Zip(zip) => Ok(zip.add_symlink(text(path), text(target), options(stat))?),
        }
    }

    pub(super) fn file(&mut self, path: &[u8], stat: &Stat, mut file: File) -> io::Result<()> {
        let size = beneath::size(stat);
        match self {
            Self::Tar(tar) if size <= SMALL => {
                let mut content = Vec::new();
                file.take(SMALL).read_to_end(&mut content)?;
                let mut header = header(stat, tar::EntryType::Regular, content.len() as u64);
                tar.append_data(&mut header, as_path(path), content.as_slice())
            }
            Self::Tar(tar) => {
                let mut header = header(stat, tar::EntryType::Regular, size);
                tar.append_data(&mut header, as_path(path), Exactly { file, left: size })
            }
            Self::Zip(zip) => {
                let options = options(stat).large_file(size >= LARGE);
                zip.start_file(text(path), options)?;
                let mut content = (&mut file).take(size);
                io::copy(&mut content, zip).map(|_| ())
            }
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        let mut sink = match self {
            Self::Tar(tar) => tar.into_inner()?.finish()?,
            Self::Zip(zip) => zip.finish()?.into_inner(),
        };
        sink.send()
    }
}

/// As many bytes of a file as its header says.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let read = (&mut self.file).take(self.left).read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::Error::other("a file got shorter while it was packed"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// Names in a zip are UTF-8.
fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Whose a file is on this host is nobody's business.
fn header(stat: &Stat, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(stat.st_mode & 0o777);
    header.set_mtime(u64::try_from(beneath::modified_at(stat) / 1000).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn options(stat: &Stat) -> SimpleFileOptions {
    let modified = chrono::DateTime::from_timestamp_millis(beneath::modified_at(stat));
    // What is older than zip's calendar, 1980, gets its first day.
    let modified = modified.and_then(|time| DateTime::try_from(time.naive_utc()).ok());
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .unix_permissions(stat.st_mode & 0o777)
        .last_modified_time(modified.unwrap_or_default())
}
