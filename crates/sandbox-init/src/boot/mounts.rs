//! The file system that a sandbox sees: the host's programs, read-only, made-up settings, a few
//! devices, one temporary file system, and the workspace.
//!
//! It is built below [`ROOT`] in a mount namespace of its own and then entered. Invariant: what
//! is not named here is not there, and every mount that is not in [`WRITABLE`] is read-only, as
//! is read back from the kernel and not assumed.

use super::{devices, proc, settings};
use nix::sched::{CloneFlags, unshare};
use rustix::{
    fs::{Mode, mkdir},
    mount::{
        MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
        mount_change, mount_remount, unmount,
    },
    process::{chdir, pivot_root},
};
use sandbox_init::protocol::Hold;
use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

/// Where it is built: a folder that every system has and that nothing is taken from.
const ROOT: &str = "/tmp";

/// The host's programs and what they are linked with.
const PROGRAMS: [&str; 7] = ["bin", "sbin", "usr", "lib", "lib32", "lib64", "libx32"];

/// Where commands may write. All but the workspace and `/dev/pts` are one temporary file system.
const WRITABLE: [&str; 8] = [
    "/workspace",
    "/tmp",
    "/run",
    "/home/agent",
    "/var/tmp",
    "/dev/shm",
    "/dev/pts",
    "/proc",
];

/// How many files the temporary file system may have.
const TEMPORARY_FILES: u32 = 200_000;

pub(super) type Fault = (String, io::Error);

/// Names what was being done beside why it failed.
pub(super) fn doing<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Fault {
    move |error| (what.into(), error.into())
}

/// Builds the file system and makes it the only one. The working directory is the sandbox's
/// folder on the host before, or the project, and the workspace after.
pub(super) fn enter(plan: &Hold) -> Result<(), Fault> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(doing("a namespace of mounts"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(doing("keeping mounts private"))?;
    let small = "mode=0755,size=4m,nr_inodes=4096";
    tmpfs(Path::new(ROOT), small).map_err(doing("the root"))?;
    programs()?;
    settings::provide(plan)?;
    devices::provide()?;
    temporary(plan.tmpfs)?;
    workspace(plan)?;
    proc::provide()?;
    seal()?;
    pivot().map_err(doing("entering the root"))
}

/// A path of the sandbox, while it is built.
pub(super) fn below(path: &str) -> PathBuf {
    Path::new(ROOT).join(path.trim_start_matches('/'))
}

/// Makes a folder and those above it.
pub(super) fn folder(path: &str) -> Result<PathBuf, Fault> {
    let path = below(path);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&path);
    made.map_err(doing(format!("making {}", path.display())))?;
    Ok(path)
}

/// Shows a file or folder of the host in the same place. One that the host does not have is
/// left out; a symbolic link is made again.
pub(super) fn show(path: &str) -> Result<(), Fault> {
    let host = Path::new(path);
    let what = || format!("showing {path}");
    let kind = match fs::symlink_metadata(host) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err((what(), error)),
        Ok(metadata) => metadata.file_type(),
    };
    if let Some(parent) = host.parent().and_then(Path::to_str) {
        folder(parent)?;
    }
    let target = below(path);
    let shown = if kind.is_symlink() {
        fs::read_link(host).and_then(|link| symlink(link, &target))
    } else if kind.is_dir() {
        mkdir(&target, Mode::from_raw_mode(0o755))
            .and_then(|()| mount_bind_recursive(host, &target))
            .map_err(io::Error::from)
    } else {
        fs::write(&target, "").and_then(|()| Ok(mount_bind(host, &target)?))
    };
    shown.map_err(doing(what()))
}

pub(super) fn tmpfs(target: &Path, options: &str) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options = std::ffi::CString::new(options)?;
    Ok(mount("tmpfs", target, "tmpfs", flags, options.as_c_str())?)
}

fn programs() -> Result<(), Fault> {
    PROGRAMS
        .iter()
        .try_for_each(|name| show(&format!("/{name}")))
}

/// One file system for all, so that one limit holds for all.
fn temporary(size: u64) -> Result<(), Fault> {
    let scratch = folder("/.scratch")?;
    let options = format!("mode=0755,size={size},nr_inodes={TEMPORARY_FILES}");
    tmpfs(&scratch, &options).map_err(doing("temporary folders"))?;
    let folders = [
        ("tmp", "/tmp", 0o1777),
        ("run", "/run", 0o755),
        ("home", "/home/agent", 0o755),
        ("var-tmp", "/var/tmp", 0o1777),
        ("shm", "/dev/shm", 0o1777),
    ];
    for (name, path, mode) in folders {
        let source = scratch.join(name);
        let target = folder(path)?;
        let made = fs::create_dir(&source)
            .and_then(|()| {
                fs::set_permissions(&source, std::os::unix::fs::PermissionsExt::from_mode(mode))
            })
            .and_then(|()| Ok(mount_bind(&source, &target)?));
        made.map_err(doing(format!("the folder {path}")))?;
    }
    unmount(&scratch, UnmountFlags::DETACH).map_err(doing("temporary folders"))?;
    fs::remove_dir(&scratch).map_err(doing("temporary folders"))
}

/// By the working directory, because the folders above may be closed to the sandbox's user. Of a
/// project it is the folder itself.
fn workspace(plan: &Hold) -> Result<(), Fault> {
    let source = match plan.project {
        None => "workspace",
        Some(_) => ".",
    };
    let sealed = match plan.read_only {
        true => MountFlags::RDONLY,
        false => MountFlags::empty(),
    };
    let target = folder("/workspace")?;
    let bind = || -> io::Result<()> {
        mount_bind(source, &target)?;
        let flags = MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV | sealed;
        Ok(mount_remount(&target, flags | kept_flags(&target)?, c"")?)
    };
    bind().map_err(doing("the workspace"))
}

/// Makes read-only what is not to be written to, and takes set-user-id bits and devices away.
fn seal() -> Result<(), Fault> {
    for (target, options) in mounted().map_err(doing("reading the mounts"))? {
        let Ok(inside) = target.strip_prefix(ROOT) else {
            continue;
        };
        let inside = Path::new("/").join(inside);
        if WRITABLE.iter().any(|path| inside == Path::new(path)) {
            continue;
        }
        let mut flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
        if !inside.starts_with("/dev") {
            flags |= MountFlags::NODEV;
        }
        let what = format!("making {} read-only", inside.display());
        mount_remount(&target, flags | kept(&options), c"").map_err(doing(what))?;
    }
    Ok(())
}

/// The options that a mount has and has to keep: the kernel lets nobody take them off.
fn kept(options: &str) -> MountFlags {
    let each = options.split(',').map(|option| match option {
        "ro" => MountFlags::RDONLY,
        "nosuid" => MountFlags::NOSUID,
        "nodev" => MountFlags::NODEV,
        "noexec" => MountFlags::NOEXEC,
        "noatime" => MountFlags::NOATIME,
        "nodiratime" => MountFlags::NODIRATIME,
        "relatime" => MountFlags::RELATIME,
        _ => MountFlags::empty(),
    });
    each.fold(MountFlags::empty(), |all, one| all | one)
}

fn kept_flags(target: &Path) -> io::Result<MountFlags> {
    let mounts = mounted()?;
    let last = mounts.iter().rev().find(|(path, _)| path == target);
    Ok(last.map_or(MountFlags::empty(), |(_, options)| kept(options)))
}

/// All mounts with their options, as `/proc/self/mountinfo` has them.
fn mounted() -> io::Result<Vec<(PathBuf, String)>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(4);
        let target = unescaped(fields.next()?);
        Some((PathBuf::from(target), fields.next()?.to_owned()))
    });
    Ok(lines.collect())
}

/// White space and backslashes in a path are written as `\040`, in octal.
fn unescaped(text: &str) -> String {
    let spelled = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let plain = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    spelled.into_iter().fold(text.to_owned(), plain)
}

fn pivot() -> io::Result<()> {
    chdir(ROOT)?;
    pivot_root(".", ".")?;
    // The old root lies over the new one now.
    unmount(".", UnmountFlags::DETACH)?;
    env::set_current_dir("/workspace")
}
