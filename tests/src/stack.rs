//! The whole in this process: a scripted model, the edge with the real components, the runner.
//!
//! Each stack has its own folder, its own ports and its own token.

use crate::{
    Client, Person,
    mailbox::Mailbox,
    spin::{self, Spin},
};
use edge_host::{Config, Host, Resolver, System};
use model_stub::scripted::ScriptedModel;
pub use sandbox_runner::sandboxes::Choice;
use sandbox_runner::{EdgeUrl, Runner, Token, mail::Carrier, sandboxes::Settings};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Where fixed ports are taken: no outgoing connection has its source there, so that a port can
/// be given up and taken again.
const FIXED: &str = "127.0.0.2:0";

/// A running stack.
pub struct Stack {
    /// The folder with all its state.
    pub state: State,
    /// What edge and runner tell each other by.
    pub token: String,
    model: Option<ScriptedModel>,
    model_address: SocketAddr,
    edge: Edge,
    runner: Option<Runner>,
    admin: SocketAddr,
    smtp: Option<SocketAddr>,
    sandboxes: Settings,
    /// Private addresses that edge and runner may reach besides.
    allowed: String,
}

/// The edge, in this process or under Spin.
enum Edge {
    Host(Host),
    Spin(SocketAddr, Spin),
}

impl Edge {
    /// Spin looks names up itself.
    async fn start(
        folder: PathBuf,
        variables: BTreeMap<String, String>,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        if let Some(binary) = spin::binary() {
            let address = free_address().await;
            let spin = Spin::start(&binary, &folder, address, variables).await;
            return Self::Spin(address, spin);
        }
        let mut config = Config::new(root().join("spin.toml"), folder);
        config.variables = variables;
        config.resolver = resolver;
        Self::Host(Host::start(config).await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Host(host) => host.address(),
            Self::Spin(address, _) => *address,
        }
    }

    async fn stop(self) {
        match self {
            Self::Host(host) => host.shutdown().await,
            Self::Spin(_, spin) => spin.stop().await,
        }
    }
}

/// A folder for a stack's state.
#[derive(Debug)]
pub struct State {
    folder: TempDir,
}

impl State {
    /// An empty one. What was compiled is shared with the other stacks of this build.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let edge = folder.path().join("edge");
        std::fs::create_dir(&edge).unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        let cache = target().join("tmp/end-to-end-cache");
        std::fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(cache, edge.join("cache")).unwrap();
        Self { folder }
    }

    /// The edge's folder.
    #[must_use]
    pub fn edge(&self) -> PathBuf {
        self.folder.path().join("edge")
    }

    /// The runner's folder.
    #[must_use]
    pub fn runner(&self) -> PathBuf {
        self.folder.path().join("runner")
    }

    /// What processes wrote to their logs, a file for each program.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// The application's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        let name = match spin::binary() {
            Some(_) => "sqlite_db.db",
            None => "sqlite.db",
        };
        self.edge().join(name)
    }

    /// A connection to the application's database, beside the edge's.
    #[must_use]
    pub fn sql(&self) -> rusqlite::Connection {
        let sql = rusqlite::Connection::open(self.database()).unwrap();
        sql.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        sql
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl Stack {
    /// A fresh stack, ready for requests.
    pub async fn start() -> Self {
        Self::start_in(State::new()).await
    }

    /// A stack on a state from before.
    pub async fn start_in(state: State) -> Self {
        Self::start_with(state, None).await
    }

    /// A stack whose mail goes to that SMTP server.
    pub async fn start_with(state: State, smtp: Option<SocketAddr>) -> Self {
        let mut stack = Self::without_runner(state).await;
        stack.smtp = smtp;
        stack.start_runner().await;
        let door = stack.door();
        door.wait_for_database().await;
        stack
    }

    /// A fresh stack that may reach a private address besides, and the mailbox of its users.
    pub async fn reaching(address: SocketAddr) -> (Self, Mailbox) {
        Self::resolving(address, Arc::new(System)).await
    }

    /// The same, where the edge has names looked up by `resolver`.
    pub async fn resolving(address: SocketAddr, resolver: Arc<dyn Resolver>) -> (Self, Mailbox) {
        let mailbox = Mailbox::start();
        let mut stack = Self::begin(State::new(), address.to_string(), resolver).await;
        stack.smtp = Some(mailbox.address);
        stack.start_runner().await;
        stack.door().wait_for_database().await;
        (stack, mailbox)
    }

    /// The model and the edge alone.
    pub async fn without_runner(state: State) -> Self {
        Self::begin(state, String::new(), Arc::new(System)).await
    }

    async fn begin(state: State, allowed: String, resolver: Arc<dyn Resolver>) -> Self {
        let model = ScriptedModel::start_on(listener().await).unwrap();
        let token = fresh_token();
        let admin = free_address().await;
        let mut variables = variables(&token, admin, &model.base_url());
        variables.insert("outbound_allow".to_owned(), allowed.clone());
        let edge = Edge::start(state.edge(), variables, resolver).await;
        Self {
            state,
            token,
            model_address: model.address(),
            model: Some(model),
            edge,
            runner: None,
            admin,
            smtp: None,
            sandboxes: sandboxes(Choice::Namespace),
            allowed,
        }
    }

    /// A fresh stack whose sandboxes are made by that backend, the mailbox of its users, and Ada,
    /// who is signed in.
    pub async fn sandboxed(backend: Choice) -> (Self, Mailbox, Person) {
        let mailbox = Mailbox::start();
        let mut stack = Self::without_runner(State::new()).await;
        stack.smtp = Some(mailbox.address);
        stack.sandboxes = sandboxes(backend);
        stack.start_runner().await;
        stack.door().wait_for_database().await;
        let ada = Person::sign_up(stack.door(), &mailbox, "ada").await;
        (stack, mailbox, ada)
    }

    /// Stops the runner in order and starts it again.
    pub async fn restart_runner(&mut self) {
        if let Some(runner) = self.runner.take() {
            runner.shutdown().await;
        }
        self.start_runner().await;
    }

    /// Sets the runner in front.
    pub async fn start_runner(&mut self) {
        let token = Token::parse(&self.token).unwrap();
        let edge = EdgeUrl::from(self.edge.address());
        let mut config = sandbox_runner::Config::local(edge, token, self.state.runner());
        config.admin_listen = self.admin;
        config.front_door.rate_limit = 0;
        config.sandboxes = self.sandboxes.clone();
        config.comfy.allowed = self.allowed.clone();
        if let Some(address) = self.smtp {
            config.mail.carrier = Carrier::Smtp(format!("smtp://{address}").into());
        }
        self.runner = Some(Runner::start(config).await.unwrap());
    }

    /// Asks the front door, as everybody does.
    #[must_use]
    pub fn door(&self) -> Client {
        let address = self.runner.as_ref().unwrap().front_door_addr();
        Client { address }
    }

    /// Where previews of what runs in sandboxes are.
    #[must_use]
    pub fn previews(&self) -> Client {
        let address = self.runner.as_ref().unwrap().preview_addr();
        Client { address }
    }

    /// Asks the edge, past the runner.
    #[must_use]
    pub fn edge(&self) -> Client {
        let address = self.edge.address();
        Client { address }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &ScriptedModel {
        self.model.as_ref().unwrap()
    }

    /// Kills the model as `kill -9` would.
    pub async fn kill_model(&mut self) {
        self.model.take().unwrap().kill().await;
    }

    /// Starts another model where the killed one was.
    pub async fn restart_model(&mut self) {
        let listener = TcpListener::bind(self.model_address).await.unwrap();
        self.model = Some(ScriptedModel::start_on(listener).unwrap());
    }

    /// Stops every part; the state is left.
    pub async fn stop(mut self) -> State {
        if let Some(runner) = self.runner.take() {
            runner.shutdown().await;
        }
        self.edge.stop().await;
        self.state
    }
}

/// How sandboxes are made in tests.
fn sandboxes(backend: Choice) -> Settings {
    Settings {
        backend,
        image: "atelier-sandbox:test".to_owned(),
        engine: engine(),
        init: std::env::var_os("ATELIER_SANDBOX_INIT").map(PathBuf::from),
        pool: 0,
        ..Settings::default()
    }
}

/// The container engine of the tests, where there is one.
fn engine() -> Option<String> {
    std::env::var("ATELIER_DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())
}

/// The backends that can be tried here. Where there is no container engine it is said.
#[must_use]
pub fn backends() -> Vec<Choice> {
    if engine().is_some() {
        return vec![Choice::Namespace, Choice::Docker];
    }
    eprintln!("SKIPPED for containers: ATELIER_DOCKER_HOST names no engine");
    vec![Choice::Namespace]
}

/// The application's variables for such a stack.
#[must_use]
pub fn variables(token: &str, admin: SocketAddr, model: &str) -> BTreeMap<String, String> {
    [
        ("runner_token", token.to_owned()),
        (
            "jwt_secret",
            format!("a secret of 32 bytes at least: {token}"),
        ),
        ("runner_url", format!("http://{admin}")),
        ("llm_base_url", model.to_owned()),
        // A title is asked of the model, which would eat an answer of the script.
        ("session_titles", "false".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A secret that nobody else has.
#[must_use]
pub fn fresh_token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let random = RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed));
    format!("token-of-one-test-{random:016x}")
}

/// An address that nobody listens on.
pub async fn free_address() -> SocketAddr {
    listener().await.local_addr().unwrap()
}

/// Takes a port that can be taken again later.
pub async fn listener() -> TcpListener {
    TcpListener::bind(FIXED).await.unwrap()
}

/// The project's folder.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder that this was built in.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}
