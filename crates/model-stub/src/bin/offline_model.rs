//! The offline model as a server of its own. See [`model_stub::offline`].

use clap::Parser;
use model_stub::{offline, process};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// A deterministic stand-in for a language model, on the chat-completions wire.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Milliseconds before each token.
    #[arg(long, default_value_t = 15)]
    token_delay_ms: u64,
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
    let options = offline::Options {
        token_delay: Duration::from_millis(arguments.token_delay_ms),
    };
    Ok(offline::serve(listener, stop, options).await?)
}
