//! The paced model as a server of its own. See [`model_stub::paced`].

use clap::Parser;
use model_stub::{paced, process};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// Sends tokens at a fixed rate on the chat-completions wire, for benchmarks.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Tokens in each answer.
    #[arg(long, default_value_t = 100)]
    tokens: u64,
    /// Milliseconds from one token to the next; fractions are fine.
    #[arg(long, default_value_t = 20.0)]
    interval_ms: f64,
    /// Make each token the time of its sending, in nanoseconds since 1970.
    #[arg(long)]
    stamp: bool,
    /// Stop when standard input ends.
    #[arg(long)]
    stop_on_stdin_eof: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    process::start_logging();
    let stop = process::stop_token(arguments.stop_on_stdin_eof)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    process::announce(listener.local_addr()?);
    let options = paced::Options {
        tokens: arguments.tokens,
        interval: Duration::try_from_secs_f64(arguments.interval_ms / 1e3)?,
        stamp: arguments.stamp,
    };
    Ok(paced::serve(listener, stop, options).await?)
}
