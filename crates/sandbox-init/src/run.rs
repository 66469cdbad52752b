//! The supervisor of one command: it sets the limits, starts the command, adopts what the
//! command leaves behind, and tells process 1 how it ended.
//!
//! Invariant: whatever descends from the command is below this process as long as it lives, so
//! that process 1 finds the whole tree. If the command kills its supervisor, the tree falls to
//! process 1, which kills what it does not know.

use nix::sys::signal::SigSet;
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{
        DumpableBehavior, Resource, Rlimit, WaitOptions, getrlimit, set_child_subreaper,
        set_dumpable_behavior, setrlimit, setsid, wait,
    },
};
use sandbox_init::{
    packet,
    protocol::{CommandLimits, Fault, NOT_FOUND, NOT_RUN, Run, Tagged},
};
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    io::{self, Write},
    os::{
        fd::{FromRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus},
};

/// What process 1 gives a supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) run: Run,
    pub(crate) limits: CommandLimits,
}

/// What a supervisor tells process 1.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The command runs, with that process id.
    Started(i32),
    /// It was not started.
    Refused(Fault, String),
    /// It ended with that code.
    Exited(i32),
}

/// What every command has, unless init was given it otherwise.
const DEFAULTS: [(&str, &str); 5] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("HOME", "/home/agent"),
    ("LANG", "C.UTF-8"),
    ("SHELL", "/bin/sh"),
    ("USER", "agent"),
];

/// How likely the kernel ends a command when memory runs out, before process 1.
const OOM_SCORE: &str = "500";

pub(crate) fn supervise(fd: &str) -> Result<(), String> {
    // Process 1 hears no signals, and who it starts inherits that. A command is to hear them.
    let unmasked = SigSet::empty().thread_set_mask();
    unmasked.map_err(|error| format!("the signal mask: {error}"))?;
    let channel = take_channel(fd)?;
    prepare().map_err(|error| format!("preparing: {error}"))?;
    let order = packet::receive::<Order>(&channel)
        .map_err(|error| format!("the order: {error}"))?
        .ok_or("process 1 is gone")?
        .0
        .body;
    let say = |word| packet::send(&channel, &Tagged { tag: 0, body: word }, &[]);
    let word = match start(&order) {
        Ok(Started::Runs(pid)) => {
            say(Word::Started(pid)).map_err(|error| error.to_string())?;
            Word::Exited(wait_for(pid).map_err(|error| error.to_string())?)
        }
        Ok(Started::Ended(code)) => {
            say(Word::Started(0)).map_err(|error| error.to_string())?;
            Word::Exited(code)
        }
        Err((fault, detail)) => Word::Refused(fault, detail),
    };
    say(word).map_err(|error| error.to_string())
}

/// The descriptor that process 1 left open for this program, and for no other after it.
#[expect(
    unsafe_code,
    reason = "an inherited descriptor is known by its number alone"
)]
fn take_channel(fd: &str) -> Result<OwnedFd, String> {
    let fd = fd.parse().map_err(|_| "no descriptor")?;
    if fd < 3 {
        return Err("no descriptor".to_owned());
    }
    // SAFETY: this program has just begun, and nothing else in it owns a descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC).map_err(|error| error.to_string())?;
    Ok(fd)
}

fn prepare() -> io::Result<()> {
    // First, for the file belongs to root as soon as nobody may look into this process. Where
    // it is refused the command is not likelier than others to be ended, no more.
    let _best_effort = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_child_subreaper(Some(rustix::process::getpid()))?;
    // A session of its own, so that a command has nothing to do with another's terminal.
    setsid()?;
    Ok(())
}

enum Started {
    Runs(i32),
    Ended(i32),
}

fn start(order: &Order) -> Result<Started, (Fault, String)> {
    let Order { run, limits } = order;
    run.check().map_err(|detail| (Fault::Invalid, detail))?;
    if !fs::metadata(&run.cwd).is_ok_and(|folder| folder.is_dir()) {
        let detail = format!("The working directory {} does not exist", run.cwd);
        return Err((Fault::Directory, detail));
    }
    limit(limits).map_err(|error| (Fault::Failed, format!("The limits: {error}")))?;
    let Some((program, arguments)) = run.argv.split_first() else {
        return Err((Fault::Invalid, "The command is empty".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, value) in DEFAULTS {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    command
        .envs(&run.env)
        .env("PWD", &run.cwd)
        .current_dir(&run.cwd)
        .process_group(0);
    match command.spawn() {
        Ok(child) => Ok(Started::Runs(child.id().cast_signed())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err((Fault::Busy, "There are too many processes".to_owned()))
        }
        Err(error) => Ok(Started::Ended(not_run(program, &error))),
    }
}

/// Says it as a shell does: to whoever reads the command's errors.
fn not_run(program: &str, error: &io::Error) -> i32 {
    let (code, why) = match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, "not found".to_owned()),
        io::ErrorKind::PermissionDenied => (NOT_RUN, "permission denied".to_owned()),
        _ => (NOT_RUN, error.to_string()),
    };
    // Whoever closed that pipe does not want to know.
    let _nobody_reads = writeln!(io::stderr(), "{program}: {why}");
    code
}

fn limit(limits: &CommandLimits) -> io::Result<()> {
    let wanted = [
        (Resource::Core, Some(0)),
        (Resource::Fsize, limits.file_size),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, limits.processes),
        (Resource::Data, limits.data),
        (Resource::As, limits.address_space),
    ];
    for (resource, limit) in wanted {
        let Some(limit) = limit else { continue };
        // What is lower already stays: raising it is not ours.
        let limit = getrlimit(resource)
            .maximum
            .map_or(limit, |now| now.min(limit));
        let both = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, both)?;
    }
    Ok(())
}

/// Waits for the main process, and reaps what else it left here.
fn wait_for(main: i32) -> io::Result<i32> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == main => {
                let status = ExitStatus::from_raw(status.as_raw());
                let signal = status.signal().map(|signal| 128 + signal);
                return Ok(status.code().or(signal).unwrap_or(NOT_RUN));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
