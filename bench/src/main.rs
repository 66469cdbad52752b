//! Measures the stack beside its peers, in one run on one machine.
//!
//! Started by `cargo xtask bench`, which builds what it needs. Figures of different machines
//! or of different hours say little; the ratio to a peer of the same run does.

mod chat;
mod client;
mod fastapi;
mod hello;
mod load;
mod logins;
mod machine;
mod part;
mod report;
mod rooms;
mod runner;
mod runs;
mod sandboxes;
mod server;
mod stack;
mod tokens;
mod wrk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};

use load::{Load, Request};
use part::Part;
use report::{Report, Row};
use stack::Stack;

/// What the edge promises for a request: requests a second, and milliseconds at p99.
const HEALTH: (f64, Option<f64>) = (45_000.0, Some(3.0));
const READ: (f64, Option<f64>) = (20_000.0, None);
const INSERT: (f64, Option<f64>) = (10_000.0, None);

/// Milliseconds for the first request after a start.
const FIRST_REQUEST: f64 = 250.0;

/// Measures the release stack beside its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    peer: Option<Peer>,
    /// The folder with the native binaries.
    #[arg(long, default_value = "target/native")]
    binaries: PathBuf,
    /// Where the virtual environment of the Python peer is kept.
    #[arg(long, default_value = "target/bench-venv")]
    venv: PathBuf,
    /// Short runs.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Subcommand)]
enum Peer {
    /// Serve a native axum hello until standard input ends.
    #[command(hide = true)]
    Hello {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One thread, as `wrk -t1`: the other core is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime.context("no runtime").and_then(|runtime| {
        runtime.block_on(async {
            match arguments.peer {
                Some(Peer::Hello { listen }) => hello::serve(listen).await,
                None => bench(&arguments).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Arguments) -> Result<()> {
    println!("{}\n", machine::describe());
    for part in Part::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(part) {
            println!("{}", measure(*part, arguments).await?);
        }
    }
    println!("load after the run {}", machine::load());
    Ok(())
}

/// The tables of a part.
async fn measure(part: Part, arguments: &Arguments) -> Result<String> {
    let (binaries, quick) = (&arguments.binaries, arguments.quick);
    match part {
        Part::Requests => all_requests(arguments).await,
        Part::Chat => chat::measure(binaries, quick).await,
        Part::Runs => runs::measure(binaries, quick).await,
        Part::Logins => logins::measure(binaries, quick).await,
        Part::Sandboxes => sandboxes::measure(binaries, quick).await,
        Part::Rooms => rooms::measure(binaries, quick).await,
    }
}

async fn all_requests(arguments: &Arguments) -> Result<String> {
    let load = Load {
        connections: 32,
        time: Duration::from_secs(if arguments.quick { 2 } else { 10 }),
    };
    println!(
        "{} connections, {} s a row\n",
        load.connections,
        load.time.as_secs()
    );
    let mut report = Report::default();

    let started = stack::first_request(&arguments.binaries).await?;
    report.push(Row::time(
        "first request after start",
        started,
        FIRST_REQUEST,
    ));

    requests(arguments, &load, &mut report).await?;
    peers(arguments, &load, &mut report).await?;
    Ok(report.requests())
}

/// The edge asked directly, and its health through the front door.
async fn requests(arguments: &Arguments, load: &Load, report: &mut Report) -> Result<()> {
    let stack = Stack::start(&arguments.binaries).await?;
    let edge = stack.edge;
    client::post(edge, "/api/v1/users/", r#"{"username":"ada"}"#).await?;
    let health = Request::get("/api/v1/health");
    let read = Request::get("/api/v1/users/ada");
    let insert = Request::insert("/api/v1/users/");
    for (name, request, promise) in [
        ("edge: GET /api/v1/health", &health, Some(HEALTH)),
        ("edge: GET /api/v1/users/{name}", &read, Some(READ)),
        ("edge: POST /api/v1/users/", &insert, Some(INSERT)),
    ] {
        row(report, name, edge, load, request, promise).await?;
    }
    row(
        report,
        "front door: GET /api/v1/health",
        stack.front_door,
        load,
        &health,
        None,
    )
    .await
}

async fn peers(arguments: &Arguments, load: &Load, report: &mut Report) -> Result<()> {
    let health = Request::get("/api/v1/health");
    let hello = hello::start()?;
    row(
        report,
        "axum, native: hello",
        hello.address,
        load,
        &health,
        None,
    )
    .await?;
    drop(hello);
    match fastapi::start(&arguments.venv) {
        Ok(peer) => {
            client::post(peer.address, "/api/v1/users/", r#"{"username":"ada"}"#).await?;
            for (name, request) in [
                ("FastAPI: GET health", health),
                (
                    "FastAPI + sqlite3: GET user",
                    Request::get("/api/v1/users/ada"),
                ),
                (
                    "FastAPI + sqlite3: POST user",
                    Request::insert("/api/v1/users/"),
                ),
            ] {
                row(report, name, peer.address, load, &request, None).await?;
            }
        }
        Err(error) => println!("FastAPI is left out: {error:#}\n"),
    }
    Ok(())
}

/// Our generator and, where it is installed, wrk beside it.
async fn row(
    report: &mut Report,
    name: &str,
    address: SocketAddr,
    load: &Load,
    request: &Request,
    promise: Option<(f64, Option<f64>)>,
) -> Result<()> {
    eprintln!("measuring {name}");
    let figures = load::run(address, load, request)
        .await
        .with_context(|| name.to_owned())?;
    let wrk = wrk::run(address, load, request).await?;
    report.push(Row::requests(name, &figures, wrk, promise));
    Ok(())
}
