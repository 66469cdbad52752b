//! The compiler's own folder: what target libraries it has, and whether it can get more.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::stdout_of;
use crate::workspace::{WASM_TARGET, rustc};

/// Says which compiler made a target's libraries; only in those that setup compiled.
const STAMP: &str = "made-for";

/// The sysroot of the compiler in use.
#[derive(Debug)]
pub(super) struct Sysroot {
    /// Its path, links resolved.
    pub(super) path: PathBuf,
    /// The compiler's first line: `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub(super) compiler: String,
    /// The release: `1.95.0`.
    pub(super) release: String,
}

impl Sysroot {
    /// Asks `rustc`.
    pub(super) fn of_compiler() -> Result<Self> {
        let path = PathBuf::from(stdout_of(rustc().args(["--print", "sysroot"]))?);
        let path = path
            .canonicalize()
            .with_context(|| format!("no {}", path.display()))?;
        let compiler = stdout_of(rustc().arg("--version"))?;
        let release = compiler
            .split_whitespace()
            .nth(1)
            .with_context(|| format!("`rustc --version` answers {compiler:?}"))?
            .to_owned();
        Ok(Self {
            path,
            compiler,
            release,
        })
    }

    /// Where the libraries of the wasm target belong.
    pub(super) fn target(&self) -> PathBuf {
        self.rustlib().join(WASM_TARGET)
    }

    /// Whether they are there, and made for this very compiler. A toolchain that rustup
    /// updated in place keeps libraries which rustup did not put there.
    pub(super) fn has_target(&self) -> bool {
        let lib = self.target().join("lib");
        let has_std = fs::read_dir(&lib).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
            })
        });
        let fits = fs::read_to_string(self.target().join(STAMP))
            .map_or(true, |made_for| made_for.trim() == self.compiler);
        has_std && fits && lib.join("self-contained/crt1-reactor.o").is_file()
    }

    /// Where rustup's component `rust-src` unpacks Rust's own libraries.
    pub(super) fn own_source(&self) -> PathBuf {
        self.rustlib().join("src/rust/library")
    }

    /// Moves finished libraries in, replacing what may be there.
    ///
    /// `made` lies in the same file system (see [`Self::aside`]): each step is one rename.
    pub(super) fn adopt(&self, made: &std::path::Path) -> Result<()> {
        fs::write(made.join(STAMP), format!("{}\n", self.compiler))?;
        let target = self.target();
        let old = self
            .rustlib()
            .join(format!(".{WASM_TARGET}.old.{}", std::process::id()));
        if target.exists() {
            fs::rename(&target, &old).with_context(|| format!("moving {}", target.display()))?;
        }
        fs::rename(made, &target).with_context(|| format!("writing {}", target.display()))?;
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| format!("removing {}", old.display()))?;
        }
        Ok(())
    }

    /// A fresh folder beside the target's, to put it together in.
    pub(super) fn aside(&self) -> Result<PathBuf> {
        let path = self
            .rustlib()
            .join(format!(".{WASM_TARGET}.new.{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    /// Refuses early where nothing can be added.
    pub(super) fn check_writable(&self) -> Result<()> {
        let probe = self
            .rustlib()
            .join(format!(".probe.{}", std::process::id()));
        match File::create(&probe) {
            Ok(_) => Ok(fs::remove_file(&probe)?),
            Err(error) => bail!(
                "{} cannot be written ({error}): run `cargo xtask setup` once as its owner, or \
                 install Rust for this user (rustup does)",
                self.rustlib().display()
            ),
        }
    }

    /// One setup at a time. The lock is on the folder itself and leaves no file behind; it
    /// ends with the returned value.
    pub(super) fn lock(&self) -> Result<File> {
        let folder = File::open(self.rustlib())?;
        if folder.try_lock().is_err() {
            eprintln!("  waiting for another setup of this compiler");
            folder.lock()?;
        }
        Ok(folder)
    }

    fn rustlib(&self) -> PathBuf {
        self.path.join("lib/rustlib")
    }
}
