//! What this machine's disk takes for a record that must survive a crash.
//!
//! A sandbox is recorded before it is started, so this is in every launch; it differs between
//! disks by a factor of a hundred, and explains more of a figure than any code does.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// About as long as a sandbox's record.
const RECORD: [u8; 300] = [b'x'; 300];

/// How long it takes to store a record in a folder: the file, its name, and both for good.
pub(super) fn time(folder: &Path) -> Result<Duration> {
    store(folder).with_context(|| format!("storing a record in {}", folder.display()))
}

fn store(folder: &Path) -> Result<Duration> {
    let [unfinished, finished] = ["record.unfinished", "record"].map(|name| folder.join(name));
    let begun = Instant::now();
    let mut file = File::create(&unfinished)?;
    file.write_all(&RECORD)?;
    file.sync_all()?;
    fs::rename(&unfinished, &finished)?;
    File::open(folder)?.sync_all()?;
    Ok(begun.elapsed())
}
