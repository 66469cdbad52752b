//! The messages. The runner asks, process 1 ("init") replies to each request once, and tells of
//! commands that ended as it happens.
//!
//! | request | descriptors with it | reply |
//! |---|---|---|
//! | [`Request::Run`] | stdin, stdout, stderr; in the background also the read ends of the last two | [`Reply::Started`] or [`Reply::Refused`] |
//! | [`Request::Kill`], [`Request::Signal`] | | [`Reply::Done`], or `Refused` where there is no such command |
//! | [`Request::KillAll`] | | [`Reply::Done`] |
//! | [`Request::List`] | | [`Reply::Commands`]: those of the background |
//! | [`Request::Take`] | | [`Reply::Taken`] with the read ends of stdout and stderr |
//! | [`Request::Forget`] | | [`Reply::Done`] |
//! | [`Request::Connect`] | | [`Reply::Connected`] with a socket, or `Refused` |
//! | [`Request::Listening`] | | [`Reply::Ports`] |
//!
//! A new connection of the runner replaces the old one. When a connection ends, commands of the
//! foreground are killed, for whoever asked for them is gone; those of the background go on.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The exit code of a command that could not be run because there is no such program.
pub const NOT_FOUND: i32 = 127;

/// The exit code of a command that could not be run for another reason.
pub const NOT_RUN: i32 = 126;

/// A message with the number that ties a reply to its request. Events have 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged<T> {
    /// Chosen by the runner, never 0.
    pub tag: u64,
    /// The message.
    pub body: T,
}

/// What the runner asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Run a command.
    Run(Run),
    /// Kill a command with all its descendants. Its end is told when they are gone.
    Kill {
        /// Which one.
        id: u64,
    },
    /// Send a signal to a command's main process.
    Signal {
        /// Which one.
        id: u64,
        /// The signal's number.
        signal: i32,
    },
    /// Kill all commands.
    KillAll,
    /// Which commands there are in the background, also those that ended and are not forgotten.
    List,
    /// One of these, with the read ends of its output.
    Take {
        /// Which one.
        id: u64,
    },
    /// Do not remember an ended one any longer.
    Forget {
        /// Which one.
        id: u64,
    },
    /// A TCP connection to a port of the sandbox's loopback.
    Connect {
        /// Which one.
        port: u16,
    },
    /// Which of these ports somebody listens on; of none, all that somebody listens on.
    Listening {
        /// Which ones.
        ports: Vec<u16>,
    },
}

/// A command to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The working directory, absolute.
    pub cwd: String,
    /// Variables besides those that init has from its start.
    pub env: BTreeMap<String, String>,
    /// Whether it goes on when the connection ends.
    pub background: bool,
    /// When it is killed, in milliseconds from its start.
    pub timeout_ms: Option<u64>,
    /// What [`Request::Take`] gives back: init does not look into it.
    pub note: String,
}

/// What init replies, or tells by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The command runs.
    Started {
        /// Its id, counted from 1.
        id: u64,
    },
    /// It was not done.
    Refused {
        /// What the fault is.
        fault: Fault,
        /// Why, in words for a person.
        detail: String,
    },
    /// It was done.
    Done,
    /// The commands of the background.
    Commands {
        /// Their ids, ascending.
        ids: Vec<u64>,
    },
    /// One of these.
    Taken {
        /// What was given with [`Run`].
        note: String,
        /// How it ended, if it did.
        exit: Option<Exit>,
    },
    /// The connection is with this packet.
    Connected,
    /// Ports that somebody listens on, ascending.
    Ports {
        /// Which ones.
        ports: Vec<u16>,
    },
    /// Event: a command ended, and none of its processes is left.
    Exited {
        /// Which one.
        id: u64,
        /// How.
        exit: Exit,
    },
    /// Event: a command's processes do not end although they were killed. The sandbox is to be
    /// ended as a whole.
    Unkillable {
        /// Which one.
        id: u64,
    },
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// What it exited with; 128 and the signal's number if one killed it.
    pub code: i32,
    /// Whether its time was up.
    pub timed_out: bool,
}

/// What kind of fault kept init from doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The request breaks a rule.
    Invalid,
    /// There is no such command.
    NotFound,
    /// The working directory is missing or is none.
    Directory,
    /// There are as many commands or processes as there may be.
    Busy,
    /// Nobody listens on that port.
    Unreachable,
    /// Something else failed.
    Failed,
}

/// What `sandbox-init serve` is given, as JSON in its argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// Where it listens.
    pub socket: PathBuf,
    /// After how many seconds without a runner it ends, and the sandbox with it.
    pub unattended_secs: u64,
    /// What each command may use.
    pub limits: CommandLimits,
}

/// What a command may use: limits that every process of it has for itself. Without a number a
/// limit is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLimits {
    /// The size of a file that it writes, in bytes.
    pub file_size: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
    /// Processes and threads of the sandbox's user.
    pub processes: Option<u64>,
    /// Private memory, in bytes.
    pub data: Option<u64>,
    /// Mapped memory, in bytes.
    pub address_space: Option<u64>,
}

/// What `sandbox-init hold` is given, as JSON on its standard input.
///
/// On its standard output it answers with lines: `init PID`, then `ready`, or `fault TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The sandbox's folder, with `workspace/` and `control/` in it.
    pub folder: PathBuf,
    /// Whom the sandbox's processes are on the host; without, whom the caller is.
    pub user: Option<(u32, u32)>,
    /// Its host name.
    pub hostname: String,
    /// The size of all its temporary folders together, in bytes.
    pub tmpfs: u64,
    /// The folder that is its workspace, if that is not the one in `folder`.
    #[serde(default)]
    pub project: Option<Beneath>,
    /// Whether nothing in its workspace may be changed.
    #[serde(default)]
    pub read_only: bool,
    /// The address of its name server, if it has the network.
    pub name_server: Option<String>,
    /// What init is given; `socket` is relative to `folder`.
    pub serve: Serve,
}

/// A folder of the host, reached without following any symlink below `root`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beneath {
    /// An absolute path.
    pub root: PathBuf,
    /// A path relative to it.
    pub below: PathBuf,
}

impl Run {
    /// What is wrong with it, if something is.
    ///
    /// # Errors
    /// A sentence for whoever asked.
    pub fn check(&self) -> Result<(), String> {
        if self.argv.first().is_none_or(String::is_empty) {
            return Err("The command is empty".to_owned());
        }
        let texts = self.argv.iter().chain([&self.cwd]).chain(self.env.values());
        if texts.chain(self.env.keys()).any(|text| text.contains('\0')) {
            return Err("The command, its directory or a variable has a NUL in it".to_owned());
        }
        if !self.cwd.starts_with('/') {
            return Err("The working directory is not absolute".to_owned());
        }
        match self.env.keys().find(|name| !is_variable(name)) {
            Some(name) => Err(format!("`{name}` is no name of a variable")),
            None => Ok(()),
        }
    }
}

/// Whether it is a name that a shell can use.
fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
