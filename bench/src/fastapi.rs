//! The Python peer: FastAPI, uvicorn and sqlite3, in a virtual environment of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::server::{Server, pause};

/// The same three requests as ours, as one would write them.
const APPLICATION: &str = include_str!("fastapi_app.py");

const PACKAGES: [&str; 2] = ["fastapi", "uvicorn[standard]"];

/// Makes the environment at the first call, and starts the server.
///
/// # Errors
/// When there is no Python, no pip, or no network: the bench goes on without this peer.
pub(crate) fn start(venv: &Path) -> Result<Server> {
    let venv = &std::path::absolute(venv)?;
    let python = venv.join("bin/python");
    // Written last, so that an interrupted installation is made again.
    let complete = venv.join("complete");
    if !complete.is_file() {
        eprintln!("installing FastAPI into {}", venv.display());
        said(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(venv),
        )?;
        said(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(PACKAGES),
        )?;
        fs::write(&complete, "")?;
    }
    let state = venv.join("state");
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    fs::create_dir_all(&state)?;
    fs::write(state.join("app.py"), APPLICATION)?;

    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = Command::new(&python)
        .current_dir(&state)
        .args([
            "-m",
            "uvicorn",
            "app:app",
            "--no-access-log",
            "--log-level",
            "warning",
        ])
        .args(["--port", &address.port().to_string()])
        .stdin(Stdio::null())
        .spawn()
        .context("uvicorn does not start")?;
    let server = Server::silent(child, address);
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if started.elapsed() > Duration::from_secs(20) {
            bail!("uvicorn does not listen after 20 s");
        }
        pause();
    }
    Ok(server)
}

fn said(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let Output { status, stderr, .. } = command
        .output()
        .with_context(|| format!("{program} does not start"))?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        let last = stderr.lines().last().unwrap_or_default().to_owned();
        bail!("{program} failed ({status}): {last}");
    }
    Ok(())
}
