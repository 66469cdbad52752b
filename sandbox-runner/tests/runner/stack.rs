//! A runner with a folder of its own.

use sandbox_runner::{Config, Runner, Token};
use std::net::SocketAddr;
use tempfile::TempDir;

pub(crate) const TOKEN: &str = "a-token-that-only-tests-know";

pub(crate) struct Stack {
    pub(crate) runner: Runner,
    pub(crate) state: TempDir,
}

impl Stack {
    /// A runner in front of `edge`, as `change` wants it.
    pub(crate) async fn start(edge: SocketAddr, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), edge, change).await
    }

    /// The same with a state folder from before.
    pub(crate) async fn start_in(
        state: TempDir,
        edge: SocketAddr,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let token = Token::parse(TOKEN).unwrap();
        let mut config = Config::local(edge.into(), token, state.path().to_owned());
        config.front_door.rate_limit = 0;
        change(&mut config);
        Self {
            runner: Runner::start(config).await.unwrap(),
            state,
        }
    }

    pub(crate) fn door(&self) -> SocketAddr {
        self.runner.front_door_addr()
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.runner.admin_addr()
    }
}

/// An address where nobody listens, and no other test will: a socket has it until the process
/// ends. Who asks for this very address may listen there all the same.
#[allow(
    clippy::unused_async,
    reason = "a socket of tokio's is made within its runtime"
)]
pub(crate) async fn nowhere() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    HELD.lock().unwrap().push(socket);
    address
}

/// What keeps the addresses of [`nowhere`].
static HELD: std::sync::Mutex<Vec<tokio::net::TcpSocket>> = std::sync::Mutex::new(Vec::new());
