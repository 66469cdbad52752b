//! The same stack as processes, to be killed and started again.
//!
//! The binaries are in the folder that `ATELIER_BIN_DIR` names, else beside the tests' own.

use crate::{
    Client, Person, person,
    spin::{self, Spin},
    stack::{self, State},
};
use model_stub::scripted::ScriptedModel;
use std::{net::SocketAddr, path::PathBuf, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The first administrator, who can sign in without a mail server.
const ADMINISTRATOR: [(&str, &str); 3] = [
    ("admin_username", "admin"),
    ("admin_email", "admin@example.org"),
    ("admin_password", person::PASSWORD),
];

/// The stack: its parts listen where they did before when they are started again.
pub struct Processes {
    /// The model that it asks, in this process.
    pub model: ScriptedModel,
    /// The folder with all its state.
    pub state: State,
    edge: Edge,
    /// The `sandbox-runner` process.
    pub runner: Child,
    /// Where the edge asks for models.
    models: String,
    token: String,
    addresses: Addresses,
}

/// The edge's process.
enum Edge {
    Host(Child),
    Spin(Spin),
}

#[derive(Clone, Copy)]
struct Addresses {
    edge: SocketAddr,
    door: SocketAddr,
    admin: SocketAddr,
    previews: SocketAddr,
}

impl Processes {
    /// A fresh stack, ready for requests.
    pub async fn start() -> Self {
        let model = ScriptedModel::start().await.unwrap();
        let models = model.base_url();
        Self::start_asking(model, models).await
    }

    /// The same with something in front of the model, which the edge asks at the base URL `models`.
    pub async fn start_asking(model: ScriptedModel, models: String) -> Self {
        let (state, token) = (State::new(), stack::fresh_token());
        let addresses = Addresses {
            edge: stack::free_address().await,
            door: stack::free_address().await,
            admin: stack::free_address().await,
            previews: stack::free_address().await,
        };
        let edge = edge(&state, &token, addresses, &models).await;
        let runner = runner(&state, &token, addresses).await;
        let address = addresses.door;
        Client { address }.wait_for_database().await;
        Self {
            model,
            state,
            edge,
            runner,
            models,
            token,
            addresses,
        }
    }

    /// Asks the front door.
    #[must_use]
    pub fn door(&self) -> Client {
        Client {
            address: self.addresses.door,
        }
    }

    /// Somebody who is signed in.
    pub async fn administrator(&self) -> Person {
        Person::sign_in(self.door(), "admin@example.org").await
    }

    /// Asks the edge, past the runner.
    #[must_use]
    pub fn edge(&self) -> Client {
        Client {
            address: self.addresses.edge,
        }
    }

    /// Kills the edge with SIGKILL.
    pub async fn kill_edge(&mut self) {
        match &mut self.edge {
            Edge::Host(child) => child.kill().await.unwrap(),
            Edge::Spin(spin) => spin.kill().await,
        }
    }

    /// Starts the edge again, on what the killed one left.
    pub async fn restart_edge(&mut self) {
        self.edge = edge(&self.state, &self.token, self.addresses, &self.models).await;
    }

    /// Kills both; the state is left.
    pub async fn stop(mut self) -> State {
        self.runner.kill().await.unwrap();
        self.kill_edge().await;
        self.state
    }

    /// Kills the runner with SIGKILL and starts it again, on what the killed one left.
    pub async fn kill_and_restart_runner(&mut self) {
        self.runner.kill().await.unwrap();
        self.runner = runner(&self.state, &self.token, self.addresses).await;
    }
}

async fn edge(state: &State, token: &str, at: Addresses, models: &str) -> Edge {
    let mut variables = stack::variables(token, at.admin, models);
    for (name, value) in ADMINISTRATOR {
        variables.insert(name.to_owned(), value.to_owned());
    }
    if let Some(binary) = spin::binary() {
        let folder = state.edge();
        return Edge::Spin(Spin::start(&binary, &folder, at.edge, variables).await);
    }
    let variables = variables
        .into_iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
    let mut command = binary("edge-host", state);
    command
        .args(["--listen", &at.edge.to_string(), "--manifest"])
        .arg(stack::root().join("spin.toml"))
        .arg("--state")
        .arg(state.edge())
        .envs(variables);
    Edge::Host(ready(command, 1).await)
}

async fn runner(state: &State, token: &str, at: Addresses) -> Child {
    let mut command = binary("sandbox-runner", state);
    command
        .env("RUNNER_LISTEN", at.door.to_string())
        .env("RUNNER_ADMIN_LISTEN", at.admin.to_string())
        .env("RUNNER_EDGE_URL", format!("http://{}", at.edge))
        .env("RUNNER_TOKEN", token)
        .env("RUNNER_STATE", state.runner())
        .env("RUNNER_PREVIEW_LISTEN", at.previews.to_string())
        .env("RUNNER_SANDBOX", "namespace")
        .env("RUNNER_SANDBOX_POOL", "0")
        .env("RUNNER_RATE_LIMIT", "0");
    if let Some(init) = std::env::var_os("ATELIER_SANDBOX_INIT") {
        command.env("RUNNER_SANDBOX_INIT", init);
    }
    ready(command, 3).await
}

fn binary(name: &str, state: &State) -> Command {
    let folder = std::env::var_os("ATELIER_BIN_DIR").map_or_else(
        || {
            let program = std::env::current_exe().unwrap();
            program.ancestors().nth(2).unwrap().to_owned()
        },
        PathBuf::from,
    );
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo xtask build`",
        path.display()
    );
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(state.logs().join(name));
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("RUST_LOG", "info,edge_host=debug,sandbox_runner=debug")
        .arg("--stop-on-stdin-eof")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.unwrap())
        .kill_on_drop(true);
    command
}

/// Starts a process; returns when it said so many times that it listens.
async fn ready(mut command: Command, listeners: usize) -> Child {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for _ in 0..listeners {
        let line = lines.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("{command:?} ended"));
        assert!(line.starts_with("listening on http://"), "{line}");
    }
    child
}
