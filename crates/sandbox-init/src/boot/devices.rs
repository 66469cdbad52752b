//! `/dev`: what programs cannot do without, and nothing of the machine's.

use super::mounts::{Fault, below, doing, folder, show};
use rustix::mount::{MountFlags, mount};
use std::os::unix::fs::symlink;

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

pub(super) fn provide() -> Result<(), Fault> {
    for name in DEVICES {
        show(&format!("/dev/{name}"))?;
    }
    for (to, name) in LINKS {
        let link = below(&format!("/dev/{name}"));
        symlink(to, link).map_err(doing(format!("/dev/{name}")))?;
    }
    let terminals = folder("/dev/pts")?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let options = c"newinstance,ptmxmode=0666,mode=0620,max=64";
    mount("devpts", &terminals, "devpts", flags, options).map_err(doing("terminals"))
}
