//! Which processes a stack consists of, how each is started, and with which settings.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::port;
use super::state::State;
use crate::manifest::Manifest;
use crate::secrets::Secrets;

/// One process to start.
pub(super) struct Process {
    /// Its name, also that of its log.
    pub(super) name: &'static str,
    /// How it is started; a restart uses it again.
    pub(super) command: Command,
    /// How many times it says where it listens before it is ready.
    pub(super) listeners: usize,
}

/// A stack that is described, not started.
pub(super) struct Stack {
    /// The processes, in the order in which they start.
    pub(super) processes: Vec<Process>,
    /// Where people connect.
    pub(super) front_door: SocketAddr,
    /// What answers the chats, for people to read.
    pub(super) model: String,
    /// The administrator's name, where the application has one.
    pub(super) administrator: Option<String>,
}

/// What a stack is described from.
pub(super) struct Parts<'a> {
    pub(super) root: &'a Path,
    pub(super) manifest: &'a Manifest,
    pub(super) binaries: &'a Path,
    pub(super) init: &'a Path,
    pub(super) state: &'a State,
    pub(super) secrets: &'a Secrets,
    pub(super) port: u16,
}

/// Where the runner listens.
struct Listen {
    front_door: SocketAddr,
    admin: SocketAddr,
    previews: SocketAddr,
}

/// The edge's variables that this process was given, else what a local stack uses.
struct Variables<'a> {
    manifest: &'a Manifest,
    set: Vec<(String, String)>,
}

impl Stack {
    /// The model comes first and the front door last: whoever is reachable finds what it needs.
    /// Ports are chosen here, because the edge and the runner must each know the other's.
    pub(super) fn describe(parts: &Parts<'_>) -> Result<Self> {
        port::check(parts.port)?;
        let [edge, admin, offline, previews] = port::free()?;
        let front_door = SocketAddr::from((Ipv4Addr::LOCALHOST, parts.port));
        let mut variables = Variables {
            manifest: parts.manifest,
            set: Vec::new(),
        };
        for (name, value) in parts.secrets.iter() {
            variables.default(name, value.to_owned());
        }
        let token = variables.value("runner_token").unwrap_or_default();
        variables.default("public_url", format!("http://{front_door}"));
        variables.default("runner_public_url", format!("http://{front_door}"));
        variables.default("runner_url", format!("http://{admin}"));
        variables.default("admin_username", "admin".to_owned());
        variables.default("admin_email", "admin@localhost".to_owned());

        let mut processes = Vec::new();
        let model = match given("llm_base_url") {
            Some(url) => url,
            None => {
                variables.default("llm_base_url", format!("http://{offline}/v1"));
                variables.default("llm_model", "offline".to_owned());
                processes.push(parts.offline_model(offline));
                "the offline model (no language model; SPIN_VARIABLE_LLM_BASE_URL names a real one)"
                    .to_owned()
            }
        };
        let administrator = variables.value("admin_username");
        processes.push(parts.edge(edge, &variables));
        let listen = Listen {
            front_door,
            admin,
            previews,
        };
        processes.push(parts.runner(&listen, edge, &token));
        Ok(Self {
            processes,
            front_door,
            model,
            administrator,
        })
    }
}

impl Parts<'_> {
    fn offline_model(&self, listen: SocketAddr) -> Process {
        let mut command = self.binary("offline-model");
        command.args(["--listen", &listen.to_string()]);
        Process {
            name: "model",
            command,
            listeners: 1,
        }
    }

    fn edge(&self, listen: SocketAddr, variables: &Variables<'_>) -> Process {
        let mut command = self.binary("edge-host");
        command.arg("--manifest").arg(self.root.join("spin.toml"));
        command.args(["--listen", &listen.to_string()]);
        command.arg("--state").arg(self.state.path.join("edge"));
        for (name, value) in &variables.set {
            command.env(environment_name(name), value);
        }
        Process {
            name: "edge",
            command,
            listeners: 1,
        }
    }

    fn runner(&self, listen: &Listen, edge: SocketAddr, token: &str) -> Process {
        let mut command = self.binary("sandbox-runner");
        if env::var_os("RUNNER_PREVIEW_LISTEN").is_none() {
            command.env("RUNNER_PREVIEW_LISTEN", listen.previews.to_string());
        }
        command
            .env("RUNNER_LISTEN", listen.front_door.to_string())
            .env("RUNNER_ADMIN_LISTEN", listen.admin.to_string())
            .env("RUNNER_SANDBOX_INIT", self.init)
            .env("RUNNER_EDGE_URL", format!("http://{edge}"))
            .env("RUNNER_TOKEN", token)
            .env("RUNNER_STATE", self.state.path.join("runner"));
        // What the edge may reach the runner may listen to.
        if env::var_os("RUNNER_OUTBOUND_ALLOW").is_none()
            && let Some(allowed) = env::var_os(environment_name("outbound_allow"))
        {
            command.env("RUNNER_OUTBOUND_ALLOW", allowed);
        }
        if env::var_os("RUNNER_OUTBOX").is_none() {
            command.env("RUNNER_OUTBOX", self.state.path.join("outbox"));
        }
        Process {
            name: "runner",
            command,
            listeners: 3,
        }
    }

    fn binary(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        // Colours are for terminals, and this goes to a log.
        command
            .arg("--stop-on-stdin-eof")
            .current_dir(self.root)
            .env("NO_COLOR", "1");
        command
    }
}

impl Variables<'_> {
    /// Sets a variable that the application declares, unless the operator gave one.
    fn default(&mut self, name: &str, value: String) {
        if self.manifest.declares(name) && given(name).is_none() {
            self.set.push((name.to_owned(), value));
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let set = self.set.iter().find(|(known, _)| known == name);
        given(name)
            .filter(|_| self.manifest.declares(name))
            .or_else(|| set.map(|(_, value)| value.clone()))
    }
}

/// Refuses a folder without the binaries, which would otherwise fail one by one.
pub(super) fn check_binaries(folder: &Path) -> Result<()> {
    for name in ["edge-host", "sandbox-runner", "offline-model"] {
        let path: PathBuf = folder.join(name);
        if !path.is_file() {
            bail!("the build made no {}", path.display());
        }
    }
    Ok(())
}

fn given(variable: &str) -> Option<String> {
    env::var(environment_name(variable))
        .ok()
        .filter(|value| !value.is_empty())
}

fn environment_name(variable: &str) -> String {
    format!("SPIN_VARIABLE_{}", variable.to_ascii_uppercase())
}
