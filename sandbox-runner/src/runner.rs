//! A runner from start to stop.

use crate::{
    admin::{self, Admin},
    config::Config,
    drain::Drain,
    edge::{self, Edge, EdgeState},
    front_door::{FrontDoor, Visitor},
    listener::{self, Limits, ListenError},
    mail::{Mail, MailError},
    metrics::Metrics,
    previews::{self, Previews, Published},
    sandboxes::{self, SessionSandboxes},
};
use hyper_util::service::TowerToHyperService;
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
    sandboxes: Arc<SessionSandboxes>,
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
    /// Mail could not be set up.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The token or the edge's address cannot be sent in a header.
    #[error("the token or the edge's address cannot be sent in a header")]
    Header(#[from] http::header::InvalidHeaderValue),
}

impl Runner {
    /// Opens both listeners, takes up the mail queue and starts to serve.
    ///
    /// # Errors
    /// A listener is taken, the state folder is not writable, or the mail settings are wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let front_door = listener::open(config.listen, "front door").await?;
        let admin_listener = listener::open(config.admin_listen, "admin").await?;
        make_state(&config).await?;
        let preview_listener = listener::open(config.preview_listen, "previews").await?;
        let drain = Drain::default();
        let metrics = Arc::new(Metrics::default());
        let edge_state = Arc::new(EdgeState::default());
        let edge = Arc::new(Edge::new(&config)?);
        let mail = Mail::start(&config.mail, &config.state, &drain).await?;
        let rooms = open_rooms(&config)?;
        let (sandboxes, relay) = sandboxes::start(&config.sandboxes, &config.state, &rooms, &drain)
            .await
            .map_err(state_fault(&config))?;
        let previews_at = address_of(&preview_listener, config.preview_listen);
        let previews = Arc::new(Previews::new(
            &config.previews,
            previews_at.port(),
            &config.token,
            relay.clone(),
            drain.clone(),
        ));
        sandboxes.show_through(previews.clone(), Published::new(relay, drain.clone()));
        let door = Arc::new(FrontDoor::new(
            &config,
            edge_state.clone(),
            metrics.clone(),
        )?);
        let admin = Arc::new(Admin {
            token: config.token.clone(),
            started: Instant::now(),
            edge: edge.clone(),
            edge_state: edge_state.clone(),
            mail,
            metrics,
            sandboxes: sandboxes.clone(),
        });
        let runner = Self {
            front_door: address_of(&front_door, config.listen),
            admin: address_of(&admin_listener, config.admin_listen),
            previews: previews_at,
            sandboxes: sandboxes.clone(),
            drain,
            limit: config.drain,
        };
        runner.drain.spawn(edge::keep_swept(
            edge.clone(),
            runner.drain.clone(),
            config.sweep,
        ));
        runner
            .drain
            .spawn(edge::keep_migrated(edge.clone(), edge_state, runner.drain.clone()));
        let owned = sandboxes::keep_owned(sandboxes, edge, runner.drain.clone());
        runner.drain.spawn(owned);
        runner.serve_previews(preview_listener, previews, &config);
        runner.serve_front_door(front_door, door, &config);
        runner.serve_admin(admin_listener, admin, &config);
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
        if let Err(error) = self.sandboxes.shutdown().await {
            let error = &error as &dyn StdError;
            tracing::error!(error, "the times of last uses are not stored");
        }
        in_time
    }

    fn serve_front_door(&self, listener: TcpListener, door: Arc<FrontDoor>, config: &Config) {
        let settings = &config.front_door;
        let limits = Limits {
            connections: settings.connections,
            head: settings.head_timeout,
        };
        let service_for = move |peer| Visitor::new(door.clone(), peer);
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
    }

    fn serve_previews(&self, listener: TcpListener, previews: Arc<Previews>, config: &Config) {
        let settings = &config.front_door;
        let limits = Limits {
            connections: PREVIEW_CONNECTIONS,
            head: settings.head_timeout,
        };
        let visitor = previews::Visitor(previews);
        let service_for = move |_| visitor.clone();
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
    }

    fn serve_admin(&self, listener: TcpListener, admin: Arc<Admin>, config: &Config) {
        let head = config.front_door.head_timeout;
        let limits = Limits {
            connections: ADMIN_CONNECTIONS,
            head,
        };
        let router = admin::router(admin);
        let service_for = move |_| TowerToHyperService::new(router.clone());
        self.drain.spawn(listener::serve(
            listener,
            limits,
            self.drain.clone(),
            service_for,
        ));
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
