//! Rooms: how many messages reach their readers, and what a reader who waits costs.

mod fan_out;
mod idle;

use std::path::Path;

use anyhow::Result;

use crate::runner::allow_descriptors;

/// File descriptors of the runner, and of this program.
const DESCRIPTORS: u64 = 4096;

/// Measures both and returns the tables.
pub(crate) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    allow_descriptors(DESCRIPTORS)?;
    let fan_out = fan_out::measure(binaries, quick).await?;
    let idle = idle::measure(binaries, quick).await?;
    Ok(format!("{fan_out}\n{idle}"))
}
