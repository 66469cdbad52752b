//! A tree of many files over HTTP, beside a program that lists them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::peer::Peer;
use super::{Findings, Times, at_most, with_runner};
use crate::runner::{Runner, Setup, session};

/// Directories, and files in each.
const DIRECTORIES: usize = 100;
const FILES: usize = 100;

/// The promise for all of them, in milliseconds.
const TREE: f64 = 100.0;

/// Each round asks for the tree and then runs the peer on the same folder.
pub(super) async fn measure(setup: &Setup, rounds: usize, findings: &mut Findings) -> Result<()> {
    eprintln!("measuring a tree of {} files", DIRECTORIES * FILES);
    let (own, peer, beside) = with_runner(setup.clone(), async |runner, api| {
        let session = session(0);
        api.launch(&session).await?;
        api.exec(&session, &["sh", "-c", &script()]).await?;
        let path = format!("/v1/sandboxes/{session}/files/tree?depth=2");
        let tree: Value = serde_json::from_slice(api.ask("GET", &path, "").await?)?;
        if files(&tree) != DIRECTORIES * FILES {
            bail!("the tree has {} files", files(&tree));
        }
        let peer = find_peer(&workspace(runner)?).await?;
        let (mut own, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            api.ask("GET", &path, "").await?;
            own.push(begun.elapsed());
            beside.push(peer.time().await?);
        }
        Ok((Times::new(own), peer, Times::new(beside)))
    })
    .await
    .context("a tree of files")?;
    findings.push(
        &format!("a tree of {} files over HTTP", DIRECTORIES * FILES),
        &own,
        at_most("p50", TREE, "", own.at(50)),
    );
    let name = peer.name();
    let program = name.split(' ').next().unwrap_or_default();
    let missing = match program {
        "find" => " (fd is not installed)",
        _ => "",
    };
    let row = format!("  {program}, its start included{missing}");
    findings.push(&row, &beside, String::new());
    Ok(())
}

fn script() -> String {
    format!(
        "set -e; d=0; while [ $d -lt {DIRECTORIES} ]; do mkdir d$d; f=0; \
         while [ $f -lt {FILES} ]; do : > d$d/file$f.txt; f=$((f+1)); done; d=$((d+1)); done"
    )
}

/// How many files are in a tree.
fn files(node: &Value) -> usize {
    let itself = usize::from(node.get("type").is_some_and(|kind| kind == "file"));
    let children = node.get("children").and_then(Value::as_array);
    let below = children.map_or(0, |children| children.iter().map(files).sum());
    itself + below
}

/// The folder of the one workspace that has the files.
fn workspace(runner: &Runner) -> Result<PathBuf> {
    for entry in fs::read_dir(runner.state().join("sandboxes"))? {
        let workspace = entry?.path().join("workspace");
        if workspace.join("d0").is_dir() {
            return Ok(workspace);
        }
    }
    bail!("no workspace has the files")
}

/// What lists all of it: fd by either of its names, else find.
async fn find_peer(folder: &Path) -> Result<Peer> {
    let folder = folder.to_str().context("a folder that is no text")?;
    let peer = Peer::first(&[
        Peer::new(&["fd", ".", folder]),
        Peer::new(&["fdfind", ".", folder]),
        Peer::new(&["find", folder, "-mindepth", "1"]),
    ])
    .await?;
    let listed = peer.run().await?.lines().count();
    if listed != DIRECTORIES * FILES + DIRECTORIES {
        bail!("{} lists {listed} names", peer.name());
    }
    Ok(peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_are_counted_at_every_depth() {
        let tree = json!({"type": "directory", "children": [
            {"type": "file"},
            {"type": "symlink"},
            {"type": "directory", "children": [{"type": "file"}]},
            {"type": "directory"},
        ]});
        assert_eq!(files(&tree), 2);
    }
}
