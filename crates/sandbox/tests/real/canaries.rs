//! What an attack would reach if it got out: things of the host that tell when they are touched.

use std::{
    fs,
    io::ErrorKind,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    path::Path,
    process::{Child, Command},
};
use uuid::Uuid;

/// They are there until they are dropped.
pub(crate) struct Canaries {
    secret: String,
    process: Child,
    loopback: TcpListener,
    everywhere: TcpListener,
    path: UnixListener,
    abstracted: UnixListener,
    /// What stands for them in a script.
    names: Vec<(&'static str, String)>,
}

impl Canaries {
    pub(crate) fn new(state: &Path) -> Self {
        let secret = Uuid::new_v4().simple().to_string();
        fs::write(state.join("canary"), &secret).unwrap();
        // The attack looks for it by a number that it does not have in its own command line.
        let process = Command::new("sleep").arg("987654321").spawn().unwrap();
        let loopback = TcpListener::bind("127.0.0.1:0").unwrap();
        let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
        let socket = state.join("canary.sock");
        let path = UnixListener::bind(&socket).unwrap();
        let name = SocketAddr::from_abstract_name(&secret).unwrap();
        let abstracted = UnixListener::bind_addr(&name).unwrap();
        for listener in [&loopback, &everywhere] {
            listener.set_nonblocking(true).unwrap();
        }
        for listener in [&path, &abstracted] {
            listener.set_nonblocking(true).unwrap();
        }
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
        let names = vec![
            ("{STATE}", state.display().to_string()),
            ("{LOOPBACK}", port(&loopback)),
            ("{EVERYWHERE}", port(&everywhere)),
            ("{HOSTS}", own_addresses().join(" ")),
            ("{SOCKET}", socket.display().to_string()),
            ("{ABSTRACT}", secret.clone()),
            ("{PROCESS}", process.id().to_string()),
        ];
        Self {
            secret,
            process,
            loopback,
            everywhere,
            path,
            abstracted,
            names,
        }
    }

    /// The script with the canaries' names in it.
    pub(crate) fn aim(&self, script: &str) -> String {
        let mut script = script.to_owned();
        for (name, value) in &self.names {
            script = script.replace(name, value);
        }
        script
    }

    /// Panics if one was touched, or if the output has what only one of them has.
    pub(crate) fn are_alive(&mut self, attack: &str, output: &str) {
        assert!(
            !output.contains(&self.secret),
            "{attack}: it read the canary"
        );
        assert!(
            self.process.try_wait().unwrap().is_none(),
            "{attack}: it killed the canary"
        );
        let nobody = |kind: ErrorKind| assert_eq!(kind, ErrorKind::WouldBlock, "{attack}");
        nobody(self.loopback.accept().unwrap_err().kind());
        nobody(self.everywhere.accept().unwrap_err().kind());
        nobody(self.path.accept().unwrap_err().kind());
        nobody(self.abstracted.accept().unwrap_err().kind());
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Addresses by which the host might be reached: its own, and what bridges usually have.
fn own_addresses() -> Vec<String> {
    let mut addresses = vec!["127.0.0.1".to_owned(), "172.17.0.1".to_owned()];
    // Nothing is sent: the kernel only says where it would be sent from.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_ok() {
        addresses.push(socket.local_addr().unwrap().ip().to_string());
    }
    addresses
}
