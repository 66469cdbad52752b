//! The engine: where it listens, what it speaks, and how long it may take.

use super::failed;
use crate::{
    backend::{BackendError, Running},
    control::Control,
};
use bollard::{API_DEFAULT_VERSION, Docker as Client, errors::Error};
use sandbox_init::protocol::Request;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long the first greeting may take.
const GREETING: Duration = Duration::from_secs(5);

/// Bollard's own limit, in seconds, above all of ours: it is for what has none.
const TRANSPORT: u64 = 1800;

/// A connected engine.
#[derive(Debug)]
pub(super) struct Engine {
    client: Client,
    address: String,
    podman: bool,
}

impl Engine {
    /// The engine at `host`, or the first that answers where engines listen by default.
    pub(super) async fn connect(host: Option<&str>) -> Result<Self, BackendError> {
        let addresses = match host {
            Some(host) => vec![host.to_owned()],
            None => addresses(),
        };
        let mut reasons = Vec::new();
        for address in addresses {
            match Self::greet(&address).await {
                Ok(engine) => return Ok(engine),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(BackendError::Unavailable(format!(
            "No container engine answers: {}. Start Docker or Podman, or set DOCKER_HOST",
            reasons.join("; ")
        )))
    }

    async fn greet(address: &str) -> Result<Self, String> {
        let Some(path) = address.strip_prefix("unix://") else {
            // An engine elsewhere cannot mount folders of this machine.
            return Err(format!("{address} is no unix socket (unix:///…)"));
        };
        if !Path::new(path).exists() {
            return Err(format!("{path} is not there"));
        }
        let client = Client::connect_with_unix(path, TRANSPORT, API_DEFAULT_VERSION);
        let client = client.map_err(|error| format!("{address}: {error}"))?;
        let greeting = async {
            let client = client.negotiate_version().await?;
            let version = client.version().await?;
            Ok::<_, Error>((client, version))
        };
        match tokio::time::timeout(GREETING, greeting).await {
            Err(_) => Err(format!("{address} does not answer")),
            Ok(Err(error)) => Err(format!("{address}: {}", chain(&error))),
            Ok(Ok((client, version))) => {
                let system = version.os.unwrap_or_default();
                if !system.eq_ignore_ascii_case("linux") {
                    return Err(format!(
                        "{address} has containers of {system}, not of Linux"
                    ));
                }
                let components = version.components.unwrap_or_default();
                let podman = components.iter().any(|part| part.name.contains("Podman"));
                Ok(Self {
                    client,
                    address: address.to_owned(),
                    podman,
                })
            }
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it is a Podman of an ordinary user, which gives containers other user numbers
    /// unless told otherwise: the workspace would belong to nobody inside.
    pub(super) fn maps_own_user(&self) -> bool {
        self.podman && !rustix::process::geteuid().is_root()
    }

    /// Waits for the answer, at most `limit`.
    pub(super) async fn ask<T>(
        &self,
        doing: &str,
        limit: Duration,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, BackendError> {
        match tokio::time::timeout(limit, question).await {
            Ok(answer) => answer.map_err(|error| self.explain(doing, error)),
            Err(_) => Err(BackendError::Unavailable(format!(
                "The container engine at {} has not answered for {} s while {doing}. Look at its \
                 log, or start it again",
                self.address,
                limit.as_secs()
            ))),
        }
    }

    fn explain(&self, doing: &str, error: Error) -> BackendError {
        match error {
            Error::DockerResponseServerError { .. } => failed(doing)(error),
            Error::HyperLegacyError { .. } | Error::SocketNotFoundError(_) => {
                BackendError::Unavailable(format!(
                    "The container engine at {} is gone: {}. Start it again",
                    self.address,
                    chain(&error)
                ))
            }
            other => failed(doing)(other),
        }
    }

    /// Waits until the init answers, at most `limit`.
    pub(super) async fn listens(
        &self,
        running: &Running,
        limit: Duration,
    ) -> Result<(), BackendError> {
        let proc = PathBuf::from(format!("/proc/{}", running.init));
        let control = Control::new(running.clone());
        let listens = async {
            while control.ask(Request::List, &[]).await.is_err() {
                if !proc.exists() {
                    return Err(failed("starting the container")(
                        "sandbox-init ended, or the engine is in another PID namespace",
                    ));
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(())
        };
        let listens = tokio::time::timeout(limit, listens).await;
        listens.map_err(failed("waiting for sandbox-init to answer"))?
    }
}

/// The engine's answer of a refusal, by its HTTP status.
pub(super) fn status(error: &BackendError) -> Option<u16> {
    let BackendError::Failed { source, .. } = error else {
        return None;
    };
    match source.downcast_ref::<Error>()? {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Where engines listen: Docker's socket, then Podman's of this user and of the system.
fn addresses() -> Vec<String> {
    let user = rustix::process::geteuid().as_raw();
    let own = std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| PathBuf::from(format!("/run/user/{user}")), PathBuf::from);
    let paths = [
        PathBuf::from("/var/run/docker.sock"),
        own.join("docker.sock"),
        own.join("podman/podman.sock"),
        PathBuf::from("/run/podman/podman.sock"),
    ];
    let addresses = paths
        .iter()
        .map(|path| format!("unix://{}", path.display()));
    addresses.collect()
}

/// An error with its causes: bollard's own texts say little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
