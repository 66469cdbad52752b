//! A server in a process of its own, ended when it is dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A running server. Its stdin is open as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// A server that has not said yet that it listens.
pub(crate) struct Starting {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Starting {
    /// Starts a program that says `listening on http://ADDRESS` on stdout, once or more.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a child without stdout")?;
        Ok(Self {
            child,
            stdin,
            stdout,
        })
    }

    /// Waits for the line.
    pub(crate) fn ready(self) -> Result<Server> {
        self.ready_at::<1>().map(|(server, _)| server)
    }

    /// Waits for so many such lines, one for each place where it listens. What comes after them
    /// is read and dropped, so that the pipe never fills up.
    pub(crate) fn ready_at<const N: usize>(self) -> Result<(Server, [SocketAddr; N])> {
        let Self {
            mut child,
            stdin,
            stdout,
        } = self;
        let mut lines = BufReader::new(stdout).lines();
        match addresses(&mut lines) {
            Ok(addresses) => {
                let address = addresses.first().copied().context("no address asked for")?;
                thread::spawn(move || lines.for_each(drop));
                let server = Server {
                    child,
                    stdin,
                    address,
                };
                Ok((server, addresses))
            }
            Err(error) => {
                // It may have ended by itself; nobody would end it later.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

impl Server {
    /// A server that says nothing on stdout: it is taken as it is.
    pub(crate) fn silent(child: Child, address: SocketAddr) -> Self {
        Self {
            child,
            stdin: None,
            address,
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Where a server says that it listens.
fn addresses<const N: usize>(
    lines: impl Iterator<Item = std::io::Result<String>>,
) -> Result<[SocketAddr; N]> {
    let mut found = Vec::new();
    for line in lines {
        let line = line?;
        if let Some(rest) = line.strip_prefix("listening on http://") {
            let address = rest.split(' ').next().unwrap_or_default();
            found.push(address.parse().with_context(|| format!("{line:?}"))?);
        }
        if found.len() == N {
            break;
        }
    }
    let Ok(addresses) = found.try_into() else {
        bail!("a server ended before it listened")
    };
    Ok(addresses)
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of stdin asks for an orderly stop; what cannot hear it is killed.
        if self.stdin.take().is_some() {
            for _ in 0..100 {
                if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                    return;
                }
                pause();
            }
        }
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A moment's wait outside of any measurement.
#[allow(
    clippy::disallowed_methods,
    reason = "between measurements nothing else runs here"
)]
pub(crate) fn pause() {
    thread::sleep(Duration::from_millis(50));
}
