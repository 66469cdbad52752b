//! One process of the stack: started, listened to until it is ready, stopped with the stack.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::pause;

/// What a process says on stdout, once for each address, when it is ready.
const READY: &str = "listening on ";

/// How many lines of a log are shown when its process ended.
const LAST_LINES: usize = 15;

/// A running process of the stack. Dropping it stops it: its stdin closes, which is what
/// `--stop-on-stdin-eof` waits for, also when this process is killed.
#[derive(Debug)]
pub(super) struct Running {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    log: PathBuf,
}

impl Running {
    /// Starts a process and waits until it has said `listeners` times where it listens.
    ///
    /// It gets a process group of its own, so that Ctrl-C in the terminal reaches the stack
    /// first, and the stack stops its processes in their order.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        (log, mut log_file): (PathBuf, File),
        listeners: usize,
        limit: Duration,
        stopping: &dyn Fn() -> bool,
    ) -> Result<Self> {
        writeln!(log_file, "--- started by cargo xtask up")?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file.try_clone()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a child without stdout")?;
        let ready = follow(stdout, log_file);
        let mut running = Self {
            name,
            child,
            stdin,
            log,
        };
        running.wait_until_ready(&ready, listeners, limit, stopping)?;
        Ok(running)
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop, and kills it when it takes longer than `limit` or `hurry` says so.
    pub(super) fn stop(&mut self, limit: Duration, hurry: &dyn Fn() -> bool) {
        drop(self.stdin.take());
        let started = Instant::now();
        while !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
            if started.elapsed() > limit || hurry() {
                eprintln!("{} does not stop by itself: killed", self.name);
                // It may have ended in this moment, which is as good.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            pause(Duration::from_millis(20));
        }
    }

    fn wait_until_ready(
        &mut self,
        ready: &Receiver<String>,
        listeners: usize,
        limit: Duration,
        stopping: &dyn Fn() -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        let mut heard = 0;
        while heard < listeners {
            if stopping() {
                bail!("stopped while {} was starting", self.name);
            }
            match ready.recv_timeout(Duration::from_millis(100)) {
                Ok(_) => heard += 1,
                Err(RecvTimeoutError::Timeout) if started.elapsed() < limit => {
                    if let Some(status) = self.ended()? {
                        bail!("{}", self.end_report(status));
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!(
                    "{} was not ready after {} s; its log, {}, ends with:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log.display(),
                    last_lines(&self.log)
                ),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait()?;
                    bail!("{}", self.end_report(status));
                }
            }
        }
        Ok(())
    }

    /// That it ended and what it said last.
    pub(super) fn end_report(&self, status: ExitStatus) -> String {
        let (name, log) = (self.name, self.log.display());
        format!(
            "{name} ended ({status}); its log, {log}, ends with:\n{}",
            last_lines(&self.log)
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(2), &|| false);
    }
}

/// Copies stdout to the log, and passes on the lines that say where the process listens.
fn follow(stdout: ChildStdout, mut log: File) -> Receiver<String> {
    let (tell, ready) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            // A full disk must not stop the process from writing on.
            let _ = writeln!(log, "{line}");
            if let Some(address) = line.strip_prefix(READY) {
                // Nobody listens any more once the process is ready.
                let _ = tell.send(address.to_owned());
            }
        }
    });
    ready
}

fn last_lines(log: &Path) -> String {
    let tail = || -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(8 * 1024)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = tail().unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
    last.map(|line| format!("  {line}\n")).collect()
}
