//! `cargo xtask bench`: builds the release stack and hands over to `atelier-bench`.

use anyhow::Result;

use crate::build::{self, Profile};
use crate::manifest::Manifest;
use crate::process::run;
use crate::workspace::Workspace;

/// Builds the release stack and the load generator, and runs it.
///
/// The generator is a package of its own, so that the other commands need not wait for an
/// HTTP client to compile.
///
/// # Errors
/// When a build fails or the bench does.
pub fn bench(workspace: &Workspace, manifest: &Manifest, quick: bool) -> Result<()> {
    let built = build::build(workspace, manifest, Profile::Native)?;
    run(workspace
        .cargo()
        .args(["build", "--profile", "native", "-p", "bench"]))?;
    let mut bench = std::process::Command::new(built.binaries.join("atelier-bench"));
    bench
        .current_dir(&workspace.root)
        .env("RUNNER_SANDBOX_INIT", &built.init)
        .arg("--binaries")
        .arg(&built.binaries);
    bench.arg("--venv").arg(workspace.target.join("bench-venv"));
    if quick {
        bench.arg("--quick");
    }
    run(&mut bench)
}
