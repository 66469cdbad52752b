//! `cargo xtask build`: the components, and the native binaries that run them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::manifest::Manifest;
use crate::process::{run, stdout_of};
use crate::setup;
use crate::workspace::{WASM_TARGET, Workspace, rustc};

/// The largest a component may be.
pub const COMPONENT_LIMIT: u64 = 700 * 1024;

/// Those that may have more (docs/adr/0004 says why).
const LARGER: [(&str, u64); 12] = [
    ("agents", 880 * 1024),
    ("auth", 940 * 1024),
    ("chat", 705 * 1024),
    ("codex", 1_220 * 1024),
    ("executor", 1_620 * 1024),
    ("runs", 1_220 * 1024),
    ("sandbox", 740 * 1024),
    ("sessions", 1_080 * 1024),
    ("studio", 1_720 * 1024),
    ("uploads", 1_300 * 1024),
    ("users", 740 * 1024),
    ("workflows", 1_220 * 1024),
];

/// The package that compiles only as WebAssembly.
pub const WASM_ONLY: &str = "platform-spin";

/// The packages with the native binaries.
const NATIVE: [&str; 3] = ["edge-host", "sandbox-runner", "model-stub"];

/// How the native binaries are compiled. The components are always the release build:
/// `spin.toml` names their files, and a development build of one is many times larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build; dependencies are optimised all the same.
    Dev,
    /// Optimised, with thin link-time optimisation.
    Native,
}

/// What a build leaves behind.
#[derive(Debug)]
pub struct Built {
    /// The folder with the native binaries.
    pub binaries: PathBuf,
    /// Process 1 of every sandbox.
    pub init: PathBuf,
    /// The size of each component in bytes.
    pub sizes: Vec<(String, u64)>,
}

impl Profile {
    /// The profile that `--release` asks for.
    pub fn of(release: bool) -> Self {
        if release { Self::Native } else { Self::Dev }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Native => "native",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Native => "native",
        }
    }
}

/// Sets up the toolchain and builds everything.
///
/// # Errors
/// When a step fails; what cargo says about it is already on the screen.
pub fn build(workspace: &Workspace, manifest: &Manifest, profile: Profile) -> Result<Built> {
    setup::setup(workspace)?;
    let sizes = components(workspace, manifest)?;
    for (name, bytes) in &sizes {
        eprintln!("  component {name}: {} KB", bytes.div_ceil(1024));
    }
    Ok(Built {
        binaries: native(workspace, profile, &NATIVE)?,
        init: init(workspace)?,
        sizes,
    })
}

/// Sets up the toolchain and builds what the tests run. The native binaries are those that cargo
/// builds for the tests of their own packages: another selection of packages has other features,
/// and compiles wasmtime a second time.
///
/// # Errors
/// When a step fails; what cargo says about it is already on the screen.
pub fn for_tests(workspace: &Workspace, manifest: &Manifest) -> Result<Built> {
    setup::setup(workspace)?;
    let sizes = components(workspace, manifest)?;
    eprintln!("Building the tests");
    run(&mut tests(workspace, &["--no-run"]))?;
    Ok(Built {
        binaries: workspace.target.join(Profile::Dev.folder()),
        init: init(workspace)?,
        sizes,
    })
}

/// `cargo test` for everything that compiles natively.
pub fn tests(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = workspace.cargo();
    command.args(["test", "--workspace", "--exclude", WASM_ONLY]);
    command.args(arguments);
    command
}

/// Compiles the native binaries of these packages; the folder that they are in.
///
/// # Errors
/// When cargo fails.
pub fn native(workspace: &Workspace, profile: Profile, packages: &[&str]) -> Result<PathBuf> {
    eprintln!("Building the native binaries ({})", profile.name());
    let mut command = workspace.cargo();
    command.args(["build", "--bins", "--profile", profile.name()]);
    for package in packages {
        command.args(["-p", package]);
    }
    run(&mut command)?;
    Ok(workspace.target.join(profile.folder()))
}

/// Compiles process 1 of sandboxes. It runs in images of any kind, so it must need nothing of
/// them: it is linked statically, and therefore apart from everything else.
///
/// # Errors
/// When cargo fails or the compiler names no host.
pub fn init(workspace: &Workspace) -> Result<PathBuf> {
    let (package, profile) = ("sandbox-init", Profile::Native);
    let host = host_target()?;
    let mut command = workspace.cargo();
    command
        .args(["build", "-p", package, "--bin", package, "--target", &host])
        .args(["--profile", profile.name()])
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    run(&mut command)?;
    let folder = workspace.target.join(host).join(profile.folder());
    Ok(folder.join(package))
}

/// The target that the compiler itself runs on.
fn host_target() -> Result<String> {
    let version = stdout_of(rustc().arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// Compiles the components and puts them where `spin.toml` looks for them. Returns the size
/// of each.
///
/// # Errors
/// When cargo fails or a file is not where it should be.
pub fn components(workspace: &Workspace, manifest: &Manifest) -> Result<Vec<(String, u64)>> {
    eprintln!("Building the components");
    for package in manifest.packages()? {
        // As `spin.toml` says it: only a crate that is nothing but a `cdylib` is optimised as
        // a whole, and one that is not comes out half as large again.
        let mut command = workspace.cargo();
        command.args([
            "rustc",
            "-p",
            &package,
            "--release",
            "--target",
            WASM_TARGET,
        ]);
        command.args(["--crate-type", "cdylib"]);
        run(&mut command)?;
    }
    let mut sizes = Vec::new();
    for (name, component) in &manifest.component {
        let file = workspace.root.join(&component.source);
        let built = workspace.target.join(WASM_TARGET).join("release").join(
            file.file_name()
                .with_context(|| format!("spin.toml: `{name}` has an odd source"))?,
        );
        place(&built, &file)?;
        let size = fs::metadata(&file)
            .with_context(|| format!("no {}", file.display()))?
            .len();
        sizes.push((name.clone(), size));
    }
    Ok(sizes)
}

/// Refuses components that have grown too large.
///
/// # Errors
/// Names those over their limit.
pub fn check_sizes(sizes: &[(String, u64)]) -> Result<()> {
    let over: Vec<_> = sizes
        .iter()
        .filter(|(name, size)| *size > limit(name))
        .map(|(name, size)| {
            let [size, limit] = [*size, limit(name)].map(|bytes| bytes.div_ceil(1024));
            format!("{name} has {size} KB and may have {limit}")
        })
        .collect();
    if !over.is_empty() {
        bail!("components have grown too large: {}", over.join(", "));
    }
    Ok(())
}

fn limit(component: &str) -> u64 {
    let larger = LARGER.iter().find(|(name, _)| *name == component);
    larger.map_or(COMPONENT_LIMIT, |(_, limit)| *limit)
}

/// `spin.toml` names files below `target/`. Where cargo builds elsewhere
/// (`CARGO_TARGET_DIR`), they are copied there, each in one move.
fn place(built: &Path, wanted: &Path) -> Result<()> {
    let same = match (built.canonicalize(), wanted.canonicalize()) {
        (Ok(built), Ok(wanted)) => built == wanted,
        _ => built == wanted,
    };
    if same {
        return Ok(());
    }
    let folder = wanted.parent().context("a component's source is no file")?;
    fs::create_dir_all(folder)?;
    let aside = wanted.with_extension(format!("wasm.{}", std::process::id()));
    fs::copy(built, &aside).with_context(|| format!("copying {}", built.display()))?;
    fs::rename(&aside, wanted).with_context(|| format!("writing {}", wanted.display()))
}
