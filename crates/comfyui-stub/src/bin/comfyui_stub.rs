//! The stand-in as a server of its own. See [`comfyui_stub`].

use clap::Parser;
use comfyui_stub::process;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Speaks ComfyUI's wire and makes pictures of one colour, for tests and demonstrations.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
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
    Ok(comfyui_stub::serve(listener, stop).await?)
}
