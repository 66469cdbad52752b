//! A runner from start to stop.

use crate::{
    admin::{self, Admin},
    blobs::Blobs,
    comfy::Comfy,
    config::Config,
    drain::Drain,
    edge::{self, Edge, EdgeState},
    front_door::{FrontDoor, Visitor},
    listener::{self, Limits, ListenError},
    mail::{Mail, MailError},
    metrics::Metrics,
    previews::{self, Previews, Published},
    room_keeping,
    runs::{self, Runs},
    sandboxes::{self, SessionSandboxes},
    sockets::{self, Logins, Sockets},
};
use hyper_util::service::TowerToHyperService;
use rooms::Rooms;
use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// Connections to the runner's own interface at a time.
const ADMIN_CONNECTIONS: usize = 1024;

/// Connections to previews at a time.
const PREVIEW_CONNECTIONS: usize = 1024;

/// A runner that serves until [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Runner {
    front_door: SocketAddr,
    admin: SocketAddr,
    previews: SocketAddr,
    parts: Parts,
    drain: Drain,
    limit: Duration,
}

/// Why a runner does not start. Each is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The state folder is of no use.
    #[error("cannot write to the state folder {}", folder.display())]
    State {
        /// The folder that was asked for.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The rooms' folder is of no use.
    #[error(transparent)]
    Rooms(#[from] rooms::OpenError),
    /// A pattern of the private addresses that may be connected to cannot be read.
    #[error(transparent)]
    Outbound(#[from] outbound::PolicyError),
    /// Mail could not be set up.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The token or the edge's address cannot be sent in a header.
    #[error("the token or the edge's address cannot be sent in a header")]
    Header(#[from] http::header::InvalidHeaderValue),
}

impl Runner {
    /// Opens the listeners, takes up what an earlier runner left, and starts to serve.
    ///
    /// # Errors
    /// A listener is taken, the state folder is not writable, or the mail settings are wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let front_door = listener::open(config.listen, "front door").await?;
        let admin = listener::open(config.admin_listen, "admin").await?;
        let previews = listener::open(config.preview_listen, "previews").await?;
        make_state(&config).await?;
        let drain = Drain::default();
        let previews_at = address_of(&previews, config.preview_listen);
        let parts = Parts::assemble(&config, previews_at, &drain).await?;
        let runner = Self {
            front_door: address_of(&front_door, config.listen),
            admin: address_of(&admin, config.admin_listen),
            previews: previews_at,
            parts,
            drain,
            limit: config.drain,
        };
        runner.keep_up(&config);
        let door = Arc::new(runner.parts.front_door(&config, &runner.drain)?);
        runner.serve_front_door(front_door, door, &config);
        runner.serve_admin(admin, runner.parts.admin(&config, &runner.drain)?, &config);
        runner.serve_previews(previews, &config);
        Ok(runner)
    }

    /// Where the front door listens.
    #[must_use]
    pub fn front_door_addr(&self) -> SocketAddr {
        self.front_door
    }

    /// Where the runner's own interface listens.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// Where previews listen.
    #[must_use]
    pub fn preview_addr(&self) -> SocketAddr {
        self.previews
    }

    /// Takes no new work, waits for what is under way as long as the configuration allows, and
    /// cuts off the rest. Returns whether nothing had to be cut off.
    pub async fn shutdown(self) -> bool {
        let in_time = self.drain.finish(self.limit).await;
        room_keeping::close(&self.parts.rooms).await;
        if let Err(error) = self.parts.sandboxes.shutdown().await {
            let error = &error as &dyn StdError;
            tracing::error!(error, "the times of last uses are not stored");
        }
        in_time
    }

    /// What is done from time to time.
    fn keep_up(&self, config: &Config) {
        let parts = &self.parts;
        let (edge, drain) = (&parts.edge, &self.drain);
        let sweeps = edge::SWEEPS.map(|path| (path, config.sweep));
        for (path, period) in sweeps
            .into_iter()
            .chain([(edge::PROBE_SERVICES, config.probe)])
        {
            drain.spawn(edge::keep_asked(edge.clone(), path, drain.clone(), period));
        }
        drain.spawn(edge::keep_migrated(
            edge.clone(),
            parts.edge_state.clone(),
            drain.clone(),
        ));
        drain.spawn(sockets::keep_checked(
            parts.logins.clone(),
            edge.clone(),
            config.sockets.clone(),
            drain.clone(),
        ));
        drain.spawn(room_keeping::keep_swept(
            parts.rooms.clone(),
            drain.clone(),
            config.sockets.sweep,
        ));
        drain.spawn(runs::keep_driven(
            parts.runs.clone(),
            edge.clone(),
            drain.clone(),
        ));
        drain.spawn(sandboxes::keep_owned(
            parts.sandboxes.clone(),
            parts.rooms.clone(),
            edge.clone(),
            drain.clone(),
            config.gone_sessions,
        ));
    }

    fn serve_front_door(&self, listener: TcpListener, door: Arc<FrontDoor>, config: &Config) {
        let limits = limits(config, config.front_door.connections);
        let service_for = move |peer, cut| Visitor::new(door.clone(), peer, cut);
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
    }

    fn serve_previews(&self, listener: TcpListener, config: &Config) {
        let limits = limits(config, PREVIEW_CONNECTIONS);
        let visitor = previews::Visitor(self.parts.previews.clone());
        let service_for = move |_, _| visitor.clone();
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
    }

    fn serve_admin(&self, listener: TcpListener, admin: Arc<Admin>, config: &Config) {
        let limits = Limits {
            // All of them are the edge's.
            per_address: 0,
            ..limits(config, ADMIN_CONNECTIONS)
        };
        let router = admin::router(admin);
        let service_for = move |_, _| TowerToHyperService::new(router.clone());
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
    }
}

/// What a listener for strangers allows that has so many connections.
fn limits(config: &Config, connections: usize) -> Limits {
    let settings = &config.front_door;
    Limits {
        connections,
        per_address: settings.connections_per_address,
        proxies: settings.trusted_proxies.clone(),
        head: settings.head_timeout,
        unread: settings.unread,
    }
}

/// What the listeners share.
#[derive(Debug)]
struct Parts {
    metrics: Arc<Metrics>,
    edge: Arc<Edge>,
    edge_state: Arc<EdgeState>,
    mail: Mail,
    rooms: Rooms,
    runs: Runs,
    logins: Arc<Logins>,
    sandboxes: Arc<SessionSandboxes>,
    previews: Arc<Previews>,
}

impl Parts {
    async fn assemble(
        config: &Config,
        previews_at: SocketAddr,
        drain: &Drain,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let edge = Arc::new(Edge::new(config)?);
        let mail = Mail::start(&config.mail, &config.state, drain).await?;
        let rooms = room_keeping::open(config).await?;
        let started = sandboxes::start(
            &config.sandboxes,
            &config.state,
            &rooms,
            metrics.clone(),
            drain,
        );
        let (sandboxes, relay) = started.await.map_err(|source| StartError::State {
            folder: config.state.clone(),
            source,
        })?;
        let previews = Arc::new(Previews::new(
            &config.previews,
            previews_at.port(),
            &config.token,
            relay.clone(),
            drain.clone(),
        ));
        let runs = Runs::new(
            config.runs.clone(),
            edge.clone(),
            rooms.clone(),
            metrics.clone(),
            drain.clone(),
        );
        let published = Arc::new(Published::new(relay, drain.clone()));
        sandboxes.show_through(previews.clone(), published, drain);
        Ok(Self {
            metrics,
            edge,
            edge_state: Arc::default(),
            mail,
            rooms,
            runs,
            logins: Arc::default(),
            sandboxes,
            previews,
        })
    }

    fn front_door(&self, config: &Config, drain: &Drain) -> Result<FrontDoor, StartError> {
        let sockets = Sockets::new(
            self.rooms.clone(),
            self.edge.clone(),
            self.logins.clone(),
            config.sockets.clone(),
            drain.clone(),
        );
        let (edge, metrics) = (self.edge_state.clone(), self.metrics.clone());
        Ok(FrontDoor::new(config, edge, metrics, sockets)?)
    }

    fn admin(&self, config: &Config, drain: &Drain) -> Result<Arc<Admin>, StartError> {
        Ok(Arc::new(Admin {
            token: config.token.clone(),
            started: Instant::now(),
            edge: self.edge.clone(),
            edge_state: self.edge_state.clone(),
            mail: self.mail.clone(),
            metrics: self.metrics.clone(),
            rooms: self.rooms.clone(),
            runs: self.runs.clone(),
            sandboxes: self.sandboxes.clone(),
            blobs: Blobs::in_state(&config.state),
            comfy: Comfy::new(config.comfy.clone(), drain.clone())?,
        }))
    }
}

/// Makes the state folder, for the runner alone, and sees that it can be written to.
async fn make_state(config: &Config) -> Result<(), StartError> {
    let folder = config.state.clone();
    let made = tokio::task::spawn_blocking(move || {
        crate::disk::make_private(&folder)?;
        crate::disk::write_whole(&folder, ".writable", b"")
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)));
    made.map_err(|source| StartError::State {
        folder: config.state.clone(),
        source,
    })
}

fn address_of(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}
