//! `/proc`, of the sandbox's own processes. What it tells of the machine beyond what programs
//! look up is covered, as engines of containers do it.

use super::mounts::{Fault, below, doing, folder};
use rustix::mount::{MountFlags, mount, mount_bind};
use std::fs;

const COVERED: [&str; 17] = [
    "acpi",
    "asound",
    "cmdline",
    "config.gz",
    "diskstats",
    "interrupts",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "partitions",
    "sched_debug",
    "scsi",
    "timer_list",
];

pub(super) fn provide() -> Result<(), Fault> {
    let proc = folder("/proc")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", &proc, "proc", flags, c"").map_err(doing("mounting /proc"))?;
    let empty = folder("/.empty")?;
    let null = below("/dev/null");
    for name in COVERED {
        let path = proc.join(name);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue; // this kernel has none
        };
        let cover = if metadata.is_dir() { &empty } else { &null };
        mount_bind(cover, &path).map_err(doing(format!("covering /proc/{name}")))?;
    }
    Ok(())
}
