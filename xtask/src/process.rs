//! Running other programs: with a clear word when one is missing, fails or hangs.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs a program in the foreground; its output is the user's to read.
///
/// # Errors
/// When the program is missing or ends with another status than 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a program and returns what it wrote to stdout, without the last line break.
///
/// # Errors
/// When the program is missing, fails (its stderr is in the error), or writes no UTF-8.
pub fn stdout_of(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .map_err(|error| not_started(command, error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            shown(command),
            output.status,
            said.trim()
        );
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something that is no UTF-8", shown(command)))?;
    Ok(text.trim_end().to_owned())
}

/// Runs a program for at most `limit`, then ends it; its output is the user's to read.
///
/// # Errors
/// When the program is missing, fails, or is not done in time.
pub fn run_for(command: &mut Command, limit: Duration) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| not_started(command, e))?;
    let status = wait_for(&mut child, limit).with_context(|| {
        format!(
            "`{}` was stopped after {} s",
            shown(command),
            limit.as_secs()
        )
    })?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a program for at most `limit` and returns all it wrote, whatever its status.
///
/// # Errors
/// When the program is missing or not done in time.
pub fn output_for(command: &mut Command, limit: Duration) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, error))?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait_for(&mut child, limit).with_context(|| {
        format!(
            "`{}` was stopped after {} s",
            shown(command),
            limit.as_secs()
        )
    })?;
    Ok(Output {
        status,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

/// Whether a program of this name is on the `PATH`.
pub fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Waits. xtask has no asynchronous runtime that this could block.
#[allow(clippy::disallowed_methods, reason = "no runtime, no component")]
pub fn pause(time: Duration) {
    thread::sleep(time);
}

/// A command as one would type it, for messages.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn drain<R: Read + Send + 'static>(pipe: Option<R>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A broken pipe ends the reading; what came before it is still shown.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn wait_for(child: &mut Child, limit: Duration) -> Result<std::process::ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("it was not done in time");
        }
        pause(Duration::from_millis(50));
    }
}

fn not_started(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    if error.kind() == ErrorKind::NotFound {
        anyhow::anyhow!("`{program}` is not installed, or not on the PATH")
    } else {
        anyhow::Error::new(error).context(format!("`{program}` does not start"))
    }
}
