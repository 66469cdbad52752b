//! An SMTP server that says what the test wants.

use crate::wire::Wire;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};

/// What a client asked for on one connection, up to the content of its message.
#[derive(Debug)]
pub(crate) struct Session {
    /// The commands, one per line.
    pub(crate) commands: String,
    /// The message, where it came to that.
    pub(crate) message: Option<String>,
}

pub(crate) struct SmtpServer {
    pub(crate) address: SocketAddr,
    sessions: UnboundedReceiver<Session>,
}

impl SmtpServer {
    /// Answers to `verb` with the `planned` answers, one a connection, then with 250.
    pub(crate) async fn start(verb: &'static str, planned: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let planned: VecDeque<&str> = planned.iter().copied().collect();
        let planned = Arc::new(Mutex::new(planned));
        let (done, sessions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let planned = planned.lock().unwrap().pop_front();
                tokio::spawn(talk(Wire::new(stream), verb, planned, done.clone()));
            }
        });
        Self { address, sessions }
    }

    /// The next connection, when it is over.
    pub(crate) async fn next(&mut self) -> Session {
        self.sessions.recv().await.unwrap()
    }
}

async fn talk(
    mut wire: Wire,
    verb: &'static str,
    planned: Option<&'static str>,
    done: UnboundedSender<Session>,
) {
    let mut session = Session {
        commands: String::new(),
        message: None,
    };
    wire.write("220 test\r\n").await;
    loop {
        let line = wire.read_until("\r\n").await;
        session.commands.push_str(&line);
        let answer = match (planned, line.get(..4).unwrap_or_default()) {
            (_, "") | (_, "QUIT") => break,
            (Some(planned), said) if said == verb => planned,
            (_, "EHLO") => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            (_, "AUTH") => "235 welcome",
            (_, "DATA") => {
                wire.write("354 go on\r\n").await;
                session.message = Some(wire.read_until("\r\n.\r\n").await);
                "250 taken"
            }
            _ => "250 fine",
        };
        wire.write(&format!("{answer}\r\n")).await;
    }
    let _ = done.send(session);
}
