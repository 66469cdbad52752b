//! The runner's own interface, asked as the edge asks it: over a connection that is kept.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Runner, TOKEN};
use crate::client::Connection;

/// Whose all sandboxes are.
const USER: u32 = 1;

/// How long a gauge may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the interface.
pub(crate) struct Api {
    connection: Connection,
}

/// The session with this number.
pub(crate) fn session(number: usize) -> String {
    format!("01910000-0000-7000-8000-{number:012x}")
}

/// The bytes of a request with the runner's token.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Api {
    /// Connects.
    pub(crate) async fn open(runner: &Runner) -> Result<Self> {
        let connection = Connection::open(runner.admin).await?;
        Ok(Self { connection })
    }

    /// One exchange; the body of the answer. Any refusal is an error that says why.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<&[u8]> {
        let asked = self.send(&request(method, path, body)).await;
        asked.with_context(|| format!("{method} {path}"))
    }

    /// The same with a request that is written already.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        let status = self.connection.exchange(request).await?;
        let body = self.connection.body();
        if !(200..300).contains(&status) {
            bail!("{status}: {}", reason(body));
        }
        Ok(body)
    }

    /// Launches the session's sandbox.
    pub(crate) async fn launch(&mut self, session: &str) -> Result<()> {
        let body = json!({"user": USER}).to_string();
        let path = format!("/v1/sandboxes/{session}");
        let launched: Value = serde_json::from_slice(self.ask("PUT", &path, &body).await?)?;
        if launched.get("created") != Some(&Value::Bool(true)) {
            bail!("the session had a sandbox already: {launched}");
        }
        Ok(())
    }

    /// Runs a program to its end, which must be a good one.
    pub(crate) async fn exec(&mut self, session: &str, command: &[&str]) -> Result<()> {
        let body = json!({"command": command}).to_string();
        let path = format!("/v1/sandboxes/{session}/exec");
        let output: Value = serde_json::from_slice(self.ask("POST", &path, &body).await?)?;
        if output.get("exit_code") != Some(&json!(0)) {
            bail!("{command:?} in a sandbox: {output}");
        }
        Ok(())
    }

    /// Destroys the session's sandbox, and waits until nothing more is done about it: whatever is
    /// measured next has the machine for itself.
    pub(crate) async fn destroy(&mut self, session: &str) -> Result<()> {
        self.ask("DELETE", &format!("/v1/sandboxes/{session}"), "")
            .await?;
        self.wait_for("runner_sandboxes_ending", 0).await
    }

    /// Destroys all sandboxes of sessions.
    pub(crate) async fn destroy_all(&mut self) -> Result<()> {
        self.ask("DELETE", &format!("/v1/users/{USER}/sandboxes"), "")
            .await?;
        self.wait_for("runner_sandboxes_ending", 0).await
    }

    /// Waits until a gauge of the runner has this value.
    pub(crate) async fn wait_for(&mut self, gauge: &str, wanted: usize) -> Result<()> {
        let begun = Instant::now();
        loop {
            let text = self.ask("GET", "/metrics", "").await?;
            let found = value(&String::from_utf8_lossy(text), gauge)
                .with_context(|| format!("the runner has no gauge {gauge}"))?;
            if found == wanted {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{gauge} is {found} and not {wanted} after {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What a refusal says: its detail, or all of it.
fn reason(body: &[u8]) -> String {
    let problem = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let detail = problem.get("detail").and_then(Value::as_str);
    detail.map_or_else(
        || String::from_utf8_lossy(body).into_owned(),
        ToOwned::to_owned,
    )
}

fn value(metrics: &str, gauge: &str) -> Option<usize> {
    metrics.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == gauge).then(|| value.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges() {
        let text = "# HELP a_b What.\n# TYPE a_b gauge\na_b 7\na 1\n";
        assert_eq!(value(text, "a_b"), Some(7));
        assert_eq!(value(text, "a"), Some(1));
        assert_eq!(value(text, "b"), None);
    }

    #[test]
    fn reasons() {
        assert_eq!(reason(br#"{"status":503,"detail":"Not here"}"#), "Not here");
        assert_eq!(reason(b"[1]"), "[1]");
        assert_eq!(reason(b"gone"), "gone");
    }
}
