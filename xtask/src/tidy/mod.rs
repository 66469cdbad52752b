//! `cargo xtask tidy`: the rules of the tree that neither the compiler nor clippy keeps.
//!
//! Who may depend on whom ([`dependencies`]), what a source file looks like ([`sources`]),
//! that the application is granted what it uses and no more ([`grants`]), and that edge code
//! asks the ports ([`ports`]). How long a
//! function may be is clippy's to check (`too-many-lines-threshold` in `clippy.toml`).

mod dependencies;
mod grants;
mod ports;
mod sources;
mod tree;

use anyhow::{Result, bail};

use crate::manifest::Manifest;
use crate::workspace::Workspace;
use tree::Tree;

/// Checks every rule and prints the sizes of the files.
///
/// # Errors
/// Lists every place that breaks a rule.
pub fn tidy(workspace: &Workspace, manifest: &Manifest) -> Result<()> {
    let tree = Tree::read(&workspace.root)?;
    println!("{}", sources::sizes(&tree));
    let mut faults = dependencies::check(workspace);
    faults.extend(sources::check(&tree, &workspace.root));
    faults.extend(grants::check(workspace, manifest, &tree));
    faults.extend(ports::check(workspace, &tree));
    if !faults.is_empty() {
        bail!(
            "{} places break a rule:\n  {}",
            faults.len(),
            faults.join("\n  ")
        );
    }
    println!("tidy");
    Ok(())
}
