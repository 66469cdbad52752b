//! Compiles Rust's standard library for the wasm target and installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sysroot::Sysroot;
use crate::process::run;
use crate::workspace::{WASM_TARGET, cargo};

/// The C start files and C library that the linker wants beside the standard library.
const SELF_CONTAINED: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// What the target is made of.
pub(super) struct Materials {
    /// Rust's `library/` with its vendored crates.
    pub(super) library: PathBuf,
    /// A folder with the files of [`SELF_CONTAINED`].
    pub(super) libc: PathBuf,
}

/// Compiles aside, puts the target together beside its place, and moves it in.
pub(super) fn install(sysroot: &Sysroot, materials: &Materials, work: &Path) -> Result<()> {
    eprintln!("  compiling the standard library (about half a minute)");
    let compiled = compile(&materials.library, work)?;
    let aside = sysroot.aside()?;
    let done = assemble(&compiled, materials, &aside).and_then(|()| sysroot.adopt(&aside));
    if done.is_err() {
        // The error that is returned matters more than what stays in the folder.
        let _ = fs::remove_dir_all(&aside);
    }
    done
}

/// Finds `library/` in what the operator gave: a folder, or an archive to unpack.
pub(super) fn library_in(given: &Path, work: &Path) -> Result<PathBuf> {
    let tree = if given.is_file() {
        let tree = work.join("operator");
        fs::create_dir_all(&tree)?;
        run(Command::new("tar")
            .arg("-xf")
            .arg(given)
            .arg("-C")
            .arg(&tree))?;
        tree
    } else {
        given.to_owned()
    };
    let mut places = vec![tree.clone(), tree.join("library")];
    for entry in fs::read_dir(&tree).with_context(|| format!("no {}", tree.display()))? {
        places.push(entry?.path().join("library"));
    }
    places
        .into_iter()
        .find(|place| place.join("std/Cargo.toml").is_file())
        .with_context(|| format!("no library/std in {}", given.display()))
}

/// The C files where the operator put them: `self-contained/` beside `library/`.
pub(super) fn libc_beside(library: &Path) -> Option<PathBuf> {
    let folder = library.parent()?.join("self-contained");
    folder.join("libc.a").is_file().then_some(folder)
}

/// Builds an empty crate with `-Zbuild-std`; returns the folder with the libraries.
fn compile(library: &Path, work: &Path) -> Result<PathBuf> {
    let package = work.join("empty");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), "")?;
    fs::write(
        package.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let target = work.join("target");
    let mut build = cargo();
    build
        .current_dir(&package)
        .args([
            "build",
            "--release",
            "-Zbuild-std=std,panic_abort",
            "--target",
            WASM_TARGET,
        ])
        .arg("--target-dir")
        .arg(&target)
        // Without the bitcode a component's `lto = "fat"` fails to link.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_DEFAULT_LIB_METADATA", "wasm")
        // Lets the source stay outside of the sysroot.
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER");
    run(&mut build)?;
    Ok(target.join(WASM_TARGET).join("release/deps"))
}

fn assemble(compiled: &Path, materials: &Materials, aside: &Path) -> Result<()> {
    let lib = aside.join("lib");
    let contained = lib.join("self-contained");
    fs::create_dir_all(&contained)?;
    let mut found_std = false;
    for entry in fs::read_dir(compiled)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(entry.path(), lib.join(&name))?;
            found_std |= name.starts_with("libstd-");
        }
    }
    if !found_std {
        bail!("the build made no standard library");
    }
    for name in SELF_CONTAINED {
        let from = materials.libc.join(name);
        fs::copy(&from, contained.join(name))
            .with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}
