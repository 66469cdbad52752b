//! The commands of a sandbox, each below a supervisor of its own.
//!
//! Invariant: a command's end is told only when its supervisor is reaped and no process is left
//! that belongs to no living command.

use super::tree;
use crate::run::{Order, Word};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
    process::{Signal, WaitOptions, wait},
};
use sandbox_init::{
    packet,
    protocol::{CommandLimits, Exit, Fault, Reply, Run, Tagged},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::Stdio,
    time::{Duration, Instant},
};

/// The most commands that run at once.
const MAX_RUNNING: usize = 128;

/// The most commands of the background that ended and are remembered.
const MAX_ENDED: usize = 64;

/// The longest note, in bytes.
const MAX_NOTE: usize = 64 * 1024;

/// How long a tree may take to die before the runner is told that it does not.
const UNKILLABLE: Duration = Duration::from_secs(2);

/// The code of a command that was killed: 128 and SIGKILL.
const KILLED: i32 = 137;

struct Command {
    note: String,
    background: bool,
    deadline: Option<Instant>,
    supervisor: i32,
    /// The supervisor's channel, until it is gone.
    channel: Option<OwnedFd>,
    /// Whether the supervisor is reaped.
    reaped: bool,
    /// The read ends of the output of one in the background.
    held: Vec<OwnedFd>,
    /// The request that is not replied to yet.
    tag: Option<u64>,
    /// Whether the runner was told that it runs.
    started: bool,
    state: State,
}

enum State {
    /// Its supervisor has not spoken.
    Starting,
    /// The main process.
    Running(i32),
    /// Whatever is left of it is being killed.
    Ending {
        exit: Exit,
        since: Instant,
        overdue: bool,
    },
    Ended(Exit),
}

pub(super) struct Commands {
    limits: CommandLimits,
    last: u64,
    all: BTreeMap<u64, Command>,
    news: Vec<(u64, Reply)>,
    /// Whether children ended since the last sweep, or a kill is not finished.
    dirty: bool,
}

type Refusal = (Fault, String);

impl Commands {
    pub(super) fn new(limits: CommandLimits) -> Self {
        Self {
            limits,
            last: 0,
            all: BTreeMap::new(),
            news: Vec::new(),
            dirty: false,
        }
    }

    /// Starts a supervisor. [`Commands::news`] has the reply when the supervisor has spoken.
    pub(super) fn start(&mut self, tag: u64, run: Run, fds: Vec<OwnedFd>) -> Result<(), Refusal> {
        let invalid = |detail: &str| (Fault::Invalid, detail.to_owned());
        run.check().map_err(|detail| (Fault::Invalid, detail))?;
        if run.note.len() > MAX_NOTE {
            return Err(invalid("The note is too long"));
        }
        let expected = if run.background { 5 } else { 3 };
        let mut fds = fds.into_iter();
        let (Some(stdin), Some(stdout), Some(stderr)) = (fds.next(), fds.next(), fds.next()) else {
            return Err(invalid("Descriptors are missing"));
        };
        let held: Vec<OwnedFd> = fds.collect();
        if held.len() + 3 != expected {
            return Err(invalid("Descriptors are missing, or there are too many"));
        }
        if self.running().count() >= MAX_RUNNING {
            return Err((Fault::Busy, "Too many commands are running".to_owned()));
        }
        let (note, background) = (run.note.clone(), run.background);
        let timeout = run.timeout_ms.map(Duration::from_millis);
        let order = Order {
            run,
            limits: self.limits,
        };
        let (supervisor, channel) = supervise(order, [stdin, stdout, stderr])?;
        self.last += 1;
        let command = Command {
            note,
            background,
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            supervisor,
            channel: Some(channel),
            reaped: false,
            held,
            tag: Some(tag),
            started: false,
            state: State::Starting,
        };
        self.all.insert(self.last, command);
        Ok(())
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let channels = self
            .all
            .values()
            .filter_map(|command| command.channel.as_ref());
        channels.map(AsFd::as_fd)
    }

    /// Hears what supervisors say.
    pub(super) fn hear(&mut self) {
        for (id, command) in &mut self.all {
            while let Some(channel) = &command.channel {
                match packet::receive::<Word>(channel) {
                    Ok(Some((word, _))) => command.heard(*id, word.body, &mut self.news),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // Gone, or speaking nonsense: not a supervisor any longer.
                    Ok(None) | Err(_) => {
                        command.channel = None;
                        command.end(KILLED, false);
                        self.dirty = true;
                    }
                }
            }
        }
    }

    /// Takes leave of children that ended.
    pub(super) fn reap(&mut self) {
        while let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG) {
            self.dirty = true;
            let pid = pid.as_raw_nonzero().get();
            let mut alive = self.all.values_mut().filter(|command| !command.reaped);
            if let Some(command) = alive.find(|command| command.supervisor == pid) {
                command.reaped = true;
            }
        }
    }

    /// Kills what belongs to commands that are ending, and what belongs to none, and tells of
    /// those that are gone.
    pub(super) fn sweep(&mut self) -> io::Result<()> {
        if !self.dirty {
            return Ok(());
        }
        let present = self.all.values().filter(|command| !command.reaped);
        let known: BTreeSet<i32> = present.map(|command| command.supervisor).collect();
        let ending = self
            .all
            .values()
            .filter(|command| command.is_to_be_killed());
        let roots: BTreeSet<i32> = ending.map(|command| command.supervisor).collect();
        let found = tree::kill(&roots, &known)?;
        self.dirty = found || self.all.values().any(|c| c.is_ending() && !c.reaped);
        for (id, command) in &mut self.all {
            let State::Ending {
                exit,
                since,
                overdue,
            } = &mut command.state
            else {
                continue;
            };
            if command.reaped && !found {
                let exit = *exit;
                command.state = State::Ended(exit);
                command.channel = None;
                self.news.extend(command.last_words(*id, exit));
            } else if !*overdue && since.elapsed() > UNKILLABLE {
                *overdue = true;
                self.news.push((0, Reply::Unkillable { id: *id }));
            }
        }
        self.forget_ended();
        Ok(())
    }

    /// Those of the foreground are told of once; of the background the latest are kept.
    fn forget_ended(&mut self) {
        let ended = |command: &Command| matches!(command.state, State::Ended(_));
        self.all
            .retain(|_, command| (command.background && command.started) || !ended(command));
        let mut old: Vec<u64> = Vec::new();
        old.extend(
            self.all
                .iter()
                .filter(|(_, command)| ended(command))
                .map(|(id, _)| *id),
        );
        let surplus = old.len().saturating_sub(MAX_ENDED);
        for id in old.into_iter().take(surplus) {
            self.all.remove(&id);
        }
    }

    pub(super) fn end_overdue(&mut self, now: Instant) {
        for command in self.all.values_mut() {
            if command.is_alive() && command.deadline.is_some_and(|deadline| deadline <= now) {
                command.end(KILLED, true);
                self.dirty = true;
            }
        }
    }

    /// Nobody waits for the commands of the foreground any longer.
    pub(super) fn end_foreground(&mut self) {
        self.end_all(|command| !command.background);
        self.news.clear();
    }

    pub(super) fn kill_all(&mut self) {
        self.end_all(|_| true);
    }

    fn end_all(&mut self, which: impl Fn(&Command) -> bool) {
        for command in self.all.values_mut().filter(|command| which(command)) {
            command.end(KILLED, false);
        }
        self.dirty = true;
    }

    /// Returns whether there is one of that id.
    pub(super) fn kill(&mut self, id: u64) -> bool {
        let command = self.all.get_mut(&id);
        self.dirty |= command.is_some();
        command.map(|command| command.end(KILLED, false)).is_some()
    }

    pub(super) fn signal(&mut self, id: u64, signal: Signal) -> bool {
        match self.all.get(&id).map(|command| &command.state) {
            Some(State::Running(main)) => {
                tree::signal(*main, signal);
                true
            }
            found => found.is_some(),
        }
    }

    pub(super) fn forget(&mut self, id: u64) -> bool {
        let ended = |command: &Command| matches!(command.state, State::Ended(_));
        if self.all.get(&id).is_some_and(ended) {
            self.all.remove(&id);
            return true;
        }
        false
    }

    pub(super) fn background(&self) -> Vec<u64> {
        let background = self
            .all
            .iter()
            .filter(|(_, command)| command.background && command.started);
        background.map(|(id, _)| *id).collect()
    }

    /// A command's note, how it ended if it did, and copies of its read ends.
    pub(super) fn take(&self, id: u64) -> io::Result<(String, Option<Exit>, Vec<OwnedFd>)> {
        let command = self.all.get(&id).ok_or(io::ErrorKind::NotFound)?;
        let fds = command.held.iter().map(OwnedFd::try_clone);
        let exit = match command.state {
            State::Ended(exit) => Some(exit),
            _ => None,
        };
        Ok((command.note.clone(), exit, fds.collect::<io::Result<_>>()?))
    }

    /// What is to be told, since the last call.
    pub(super) fn news(&mut self) -> Vec<(u64, Reply)> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let alive = self.all.values().filter(|command| command.is_alive());
        alive.filter_map(|command| command.deadline).min()
    }

    pub(super) fn are_ending(&self) -> bool {
        self.dirty
    }

    fn running(&self) -> impl Iterator<Item = &Command> {
        let all = self.all.values();
        all.filter(|command| !matches!(command.state, State::Ended(_)))
    }
}

impl Command {
    fn heard(&mut self, id: u64, word: Word, news: &mut Vec<(u64, Reply)>) {
        match (word, &self.state) {
            (Word::Started(main), State::Starting) => {
                news.extend(self.tag.take().map(|tag| (tag, Reply::Started { id })));
                self.started = true;
                self.state = State::Running(main);
            }
            (Word::Refused(fault, detail), State::Starting) => {
                let reply = Reply::Refused { fault, detail };
                news.extend(self.tag.take().map(|tag| (tag, reply)));
                self.end(KILLED, false);
            }
            (Word::Exited(code), State::Running(_)) => self.end(code, false),
            _ => {}
        }
    }

    /// What is to be told when nothing is left of it. One whose supervisor was killed before it
    /// could speak has run, for all that anybody can know.
    fn last_words(&mut self, id: u64, exit: Exit) -> Vec<(u64, Reply)> {
        let exited = (0, Reply::Exited { id, exit });
        match self.tag.take() {
            Some(tag) => vec![(tag, Reply::Started { id }), exited],
            None if self.started => vec![exited],
            None => Vec::new(),
        }
    }

    fn is_alive(&self) -> bool {
        matches!(self.state, State::Starting | State::Running(_))
    }

    fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending { .. })
    }

    fn is_to_be_killed(&self) -> bool {
        self.is_ending() && !self.reaped
    }

    /// Begins its end, unless it has begun.
    fn end(&mut self, code: i32, timed_out: bool) {
        if self.is_alive() {
            self.state = State::Ending {
                exit: Exit { code, timed_out },
                since: Instant::now(),
                overdue: false,
            };
        }
    }
}

/// Starts a supervisor with these as its standard descriptors.
fn supervise(order: Order, stdio: [OwnedFd; 3]) -> Result<(i32, OwnedFd), Refusal> {
    let failed = |what: &str, error: io::Error| (Fault::Failed, format!("{what}: {error}"));
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(|error| failed("a channel", error.into()))?;
    let order = Tagged {
        tag: 0,
        body: order,
    };
    packet::send(&ours, &order, &[]).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => (Fault::Invalid, "The command is too long".to_owned()),
        _ => failed("the order", error),
    })?;
    // Only this one child gets it: nothing else is started before it is closed here.
    fcntl_setfd(&theirs, FdFlags::empty()).map_err(|error| failed("a channel", error.into()))?;
    let [stdin, stdout, stderr] = stdio.map(Stdio::from);
    let spawned = std::process::Command::new("/proc/self/exe")
        .arg0("sandbox-init")
        .args(["run", &theirs.as_raw_fd().to_string()])
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .spawn();
    match spawned {
        Ok(child) => Ok((child.id().cast_signed(), ours)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err((Fault::Busy, "There are too many processes".to_owned()))
        }
        Err(error) => Err(failed("a supervisor", error)),
    }
}
