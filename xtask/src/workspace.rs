//! Where things are: the workspace, cargo's target folder, the compiler's sysroot.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::stdout_of;

/// The target that components are compiled to.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The workspace this xtask was built in.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder with `spin.toml` and the root `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds: `target`, or what `CARGO_TARGET_DIR` says.
    pub target: PathBuf,
    /// The workspace's own packages.
    pub packages: Vec<Package>,
}

/// One package of the workspace, as `cargo metadata` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its `Cargo.toml`.
    pub manifest_path: PathBuf,
    /// What it depends on, of every kind and target.
    pub dependencies: Vec<Dependency>,
}

/// One dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    /// The package it names.
    pub name: String,
    /// `dev`, `build`, or nothing for an ordinary one.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo where the workspace is.
    ///
    /// # Errors
    /// When cargo cannot be run or a `Cargo.toml` is broken.
    pub fn find() -> Result<Self> {
        let text = stdout_of(cargo().current_dir(here()).args([
            "metadata",
            "--format-version=1",
            "--no-deps",
        ]))?;
        let metadata: Metadata =
            serde_json::from_str(&text).context("`cargo metadata` answers in an unknown form")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages,
        })
    }

    /// The names of the workspace's own packages.
    pub fn package_names(&self) -> BTreeSet<&str> {
        self.packages
            .iter()
            .map(|package| package.name.as_str())
            .collect()
    }

    /// A cargo command that runs in the workspace's root.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }
}

impl Package {
    /// The folder of the package.
    pub fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}

/// The cargo that runs this xtask, or the one on the `PATH`.
pub fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    // Set by cargo for this process; the packages of another build must not see them.
    for (name, _) in env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_"))
        {
            command.env_remove(name);
        }
    }
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_MANIFEST_PATH");
    command
}

/// The compiler that cargo uses.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

/// The folder of the `xtask` package: given by cargo at run time, so that a checkout that
/// was moved still works, else the one it was compiled in.
fn here() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
