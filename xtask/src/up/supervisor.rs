//! Keeps the processes of a stack running until it is told to stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::child::Running;
use super::stack::Process;
use super::state::State;
use crate::process::pause;

/// How long a process may take until it is ready. The edge compiles its components when
/// they are new.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// How long a process may take to finish what is under way.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A process that ends more often than this within a minute is given up.
const CRASHES_A_MINUTE: usize = 5;

/// Counts the requests to stop: the first is heeded in order, a second at once.
#[derive(Debug, Clone)]
pub(super) struct StopRequests(Arc<AtomicUsize>);

impl StopRequests {
    /// From now on Ctrl-C and SIGTERM do not end this process but are counted.
    pub(super) fn listen() -> Result<Self> {
        let count = Arc::new(AtomicUsize::new(0));
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals cannot be caught")?;
        let counter = Arc::clone(&count);
        thread::spawn(move || {
            for _ in signals.forever() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self(count))
    }

    /// Whether the stack should stop.
    pub(super) fn stop(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    fn hurry(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 1
    }
}

/// The running processes, in the order in which they were started.
pub(super) struct Supervisor<'a> {
    state: &'a State,
    requests: StopRequests,
    processes: Vec<Supervised>,
}

struct Supervised {
    process: Process,
    running: Option<Running>,
    crashes: VecDeque<Instant>,
    retry_at: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    /// Starts each process when the one before it is ready.
    pub(super) fn start(
        processes: Vec<Process>,
        state: &'a State,
        requests: StopRequests,
    ) -> Result<Self> {
        let mut supervisor = Self {
            state,
            requests,
            processes: Vec::new(),
        };
        for process in processes {
            let mut next = Supervised {
                process,
                running: None,
                crashes: VecDeque::new(),
                retry_at: None,
            };
            if let Err(error) = next.start(state, &supervisor.requests) {
                supervisor.stop();
                return Err(error);
            }
            supervisor.processes.push(next);
        }
        Ok(supervisor)
    }

    /// Watches until a stop is asked for, or a process cannot be kept running.
    pub(super) fn watch(&mut self) -> Result<()> {
        while !self.requests.stop() {
            for supervised in &mut self.processes {
                if let Err(error) = supervised.look_after(self.state, &self.requests) {
                    if self.requests.stop() {
                        break;
                    }
                    return Err(error);
                }
            }
            pause(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Stops the processes, the last started first: the front door closes before what it
    /// leads to.
    pub(super) fn stop(&mut self) {
        let hurry = || self.requests.hurry();
        for supervised in self.processes.iter_mut().rev() {
            if let Some(mut running) = supervised.running.take() {
                running.stop(STOP_LIMIT, &hurry);
            }
        }
    }
}

impl Drop for Supervisor<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Supervised {
    fn start(&mut self, state: &State, requests: &StopRequests) -> Result<()> {
        let name = self.process.name;
        let log = (state.log(name), state.open_log(name)?);
        let stopping = || requests.stop();
        let (command, listeners) = (&mut self.process.command, self.process.listeners);
        let running = Running::start(name, command, log, listeners, READY_LIMIT, &stopping)?;
        self.running = Some(running);
        Ok(())
    }

    /// Notices an end, and starts the process again: at once the first time, then after
    /// longer and longer waits.
    fn look_after(&mut self, state: &State, requests: &StopRequests) -> Result<()> {
        if let Some(running) = &mut self.running {
            let Some(status) = running.ended()? else {
                return Ok(());
            };
            let report = running.end_report(status);
            self.running = None;
            return self.note_crash(&report);
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        match self.start(state, requests) {
            Ok(()) => eprintln!("{} is running again", self.process.name),
            Err(error) if requests.stop() => return Err(error),
            Err(error) => self.note_crash(&format!("{error:#}"))?,
        }
        Ok(())
    }

    fn note_crash(&mut self, report: &str) -> Result<()> {
        let now = Instant::now();
        self.crashes.push_back(now);
        while self
            .crashes
            .front()
            .is_some_and(|at| now - *at > Duration::from_secs(60))
        {
            self.crashes.pop_front();
        }
        if self.crashes.len() >= CRASHES_A_MINUTE {
            bail!(
                "{report}{} ended {} times in a minute: giving up",
                self.process.name,
                self.crashes.len()
            );
        }
        // 0, 1, 2, 4 seconds.
        let seconds = if self.crashes.len() < 2 {
            0
        } else {
            1 << (self.crashes.len() - 2)
        };
        eprintln!(
            "{report}{} is started again in {seconds} s",
            self.process.name
        );
        self.retry_at = Some(now + Duration::from_secs(seconds));
        Ok(())
    }
}
