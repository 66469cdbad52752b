//! What the kernel says about a process.

use std::fs;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Resident memory, in bytes.
pub(super) fn memory(id: u32) -> Result<u64> {
    let path = format!("/proc/{id}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .with_context(|| format!("{path} has no VmRSS"))?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}

/// Processor time in user space and in the kernel, of all its threads, in seconds.
pub(super) fn processor_time(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = ticks(&text).with_context(|| format!("{path} has an unknown form"))?;
    #[allow(clippy::cast_precision_loss, reason = "hundredths of seconds")]
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The sum of the 14th and 15th field. The second may have anything in it, and ends with the
/// last parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

/// Lets this process and those it starts have so many file descriptors.
pub(crate) fn allow_descriptors(wanted: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|most| most < wanted) {
        bail!("{wanted} file descriptors are needed: see `ulimit -Hn`");
    }
    limit.current = Some(wanted);
    setrlimit(Resource::Nofile, limit).context("raising the limit of file descriptors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_process_with_an_odd_name() {
        let stat = "7 (a) (b) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 5 6 20 0 1 0 99 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }
}
