//! Flags and environment of the binary.

mod sandbox;

use anyhow::Context as _;
use clap::Parser;
use ipnet::IpNet;
use origins::Origins;
use sandbox::SandboxFlags;
use sandbox_runner::{
    Config, EdgeUrl, Token, front_door, mail,
    previews::{self, PreviewUrl},
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The native companion of the edge: front door, sandboxes, rooms, mail.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// Where the front door listens, for everybody.
    #[arg(
        long,
        env = "RUNNER_LISTEN",
        default_value = "127.0.0.1:8787",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,

    /// Where the runner's own interface (/v1/*, /metrics) listens, for the edge and the
    /// operator. Never expose it.
    #[arg(
        long,
        env = "RUNNER_ADMIN_LISTEN",
        default_value = "127.0.0.1:8788",
        value_name = "ADDRESS"
    )]
    admin_listen: SocketAddr,

    /// Where the edge is: http://HOST:PORT.
    #[arg(
        long,
        env = "RUNNER_EDGE_URL",
        default_value = "http://127.0.0.1:3000",
        value_name = "URL"
    )]
    edge_url: EdgeUrl,

    /// The secret that the edge knows as its variable runner_token, 16 characters or more.
    /// Better set in the environment than as a flag, which other users of the machine can see.
    #[arg(
        long,
        env = "RUNNER_TOKEN",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    token: Option<String>,

    /// Where previews of what runs in sandboxes listen: host names of their own, never the
    /// platform's origin.
    #[arg(
        long,
        env = "RUNNER_PREVIEW_LISTEN",
        default_value = "127.0.0.1:8789",
        value_name = "ADDRESS"
    )]
    preview_listen: SocketAddr,

    /// Where browsers open previews: http://*.HOST:PORT or https://*.HOST, with a name for each
    /// in the place of the star [default: http://*.localhost and the listener's port]
    #[arg(long, env = "RUNNER_PREVIEW_URL", value_name = "URL")]
    preview_url: Option<PreviewUrl>,

    /// Ports of a sandbox that previews may show.
    #[arg(
        long,
        env = "RUNNER_PREVIEW_PORTS",
        value_delimiter = ',',
        default_value = "3000,4173,4200,5000,5173,8000,8080,8888",
        value_name = "PORTS"
    )]
    preview_ports: Vec<u16>,

    #[command(flatten)]
    sandbox: SandboxFlags,

    /// The folder that holds what must survive a restart.
    #[arg(
        long,
        env = "RUNNER_STATE",
        default_value = ".atelier/runner",
        value_name = "FOLDER"
    )]
    state: PathBuf,

    /// The SMTP server that mail goes to: smtp://HOST, smtps://USER:PASSWORD@HOST or
    /// smtp://USER:PASSWORD@HOST?tls=required. Without one, mail goes to the outbox.
    #[arg(
        long,
        env = "RUNNER_SMTP_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    smtp_url: Option<String>,

    /// Whom mail is from: ADDRESS or "NAME <ADDRESS>". Needed with an SMTP server.
    #[arg(long, env = "RUNNER_MAIL_FROM", value_name = "SENDER")]
    mail_from: Option<String>,

    /// The folder that mail is written to, as .eml files, when there is no SMTP server
    /// [default: outbox in the state folder]
    #[arg(long, env = "RUNNER_OUTBOX", value_name = "FOLDER")]
    outbox: Option<PathBuf>,

    /// Requests that one address may send in a minute; 0 for no limit.
    #[arg(
        long,
        env = "RUNNER_RATE_LIMIT",
        default_value_t = 6000,
        value_name = "REQUESTS"
    )]
    rate_limit: u32,

    /// Connections that the front door holds at a time.
    #[arg(
        long,
        env = "RUNNER_MAX_CONNECTIONS",
        default_value_t = 4096,
        value_name = "NUMBER"
    )]
    max_connections: usize,

    /// Connections that one address may have at a time, to the front door and to previews each; 0
    /// for no limit. This machine and trusted proxies are not counted.
    #[arg(
        long,
        env = "RUNNER_CONNECTIONS_PER_ADDRESS",
        default_value_t = 512,
        value_name = "NUMBER"
    )]
    connections_per_address: usize,

    /// Requests of one address that are answered at a time; 0 for no limit. This machine and
    /// trusted proxies are not counted, nor are sockets and event streams.
    #[arg(
        long,
        env = "RUNNER_REQUESTS_PER_ADDRESS",
        default_value_t = front_door::Settings::default().requests_per_address,
        value_name = "NUMBER"
    )]
    requests_per_address: usize,

    /// Sockets and event streams that the front door holds at a time, besides connections. Each
    /// needs a file descriptor, so `ulimit -n` must be higher.
    #[arg(
        long,
        env = "RUNNER_MAX_SOCKETS",
        default_value_t = 8192,
        value_name = "NUMBER"
    )]
    max_sockets: usize,

    /// Sockets and event streams that one session may have.
    #[arg(
        long,
        env = "RUNNER_SOCKETS_PER_SESSION",
        default_value_t = 256,
        value_name = "NUMBER"
    )]
    sockets_per_session: u32,

    /// Sockets and event streams that one user may have.
    #[arg(
        long,
        env = "RUNNER_SOCKETS_PER_USER",
        default_value_t = 128,
        value_name = "NUMBER"
    )]
    sockets_per_user: u32,

    /// Sockets that one coding session may have.
    #[arg(
        long,
        env = "RUNNER_CODEX_SOCKETS_PER_SESSION",
        default_value_t = 64,
        value_name = "NUMBER"
    )]
    codex_sockets_per_session: u32,

    /// Runs that are executed at a time, of all users together.
    #[arg(
        long,
        env = "RUNNER_RUNS",
        default_value_t = 192,
        value_name = "NUMBER"
    )]
    runs: usize,

    /// Runs of one user that are executed at a time.
    #[arg(
        long,
        env = "RUNNER_RUNS_PER_USER",
        default_value_t = 64,
        value_name = "NUMBER"
    )]
    runs_per_user: usize,

    /// How long the edge may take to begin an answer, in seconds. It begins that to a turn of
    /// agents, if it is not streamed, when the turn has ended.
    #[arg(
        long,
        env = "RUNNER_ANSWER_TIMEOUT",
        default_value_t = front_door::Settings::default().answer_timeout.as_secs(),
        value_name = "SECONDS"
    )]
    answer_timeout: u64,

    /// How often the edge is asked whether the ComfyUI services are there, in seconds; 0 for never.
    #[arg(
        long,
        env = "RUNNER_PROBE_SERVICES",
        default_value_t = 60,
        value_name = "SECONDS"
    )]
    probe_services: u64,

    /// Addresses or networks of proxies in front of the front door, whose X-Forwarded-* headers
    /// are believed.
    #[arg(
        long,
        env = "RUNNER_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORKS"
    )]
    trusted_proxies: Vec<String>,

    /// Origins of pages that may read the front door's own answers, as the edge's variable
    /// cors_origins lists them [default: any where the front door listens on loopback, else none]
    #[arg(
        long,
        env = "RUNNER_ORIGINS",
        default_value = "",
        hide_default_value = true,
        value_name = "ORIGINS"
    )]
    origins: String,

    /// Private addresses of ComfyUI services that may be listened to, as the edge's variable
    /// outbound_allow lists them: HOST:PORT; * is any port, *.example.org any subdomain.
    #[arg(
        long,
        env = "RUNNER_OUTBOUND_ALLOW",
        default_value = "",
        hide_default_value = true,
        value_name = "PATTERNS"
    )]
    outbound_allow: String,

    /// Stop when standard input is closed, as when the parent process has died.
    #[arg(long)]
    pub(crate) stop_on_stdin_eof: bool,
}

impl Cli {
    /// What the runner is told.
    pub(crate) fn into_config(self) -> anyhow::Result<Config> {
        let token = self
            .token
            .as_deref()
            .filter(|token| !token.is_empty())
            .context(
                "RUNNER_TOKEN is not set: it is the secret that the edge knows as runner_token",
            )?;
        let token = Token::parse(token).context("RUNNER_TOKEN")?;
        let mut config = Config::local(self.edge_url, token, self.state);
        config.listen = self.listen;
        config.admin_listen = self.admin_listen;
        config.preview_listen = self.preview_listen;
        config.previews = previews::Settings {
            url: self.preview_url,
            ports: self.preview_ports,
        };
        config.sandboxes = self.sandbox.into_settings()?;
        config.front_door = front_door::Settings {
            rate_limit: self.rate_limit,
            connections: self.max_connections,
            connections_per_address: self.connections_per_address,
            requests_per_address: self.requests_per_address,
            answer_timeout: Duration::from_secs(self.answer_timeout),
            trusted_proxies: networks(&self.trusted_proxies)?,
            origins: origins(&self.origins, self.listen)?,
            ..front_door::Settings::default()
        };
        config.probe = Duration::from_secs(self.probe_services);
        config.comfy.allowed = self.outbound_allow;
        config.sockets.connections = self.max_sockets;
        config.runs.at_once = self.runs;
        config.runs.of_user = self.runs_per_user;
        config.sockets.codex_per_session = self.codex_sockets_per_session;
        config.rooms.readers_per_room = self.sockets_per_session;
        config.rooms.readers_per_user = self.sockets_per_user;
        if let Some(outbox) = self.outbox {
            config.mail.carrier = mail::Carrier::Outbox(outbox);
        }
        if let Some(from) = &self.mail_from {
            config.mail.from.clone_from(from);
        }
        if let Some(url) = self.smtp_url.filter(|url| !url.is_empty()) {
            self.mail_from.context(
                "RUNNER_MAIL_FROM is not set: with RUNNER_SMTP_URL, mail needs a sender",
            )?;
            config.mail.carrier = mail::Carrier::Smtp(url.into());
        }
        Ok(config)
    }
}

fn origins(list: &str, listen: SocketAddr) -> anyhow::Result<Origins> {
    match Origins::parse(list).context("RUNNER_ORIGINS")? {
        Origins::Nobody if listen.ip().is_loopback() => Ok(Origins::Anybody),
        origins => Ok(origins),
    }
}

fn networks(list: &[String]) -> anyhow::Result<Vec<IpNet>> {
    let written = list
        .iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty());
    written
        .map(|item| {
            let single = item.parse::<std::net::IpAddr>().map(IpNet::from);
            let network = item.parse::<IpNet>().ok().or(single.ok());
            network
                .with_context(|| format!("RUNNER_TRUSTED_PROXIES: {item} is no address or network"))
        })
        .collect()
}
