//! One connection of a scripted server: reads requests and plays scripts.

use super::{
    Outcome, Script, Shared,
    http1::{LAST_CHUNK, RequestReader, chunk},
    script::Step,
};
use std::{io, sync::Arc};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::WriteHalf},
};

/// What becomes of the connection after a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    KeepAlive,
    Close,
    Reset,
}

/// Serves one connection until either side ends it.
pub(super) async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::warn!(%error, "writes may be joined");
    }
    let then = tokio::select! {
        biased;
        () = shared.killed.cancelled() => Then::Reset,
        then = exchanges(&mut socket, &shared) => then,
    };
    if then == Then::Reset
        && let Err(error) = socket.set_zero_linger()
    {
        tracing::warn!(%error, "the connection is closed, not reset");
    }
}

async fn exchanges(socket: &mut TcpStream, shared: &Shared) -> Then {
    let mut requests = RequestReader::default();
    let (mut input, mut output) = socket.split();
    loop {
        let request = match requests.next(&mut input).await {
            Ok(Some(request)) => request,
            Ok(None) => return Then::Close,
            Err(error) => {
                tracing::warn!(%error, "not a request");
                return Then::Close;
            }
        };
        let script = shared.script_for(&request);
        let exchange = Exchange::begin(shared, request);
        let then = tokio::select! {
            played = play(&mut output, &script) => played.ok(),
            () = requests.until_closed(&mut input) => None,
        };
        let Some(then) = then else {
            exchange.end(Outcome::ClientLeft);
            return Then::Close;
        };
        exchange.end(Outcome::Played);
        if then != Then::KeepAlive {
            return then;
        }
    }
}

/// An exchange under way. One that is dropped was interrupted by the server's end.
struct Exchange<'a> {
    shared: &'a Shared,
    number: usize,
    outcome: Outcome,
}

impl<'a> Exchange<'a> {
    fn begin(shared: &'a Shared, request: super::Recorded) -> Self {
        Self {
            shared,
            number: shared.log.begin(request),
            outcome: Outcome::Killed,
        }
    }

    fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.shared.log.end(self.number, self.outcome);
    }
}

async fn play(output: &mut WriteHalf<'_>, script: &Script) -> io::Result<Then> {
    let mut writer = Writer {
        output,
        script,
        head_sent: false,
    };
    for step in &script.steps {
        match step {
            Step::Head => writer.head().await?,
            Step::Bytes(bytes) => writer.body(bytes).await?,
            Step::Wait(duration) => tokio::time::sleep(*duration).await,
            Step::Hold(gate) => gate.pass().await,
            Step::Forever(bytes, interval) => loop {
                writer.body(bytes).await?;
                tokio::time::sleep(*interval).await;
            },
            Step::Stall => std::future::pending().await,
            Step::Reset => return Ok(Then::Reset),
            Step::Cut => return Ok(Then::Close),
        }
    }
    writer.end().await?;
    Ok(Then::KeepAlive)
}

/// Writes a response, each call one write.
struct Writer<'a, 'b> {
    output: &'a mut WriteHalf<'b>,
    script: &'a Script,
    head_sent: bool,
}

impl Writer<'_, '_> {
    async fn head(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.head_sent, true) {
            return Ok(());
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.script.status);
        for (name, value) in &self.script.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("transfer-encoding: chunked\r\n\r\n");
        self.output.write_all(head.as_bytes()).await
    }

    async fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.head().await?;
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        self.output.write_all(&chunk(bytes)).await
    }

    async fn end(&mut self) -> io::Result<()> {
        self.head().await?;
        self.output.write_all(LAST_CHUNK).await
    }
}
