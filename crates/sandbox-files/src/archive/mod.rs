//! A directory as one file, made while it is sent.
//!
//! A thread walks and packs; between it and whoever reads lies a channel of few pieces, so a slow
//! reader slows the walk and takes no memory. The end of the stream without an error is the end of
//! a whole archive.

mod ignored;
mod pack;
mod walk;

use crate::{beneath, error::FileError, path::WorkspacePath, workspace::Workspace};
use bytes::Bytes;
use futures::Stream;
use rustix::fd::AsFd as _;
use std::{
    io::{self, Write},
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{runtime::Handle, sync::mpsc, time::timeout};

/// How large the pieces are, in bytes.
const PIECE: usize = 64 << 10;

/// How many pieces wait for the reader.
const PIECES: usize = 4;

/// How long the reader may take for one.
const PATIENCE: Duration = Duration::from_secs(60);

/// What kind of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `tar.gz`.
    TarGz,
    /// `zip`.
    Zip,
}

impl Format {
    /// The format of that name, which is also how such files' names end.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tar.gz" => Some(Self::TarGz),
            "zip" => Some(Self::Zip),
            _ => None,
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::TarGz => "application/gzip",
            Self::Zip => "application/zip",
        }
    }
}

/// The bytes of an archive. Dropping it ends the work.
#[derive(Debug)]
pub struct Archive(mpsc::Receiver<Result<Bytes, FileError>>);

impl Stream for Archive {
    type Item = Result<Bytes, FileError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// See [`Workspace::archive`].
pub(crate) async fn begin(
    workspace: &Workspace,
    root: &WorkspacePath,
    format: Format,
) -> Result<Archive, FileError> {
    let permit = workspace.inner().archives.clone().try_acquire_owned();
    let permit = permit.map_err(|_| FileError::Busy(root.to_string()))?;
    let wanted = root.clone();
    let top = workspace
        .blocking(move |workspace| {
            beneath::open(workspace.root(), wanted.as_str(), beneath::HANDLE)
                .map_err(FileError::at(&wanted))
        })
        .await?;
    let (sender, receiver) = mpsc::channel(PIECES);
    let (inner, root, runtime) = (workspace.inner().clone(), root.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let sink = Sink {
            sender: sender.clone(),
            runtime: runtime.clone(),
            piece: Vec::with_capacity(PIECE),
        };
        let packer = pack::Packer::new(format, sink);
        if let Err(error) = walk::pack(&inner, &root, top.as_fd(), packer) {
            tracing::info!(%error, path = %root, "an archive was not finished");
            // If even this does not get through, the reader is gone.
            let _ = runtime.block_on(timeout(PATIENCE, sender.send(Err(error))));
        }
    });
    Ok(Archive(receiver))
}

/// Hands what is packed to the reader.
struct Sink {
    sender: mpsc::Sender<Result<Bytes, FileError>>,
    runtime: Handle,
    piece: Vec<u8>,
}

impl Sink {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = timeout(PATIENCE, self.sender.send(Ok(piece.into())));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads it")),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the reader is too slow",
            )),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// What is packed goes out in whole pieces, and by [`Sink::send`] at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
