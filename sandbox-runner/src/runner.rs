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
    room_keeping,
    sockets::{self, Logins, Sockets},
};
use hyper_util::service::TowerToHyperService;
use rooms::Rooms;
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// Connections to the runner's own interface at a time.
const ADMIN_CONNECTIONS: usize = 1024;

/// A runner that serves until [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Runner {
    front_door: SocketAddr,
    admin: SocketAddr,
    rooms: Rooms,
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
        let drain = Drain::default();
        let metrics = Arc::new(Metrics::default());
        let edge_state = Arc::new(EdgeState::default());
        let edge = Arc::new(Edge::new(&config)?);
        let mail = Mail::start(&config.mail, &config.state, &drain).await?;
        let rooms = room_keeping::open(&config).await?;
        let logins = Arc::new(Logins::default());
        let door = Arc::new(FrontDoor::new(
            &config,
            edge_state.clone(),
            metrics.clone(),
            Sockets::new(
                rooms.clone(),
                edge.clone(),
                logins.clone(),
                config.sockets.clone(),
                drain.clone(),
            ),
        )?);
        let admin = Arc::new(Admin {
            token: config.token.clone(),
            started: Instant::now(),
            edge: edge.clone(),
            edge_state: edge_state.clone(),
            mail,
            metrics,
            rooms: rooms.clone(),
        });
        let runner = Self {
            front_door: address_of(&front_door, config.listen),
            admin: address_of(&admin_listener, config.admin_listen),
            rooms: rooms.clone(),
            drain,
            limit: config.drain,
        };
        runner.drain.spawn(edge::keep_swept(
            edge.clone(),
            runner.drain.clone(),
            config.sweep,
        ));
        runner.drain.spawn(sockets::keep_checked(
            logins,
            edge.clone(),
            config.sockets.clone(),
            runner.drain.clone(),
        ));
        runner.drain.spawn(room_keeping::keep_swept(
            rooms,
            runner.drain.clone(),
            config.sockets.sweep,
        ));
        runner
            .drain
            .spawn(edge::keep_migrated(edge, edge_state, runner.drain.clone()));
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

    /// Takes no new work, waits for what is under way as long as the configuration allows, and
    /// cuts off the rest. Returns whether nothing had to be cut off.
    pub async fn shutdown(self) -> bool {
        let in_time = self.drain.finish(self.limit).await;
        room_keeping::close(&self.rooms).await;
        in_time
    }

    fn serve_front_door(&self, listener: TcpListener, door: Arc<FrontDoor>, config: &Config) {
        let settings = &config.front_door;
        let limits = Limits {
            connections: settings.connections,
            head: settings.head_timeout,
        };
        let service_for = move |peer, cut| Visitor::new(door.clone(), peer, cut);
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
        let service_for = move |_, _| TowerToHyperService::new(router.clone());
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
