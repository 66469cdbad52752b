//! The keeper of a sandbox made of namespaces: it makes all of them but that of mounts, starts
//! process 1 in them, and stays for as long as that lives.
//!
//! The keeper is seen from outside, by a command line that names the runner's state and the
//! sandbox; it outlives the runner that started it. Invariant: when one of the two ends, so does
//! the other, and the kernel ends whatever is in process 1's namespace of processes.

use nix::sched::{CloneFlags, unshare};
use rustix::{
    fd::OwnedFd,
    fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2},
    process::{
        DumpableBehavior, Gid, Pid, Uid, WaitOptions, getgid, getuid, set_dumpable_behavior,
        setsid, waitpid,
    },
    thread::{
        CapabilitySet, CapabilitySets, configure_capability_in_ambient_set, set_capabilities,
        set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};
use sandbox_init::protocol::{Beneath, Hold};
use std::{
    env, fs,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// Who the sandbox's user is inside.
pub(crate) const INSIDE: u32 = 1000;

/// The longest plan, in bytes.
pub(crate) const MAX_PLAN: u64 = 64 * 1024;

pub(crate) fn hold(state: &str, id: &str) -> Result<(), String> {
    let started = read_plan().and_then(|plan| {
        start(&plan, state, id).map_err(|(what, error)| format!("{what}: {error}"))
    });
    let child = started.inspect_err(|fault| {
        println!("fault {}", fault.replace('\n', " "));
    })?;
    println!("init {}", child.id());
    let_go().map_err(|error| error.to_string())?;
    wait_for(&child).map_err(|error| error.to_string())
}

fn read_plan() -> Result<Hold, String> {
    let plan = io::Read::take(io::stdin().lock(), MAX_PLAN);
    serde_json::from_reader(plan).map_err(|error| format!("reading the plan: {error}"))
}

type Fault = (&'static str, io::Error);

fn doing<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Fault {
    move |error| (what, error.into())
}

fn start(plan: &Hold, state: &str, id: &str) -> Result<Child, Fault> {
    // Whoever leads a session already needs no new one.
    let _leads = setsid();
    env::set_current_dir(&plan.folder).map_err(doing("entering the sandbox's folder"))?;
    // As whoever the runner is, who may go where the sandbox's user may not.
    let project = plan.project.as_ref().map(open).transpose();
    let project = project.map_err(doing("opening the project"))?;
    if let Some((uid, gid)) = plan.user {
        become_user(uid, gid).map_err(doing("giving root up"))?;
    }
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    unshare(namespaces).map_err(doing("making namespaces"))?;
    map(uid, gid).map_err(doing("mapping the user"))?;
    let needed = [
        CapabilitySet::SYS_ADMIN,
        CapabilitySet::NET_ADMIN,
        CapabilitySet::SETPCAP,
    ];
    pass_on(&needed).map_err(doing("passing capabilities on"))?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("sandbox-init")
        .args(["boot", state, id])
        .env_clear()
        .stdin(Stdio::piped())
        // Where nothing is ever written: process 1 replaces it before any command can start.
        .stderr(project.map_or_else(Stdio::null, Stdio::from))
        .spawn()
        .map_err(doing("starting process 1"))?;
    let plan = serde_json::to_vec(plan).map_err(doing("writing the plan"))?;
    // It stays open for as long as the keeper lives: so process 1 sees whether it does.
    let written = match &mut child.stdin {
        Some(stdin) => stdin.write_all(&plan),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    };
    written.map_err(doing("writing the plan"))?;
    Ok(child)
}

/// A handle on a folder of the host.
fn open(project: &Beneath) -> io::Result<OwnedFd> {
    let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, &project.root, handle, Mode::empty())?;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(root, &project.below, handle, Mode::empty(), how)?)
}

fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    // Or the files below, in /proc/self, belong to root.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    Ok(())
}

fn map(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{INSIDE} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{INSIDE} {gid} 1"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Lets the next program have these: without, one of a user other than root has none.
fn pass_on(needed: &[CapabilitySet]) -> io::Result<()> {
    let all = needed
        .iter()
        .fold(CapabilitySet::empty(), |all, one| all | *one);
    let sets = CapabilitySets {
        effective: all,
        permitted: all,
        inheritable: all,
    };
    set_capabilities(None, sets)?;
    for capability in needed {
        configure_capability_in_ambient_set(*capability, true)?;
    }
    Ok(())
}

/// Keeps nothing that the runner gave, and no power over the sandbox's namespaces.
fn let_go() -> io::Result<()> {
    env::set_current_dir("/")?;
    forget_stdio()?;
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    Ok(set_capabilities(None, sets)?)
}

/// From here on nobody reads what is written, and there is nothing to be read.
pub(crate) fn forget_stdio() -> io::Result<()> {
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn wait_for(child: &Child) -> io::Result<()> {
    let pid = Pid::from_raw(child.id().cast_signed());
    loop {
        match waitpid(pid, WaitOptions::empty()) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
