//! The edge under Spin: with `ATELIER_SPIN` naming a Spin binary (4.1 or newer), the tests run
//! `spin up` where they run `edge-host` otherwise.

use crate::{Client, eventually, stack};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::{Child, Command};

/// The Spin binary, if one is named.
#[must_use]
pub fn binary() -> Option<PathBuf> {
    std::env::var_os("ATELIER_SPIN").map(PathBuf::from)
}

/// `spin up`, once it answers. Its database comes up to date when a runner asks for it.
pub struct Spin {
    child: Child,
}

impl Spin {
    /// Starts it on `address` with its state in `folder`.
    pub async fn start(
        binary: &Path,
        folder: &Path,
        address: SocketAddr,
        variables: BTreeMap<String, String>,
    ) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
        let child = Command::new(binary)
            .args(["up", "--quiet", "--from"])
            .arg(stack::root().join("spin.toml"))
            .args(["--listen", &address.to_string(), "--state-dir"])
            .arg(folder)
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // `spin up` is two processes, and both must go at once.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let client = Client { address };
        eventually("an edge under Spin", async || {
            let health = http::Request::get("/api/v1/health");
            let answer = client.try_send(health, "").await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        Self { child }
    }

    /// Ends it as `kill -9` would.
    pub async fn kill(&mut self) {
        self.signal("KILL").await;
    }

    /// Ends it in order.
    pub async fn stop(mut self) {
        self.signal("TERM").await;
    }

    async fn signal(&mut self, signal: &str) {
        if let Some(group) = self.child.id() {
            let sent = Command::new("kill")
                .args([&format!("-{signal}"), "--", &format!("-{group}")])
                .status();
            assert!(sent.await.unwrap().success());
        }
        self.child.wait().await.unwrap();
    }
}
