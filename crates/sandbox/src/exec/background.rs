//! A command of the background.
//!
//! Invariant: it ends when its sandbox's init says so, or when the sandbox is gone; a broken
//! connection or another runner does not end it.

use super::{
    Command, CommandLine, Exec, ExecError,
    capture::Capture,
    launch::{Launched, ended, launch, read, read_rest},
};
use crate::control::{Control, ControlError, End};
use sandbox_init::protocol::{Exit, Reply, Request};
use serde::{Deserialize, Serialize};
use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::unix::pipe::Receiver, sync::watch, task::JoinHandle};

/// The code of a command whose sandbox ended: 128 and SIGKILL.
const KILLED: i32 = 137;

/// How long to wait after a connection broke, before asking again.
const AGAIN: Duration = Duration::from_millis(100);

/// What init keeps for a later runner.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    command: CommandLine,
    started_at: i64,
}

/// A command with the task that follows it, which ends when this is dropped: another runner's
/// connection is not to be fought for.
#[derive(Debug)]
pub(super) struct Followed {
    command: Arc<Background>,
    /// None for one that had ended already.
    task: Option<JoinHandle<()>>,
}

impl Deref for Followed {
    type Target = Arc<Background>;

    fn deref(&self) -> &Arc<Background> {
        &self.command
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[derive(Debug)]
pub(super) struct Background {
    id: u64,
    note: Note,
    /// Whether an earlier runner has read some of its output.
    adopted: bool,
    stdout: Mutex<Capture>,
    stderr: Mutex<Capture>,
    exit: watch::Sender<Option<Exit>>,
}

impl Background {
    pub(super) async fn start(
        control: &Arc<Control>,
        exec: &Exec,
        limit: usize,
    ) -> Result<Followed, ExecError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let note = Note {
            command: exec.command.clone(),
            started_at: since.map_or(0, |time| {
                i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
            }),
        };
        let text = serde_json::to_string(&note).map_err(std::io::Error::from)?;
        let Launched {
            mut guard,
            stdout,
            stderr,
            end,
        } = launch(control, exec, true, text).await?;
        guard.disarm();
        let command = Self::new(guard.id, note, false, limit);
        Ok(command.follow(control, [stdout, stderr], end))
    }

    /// Takes over what an earlier runner left.
    pub(super) async fn adopt(
        control: &Arc<Control>,
        id: u64,
        limit: usize,
    ) -> Result<Followed, ExecError> {
        let answer = control.ask(Request::Take { id }, &[]).await?;
        let Reply::Taken { note, exit } = answer.reply else {
            return Err(ControlError::Nonsense.into());
        };
        let note = serde_json::from_str(&note).map_err(|_| ControlError::Nonsense)?;
        let command = Self::new(id, note, true, limit);
        let [stdout, stderr]: [_; 2] = answer.fds.try_into().map_err(|_| ControlError::Nonsense)?;
        let pipes = [
            Receiver::from_owned_fd(stdout)?,
            Receiver::from_owned_fd(stderr)?,
        ];
        match (exit, answer.end) {
            (None, Some(end)) => Ok(command.follow(control, pipes, end)),
            (Some(exit), _) => {
                let [stdout, stderr] = &pipes;
                read_rest(stdout, |bytes| keep(&command.stdout, bytes));
                read_rest(stderr, |bytes| keep(&command.stderr, bytes));
                command.exit.send_replace(Some(exit));
                Ok(Followed {
                    command,
                    task: None,
                })
            }
            (None, None) => Err(ControlError::Nonsense.into()),
        }
    }

    fn new(id: u64, note: Note, adopted: bool, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            id,
            note,
            adopted,
            stdout: Mutex::new(Capture::new(limit)),
            stderr: Mutex::new(Capture::new(limit)),
            exit: watch::Sender::new(None),
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    pub(super) async fn ended(&self) {
        let mut exit = self.exit.subscribe();
        // The sender is this very command: it is there.
        let _told = exit.wait_for(Option::is_some).await;
    }

    pub(super) fn snapshot(&self) -> Command {
        let exit = *self.exit.borrow();
        let (stdout, out_cut) = shown(&self.stdout);
        let (stderr, err_cut) = shown(&self.stderr);
        Command {
            id: self.id,
            command: self.note.command.clone(),
            started_at: self.note.started_at,
            exit_code: exit.map(|exit| exit.code),
            timed_out: exit.is_some_and(|exit| exit.timed_out),
            stdout,
            stderr,
            truncated: self.adopted || out_cut || err_cut,
        }
    }

    fn follow(
        self: Arc<Self>,
        control: &Arc<Control>,
        pipes: [Receiver; 2],
        end: watch::Receiver<End>,
    ) -> Followed {
        let (this, control) = (self.clone(), control.clone());
        let [stdout, stderr] = pipes;
        let task = tokio::spawn(async move {
            // The pipes outlive a connection: they are read until the command's end is known.
            let (over, known) = watch::channel(End::NotYet);
            let told = async {
                let exit = this.last(&control, end).await;
                over.send_replace(End::Exited(exit));
                exit
            };
            let (exit, (), ()) = tokio::join!(
                told,
                read(stdout, known.clone(), |bytes| keep(&this.stdout, bytes)),
                read(stderr, known.clone(), |bytes| keep(&this.stderr, bytes)),
            );
            this.exit.send_replace(Some(exit));
        });
        Followed {
            command: self,
            task: Some(task),
        }
    }

    /// How it ended, asked again for as often as the connection breaks.
    async fn last(&self, control: &Control, mut end: watch::Receiver<End>) -> Exit {
        let gone = Exit {
            code: KILLED,
            timed_out: false,
        };
        loop {
            match ended(end.clone()).await {
                Ok(exit) => return exit,
                // The sandbox is restarted for that: its connection will break.
                Err(ExecError::Unkillable) => {
                    if end.changed().await.is_ok() {
                        continue;
                    }
                }
                Err(_) => {}
            }
            end = loop {
                match control.ask(Request::Take { id: self.id }, &[]).await {
                    Ok(answer) => match (answer.reply, answer.end) {
                        (
                            Reply::Taken {
                                exit: Some(exit), ..
                            },
                            _,
                        ) => return exit,
                        (_, Some(end)) => break end,
                        _ => return gone,
                    },
                    Err(ControlError::Broken) => tokio::time::sleep(AGAIN).await,
                    Err(_) => return gone,
                }
            };
        }
    }
}

fn keep(capture: &Mutex<Capture>, bytes: &[u8]) {
    let mut capture = capture.lock().unwrap_or_else(PoisonError::into_inner);
    capture.push(bytes);
}

fn shown(capture: &Mutex<Capture>) -> (String, bool) {
    let capture = capture.lock().unwrap_or_else(PoisonError::into_inner);
    (capture.text(), capture.is_cut())
}
