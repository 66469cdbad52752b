//! An SMTP server (the protocol is the crate `mailin`'s) that keeps what it is given.

use mailin::{Action, Handler, Response, SessionBuilder, response};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A running server. It ends with the test's process.
pub struct Mailbox {
    /// Where it listens.
    pub address: SocketAddr,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    /// Starts one on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let letters = Arc::new(Mutex::new(Vec::new()));
        let keeper = Keeper {
            letter: Vec::new(),
            letters: Arc::clone(&letters),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let keeper = keeper.clone();
                std::thread::spawn(move || serve(stream.unwrap(), keeper));
            }
        });
        Self { address, letters }
    }

    /// The six digits in the newest letter to `email`, once there are `count` letters to it.
    pub async fn code(&self, email: &str, count: usize) -> String {
        crate::eventually("a letter", async || {
            let letters = self.letters.lock().unwrap();
            let to = format!("To: {email}");
            let mine: Vec<_> = letters.iter().filter(|text| text.contains(&to)).collect();
            (mine.len() >= count).then(|| digits(mine[mine.len() - 1]))
        })
        .await
    }
}

/// One connection to its end, which the client makes at any time.
fn serve(stream: TcpStream, keeper: Keeper) -> io::Result<()> {
    let mut session = SessionBuilder::new("mail.test").build(stream.peer_addr()?.ip(), keeper);
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    session.greeting().write_to(&mut writer)?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let answer = session.process(&line);
        line.clear();
        if answer.action != Action::NoReply {
            answer.write_to(&mut writer)?;
            writer.flush()?;
        }
        if answer.action == Action::Close {
            break;
        }
    }
    Ok(())
}

fn digits(letter: &str) -> String {
    let line = letter
        .lines()
        .map(str::trim)
        .find(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()));
    line.unwrap_or_else(|| panic!("no code in {letter}"))
        .to_owned()
}

#[derive(Clone)]
struct Keeper {
    letter: Vec<u8>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Handler for Keeper {
    fn data_start(&mut self, _: &str, _: &str, _: bool, _: &[String]) -> Response {
        self.letter.clear();
        response::OK
    }

    fn data(&mut self, piece: &[u8]) -> io::Result<()> {
        self.letter.extend_from_slice(piece);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let text = String::from_utf8_lossy(&self.letter).into_owned();
        self.letters.lock().unwrap().push(text);
        response::OK
    }
}
