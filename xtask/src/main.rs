//! The command line of [`xtask`].

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::build::{self, Profile};
use xtask::manifest::Manifest;
use xtask::workspace::Workspace;
use xtask::{bench, setup, test, tidy, up};

/// Everything one does with this repository. Each command does all its set-up itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Get the compiler's wasm32-wasip2 target: by rustup, or from a Debian mirror
    Setup,
    /// Compile the components and the native binaries
    Build {
        /// Optimise the native binaries too (the components always are)
        #[arg(long)]
        release: bool,
    },
    /// Run the whole stack on this machine, until Ctrl-C
    ///
    /// The development build is the default: it is ready sooner, its dependencies are
    /// optimised all the same, and the components are the release build either way.
    /// --release is the build to measure, and the one to run for others.
    Up {
        /// The fast build
        #[arg(long)]
        release: bool,
        /// Where to listen, on 127.0.0.1
        #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// The folder for databases, secrets, logs and mail
        #[arg(long, default_value = ".atelier")]
        state: PathBuf,
    },
    /// Run every test
    Test,
    /// Check the rules of the tree: who may depend on whom, sizes, names, grants
    Tidy,
    /// Measure the release stack beside its peers
    Bench {
        /// Short runs: figures to look at, not to keep
        #[arg(long)]
        quick: bool,
        /// Only these parts, and only what they need is built
        #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
        only: Vec<bench::Part>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::find()?;
    if matches!(command, Command::Setup) {
        setup::setup(&workspace)?;
        eprintln!("Components can be compiled.");
        return Ok(());
    }
    let manifest = Manifest::read(&workspace.root)?;
    match command {
        Command::Setup => Ok(()),
        Command::Build { release } => {
            let built = build::build(&workspace, &manifest, Profile::of(release))?;
            build::check_sizes(&built.sizes)
        }
        Command::Up {
            release,
            port,
            state,
        } => up::up(
            &workspace,
            &manifest,
            &up::Options {
                port,
                state,
                release,
            },
        ),
        Command::Test => test::test(&workspace, &manifest),
        Command::Tidy => tidy::tidy(&workspace, &manifest),
        Command::Bench { quick, only } => {
            bench::bench(&workspace, &manifest, &bench::Options { quick, only })
        }
    }
}
