//! `cargo xtask tidy`.
use crate::manifest::Manifest;
use crate::workspace::Workspace;
use anyhow::Result;

/// Checks.
///
/// # Errors
/// Lists them.
pub fn tidy(_workspace: &Workspace, _manifest: &Manifest) -> Result<()> {
    Ok(())
}
