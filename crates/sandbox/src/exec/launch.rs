//! The beginning that all commands have in common: pipes, the request, a guard that kills.

use super::{Exec, ExecError};
use crate::control::{Control, ControlError, End};
use rustix::pipe::{PipeFlags, pipe_with};
use sandbox_init::protocol::{Exit, Reply, Request};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe::{Receiver, Sender},
    sync::watch,
};

/// How much is read at once, and what a pipe holds.
const PIECE: usize = 64 * 1024;

/// How much is read after a command ended, at most: what its pipe can have held. Only a process
/// of another command, which was handed the pipe, can have more to say.
const AFTER_END: usize = 1024 * 1024;

/// A command that was started.
pub(super) struct Launched {
    pub(super) guard: Guard,
    pub(super) stdout: Receiver,
    pub(super) stderr: Receiver,
    pub(super) end: watch::Receiver<End>,
}

/// Kills its command when it is dropped before the command's end.
pub(super) struct Guard {
    pub(super) id: u64,
    control: Arc<Control>,
    armed: bool,
}

impl Guard {
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.armed {
            self.control.post_kill(self.id);
        }
    }
}

/// Starts a command. Its input is written beside, as fast as it is read.
pub(super) async fn launch(
    control: &Arc<Control>,
    exec: &Exec,
    background: bool,
    note: String,
) -> Result<Launched, ExecError> {
    let run = exec.to_run(background, note)?;
    let (stdout, stdout_theirs) = pipe()?;
    let (stderr, stderr_theirs) = pipe()?;
    let (stdin_theirs, stdin) = match &exec.stdin {
        None => (OwnedFd::from(File::open("/dev/null")?), None),
        Some(bytes) => {
            let (theirs, ours) = pipe()?;
            (theirs, Some((ours, bytes.clone())))
        }
    };
    let mut fds = vec![
        stdin_theirs.as_fd(),
        stdout_theirs.as_fd(),
        stderr_theirs.as_fd(),
    ];
    if background {
        fds.extend([stdout.as_fd(), stderr.as_fd()]);
    }
    let answer = control.ask(Request::Run(run), &fds).await?;
    let (Reply::Started { id }, Some(end)) = (answer.reply, answer.end) else {
        return Err(ControlError::Nonsense.into());
    };
    let guard = Guard {
        id,
        control: control.clone(),
        armed: true,
    };
    if let Some((pipe, bytes)) = stdin {
        let pipe = Sender::from_owned_fd(pipe)?;
        tokio::spawn(feed(pipe, bytes, end.clone()));
    }
    Ok(Launched {
        guard,
        stdout: Receiver::from_owned_fd(stdout)?,
        stderr: Receiver::from_owned_fd(stderr)?,
        end,
    })
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// Writes a command's input until all of it is read, or the command does not want it, or ends.
async fn feed(mut pipe: Sender, bytes: Vec<u8>, end: watch::Receiver<End>) {
    tokio::select! {
        written = pipe.write_all(&bytes) => drop(written),
        _ = ended(end) => {}
    }
}

/// Waits for a command's end.
pub(super) async fn ended(mut end: watch::Receiver<End>) -> Result<Exit, ExecError> {
    let last = end.wait_for(|end| *end != End::NotYet).await;
    match last.map(|end| *end) {
        Ok(End::Exited(exit)) => Ok(exit),
        Ok(End::Unkillable) => Err(ExecError::Unkillable),
        Ok(End::NotYet) | Err(_) => Err(ControlError::Broken.into()),
    }
}

/// Reads an output to its end, piece by piece. Its end is that of the pipe, or what is there
/// when the command has ended: somebody else may hold the pipe open for ever.
pub(super) async fn read(
    mut pipe: Receiver,
    end: watch::Receiver<End>,
    mut take: impl FnMut(&[u8]),
) {
    let mut buffer = vec![0; PIECE];
    let mut over = std::pin::pin!(ended(end));
    loop {
        let got = tokio::select! {
            biased;
            got = pipe.read(&mut buffer) => got,
            _ = &mut over => break,
        };
        match got {
            Ok(0) | Err(_) => return,
            Ok(length) => take(buffer.get(..length).unwrap_or_default()),
        }
    }
    read_rest(&pipe, take);
}

/// Reads what an output has left, without waiting.
pub(super) fn read_rest(pipe: &Receiver, mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; PIECE];
    let mut after = 0;
    // Not by the runtime, which may not have been told yet that there is something.
    while let Ok(length @ 1..) = rustix::io::read(pipe, &mut buffer) {
        take(buffer.get(..length).unwrap_or_default());
        after += length;
        if after >= AFTER_END {
            return;
        }
    }
}
