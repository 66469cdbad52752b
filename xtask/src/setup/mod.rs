//! `cargo xtask setup`: the wasm target, by whichever way works here.
//!
//! The ways are tried in order: it is there already; `rustup target add`; the standard
//! library compiled from its source, where the source is the compiler's own `rust-src`, a
//! Debian package of the same version, or a folder that the operator names. A build happens
//! aside and is moved in whole, so an interrupted setup leaves nothing half done.

mod apt;
mod apt_sources;
mod std_build;
mod sysroot;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{is_installed, run_for, stdout_of};
use crate::workspace::{WASM_TARGET, Workspace};
use std_build::Materials;
use sysroot::Sysroot;

/// Names a folder or archive of Rust's source, the last resort.
const OPERATOR_SOURCE: &str = "ATELIER_RUST_SRC";

/// How long `rustup target add` may take: about 20 MB come over the network.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Makes sure that components can be compiled. Does nothing when they can.
///
/// # Errors
/// When no way works; the message says what was tried and how to go on.
pub fn setup(workspace: &Workspace) -> Result<()> {
    let sysroot = Sysroot::of_compiler()?;
    if sysroot.has_target() {
        return Ok(());
    }
    eprintln!(
        "Setting up the target {WASM_TARGET} for {}",
        sysroot.compiler
    );
    let _lock = sysroot.lock()?;
    // Another setup may have finished while this one waited.
    if sysroot.has_target() {
        return Ok(());
    }
    let mut tried = Vec::new();
    for (way, attempt) in WAYS {
        eprintln!("- {way}");
        match attempt(&sysroot) {
            Ok(()) if sysroot.has_target() => {
                eprintln!("  done: {}", sysroot.target().display());
                return forget_old_builds(workspace);
            }
            Ok(()) => tried.push(format!(
                "{way}: it ended well, and yet the target is not there"
            )),
            Err(error) => tried.push(format!("{way}: {error:#}")),
        }
        if let Some(last) = tried.last() {
            eprintln!("  {last}");
        }
    }
    bail!(last_word(&sysroot, &tried))
}

type Way = (&'static str, fn(&Sysroot) -> Result<()>);

const WAYS: [Way; 4] = [
    ("rustup", by_rustup),
    (
        "the compiler's own rust-src with the C library of a Debian mirror",
        by_own_source,
    ),
    ("the source from a Debian mirror", by_debian),
    ("the source that ATELIER_RUST_SRC names", by_operator),
];

fn by_rustup(sysroot: &Sysroot) -> Result<()> {
    if !is_installed("rustup") {
        bail!("rustup is not installed");
    }
    // It must be the one that this compiler came with, or it would change another one.
    let theirs = stdout_of(Command::new("rustup").args(["which", "rustc"]))?;
    let theirs = PathBuf::from(theirs).canonicalize()?;
    if !theirs.starts_with(&sysroot.path) {
        bail!(
            "rustup looks after {}, not after this compiler",
            theirs.display()
        );
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", WASM_TARGET])
        .env("RUSTUP_MAX_RETRIES", "1")
        // Its errors say enough without one.
        .env("RUST_BACKTRACE", "0");
    run_for(&mut add, RUSTUP_LIMIT)?;
    if !sysroot.has_target() {
        bail!(
            "it believes that the target is installed, and the files are gone (installing the \
             toolchain anew brings them back)"
        );
    }
    Ok(())
}

fn by_own_source(sysroot: &Sysroot) -> Result<()> {
    let library = sysroot.own_source();
    if !library.join("std/Cargo.toml").is_file() {
        bail!("the component rust-src is not installed");
    }
    sysroot.check_writable()?;
    let work = WorkFolder::new()?;
    let libc = apt::Apt::new(&work.path)?.wasi_libc()?;
    std_build::install(sysroot, &Materials { library, libc }, &work.path)
}

fn by_debian(sysroot: &Sysroot) -> Result<()> {
    sysroot.check_writable()?;
    let work = WorkFolder::new()?;
    let apt = apt::Apt::new(&work.path)?;
    let library = apt.rust_library(&sysroot.release)?;
    let libc = apt.wasi_libc()?;
    std_build::install(sysroot, &Materials { library, libc }, &work.path)
}

fn by_operator(sysroot: &Sysroot) -> Result<()> {
    let Some(given) = env::var_os(OPERATOR_SOURCE).filter(|value| !value.is_empty()) else {
        bail!("it is not set");
    };
    sysroot.check_writable()?;
    let work = WorkFolder::new()?;
    let library = std_build::library_in(&PathBuf::from(given), &work.path)?;
    let libc = match std_build::libc_beside(&library) {
        Some(libc) => libc,
        None => apt::Apt::new(&work.path)?.wasi_libc()?,
    };
    std_build::install(sysroot, &Materials { library, libc }, &work.path)
}

/// What was compiled against another standard library cannot be linked any more.
fn forget_old_builds(workspace: &Workspace) -> Result<()> {
    let old = workspace.target.join(WASM_TARGET);
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("removing {}", old.display()))?;
    }
    Ok(())
}

fn last_word(sysroot: &Sysroot, tried: &[String]) -> String {
    let mut text = format!(
        "components cannot be compiled: {} has no {WASM_TARGET}, and no way to it worked.\n",
        sysroot.compiler
    );
    for line in tried {
        text.push_str("  - ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&format!(
        "How to go on, whichever is easiest:\n  \
         - with a route to rustup's servers: rustup target add {WASM_TARGET}\n  \
         - on Debian or a relative: make sure `apt-get update` works, then try again\n  \
         - with Rust's source {release} on disk (a folder or .tar.xz that holds library/ with its \
         vendored crates): {OPERATOR_SOURCE}=/path cargo xtask setup\n    \
         (wasi-libc's crt1-command.o, crt1-reactor.o and libc.a may lie beside it in a folder \
         self-contained/)",
        release = sysroot.release
    ));
    text
}

/// A folder for one attempt, gone afterwards.
struct WorkFolder {
    path: PathBuf,
}

impl WorkFolder {
    fn new() -> Result<Self> {
        let path = env::temp_dir().join(format!("atelier-setup-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // It lies in the folder for temporary files: what stays is swept up by the system.
        let _ = fs::remove_dir_all(&self.path);
    }
}
