//! A sandbox that runs, as its user sees it.

use super::{
    Command, Exec, ExecError, ExecStream, Output,
    background::{Background, Followed},
    capture::Capture,
    launch::{Launched, ended, launch, read},
};
use crate::{
    backend::Running,
    control::{Control, ControlError},
};
use sandbox_init::protocol::{Reply, Request};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// How many commands of the background that ended are remembered.
const MAX_ENDED: usize = 32;

/// How long a killed command may take to end, until it is taken for one that does not.
const DYING: Duration = Duration::from_secs(5);

/// How much is kept of what commands put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Of each output of a command that runs to its end, in bytes.
    pub output: usize,
    /// Of each output of a command that is followed, in bytes.
    pub streamed: usize,
    /// Of each output of a command of the background, in bytes.
    pub background: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            output: 1024 * 1024,
            streamed: 16 * 1024 * 1024,
            background: 256 * 1024,
        }
    }
}

/// A sandbox that runs. Clones are the same sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    control: Arc<Control>,
    settings: Settings,
    background: Arc<Mutex<BTreeMap<u64, Followed>>>,
}

impl Sandbox {
    /// Connects, and takes over the commands of the background that an earlier runner left.
    ///
    /// # Errors
    /// [`ExecError::Gone`] when it is not the backend's init that answers, or nobody.
    pub async fn connect(running: Running, settings: Settings) -> Result<Self, ExecError> {
        let control = Arc::new(Control::new(running));
        let Reply::Commands { ids } = control.ask(Request::List, &[]).await?.reply else {
            return Err(ControlError::Nonsense.into());
        };
        let mut background = BTreeMap::new();
        for id in ids {
            match Background::adopt(&control, id, settings.background).await {
                Ok(command) => drop(background.insert(id, command)),
                // Forgotten in the meantime.
                Err(ExecError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            control,
            settings,
            background: Arc::new(Mutex::new(background)),
        })
    }

    /// Which one it is.
    #[must_use]
    pub fn running(&self) -> &Running {
        self.control.running()
    }

    /// Runs a command to its end. Dropping the future kills the command.
    ///
    /// # Errors
    /// [`ExecError`]; a command that fails by itself is an [`Output`].
    pub async fn exec(&self, exec: &Exec) -> Result<Output, ExecError> {
        let begun = Instant::now();
        let Launched {
            mut guard,
            stdout,
            stderr,
            end,
        } = launch(&self.control, exec, false, String::new()).await?;
        let mut out = Capture::new(self.settings.output);
        let mut err = Capture::new(self.settings.output);
        let ((), (), exit) = tokio::join!(
            read(stdout, end.clone(), |bytes| out.push(bytes)),
            read(stderr, end.clone(), |bytes| err.push(bytes)),
            ended(end.clone()),
        );
        let exit = exit?;
        guard.disarm();
        Ok(Output {
            exit_code: exit.code,
            stdout: out.text(),
            stderr: err.text(),
            timed_out: exit.timed_out,
            truncated: out.is_cut() || err.is_cut(),
            duration: begun.elapsed(),
        })
    }

    /// Runs a command and tells what happens to it. Dropping the stream kills the command.
    ///
    /// # Errors
    /// As [`Sandbox::exec`].
    pub async fn stream(&self, exec: &Exec) -> Result<ExecStream, ExecError> {
        let launched = launch(&self.control, exec, false, String::new()).await?;
        Ok(ExecStream::follow(launched, self.settings.streamed))
    }

    /// Runs a command in the background: it goes on when the runner ends.
    ///
    /// # Errors
    /// As [`Sandbox::exec`].
    pub async fn spawn(&self, exec: &Exec) -> Result<Command, ExecError> {
        let command = Background::start(&self.control, exec, self.settings.background).await?;
        let snapshot = command.snapshot();
        let forgotten = {
            let mut all = self.commands();
            all.insert(command.id(), command);
            surplus(&mut all)
        };
        for id in forgotten {
            // Init forgets the oldest by itself, at the latest.
            let _forgotten_already = self.control.ask(Request::Forget { id }, &[]).await;
        }
        Ok(snapshot)
    }

    /// The commands of the background, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Command> {
        let all = self.commands();
        all.values()
            .rev()
            .map(|command| command.snapshot())
            .collect()
    }

    /// One of them, at once.
    ///
    /// # Errors
    /// [`ExecError::NotFound`].
    pub fn get(&self, id: u64) -> Result<Command, ExecError> {
        Ok(self.find(id)?.snapshot())
    }

    /// One of them, when it ended or the time is up.
    ///
    /// # Errors
    /// [`ExecError::NotFound`].
    pub async fn wait(&self, id: u64, patience: Duration) -> Result<Command, ExecError> {
        let command = self.find(id)?;
        // It is told as it is, whichever of the two comes first.
        let _time_is_up = tokio::time::timeout(patience, command.ended()).await;
        Ok(command.snapshot())
    }

    /// Kills one of them with all its descendants, and waits until they are gone.
    ///
    /// # Errors
    /// [`ExecError::NotFound`], [`ExecError::Unkillable`].
    pub async fn kill(&self, id: u64) -> Result<Command, ExecError> {
        let command = self.find(id)?;
        match self.control.ask(Request::Kill { id }, &[]).await {
            Ok(_) => {}
            Err(error) if command.snapshot().exit_code.is_none() => return Err(error.into()),
            Err(_) => {}
        }
        let ended = tokio::time::timeout(DYING, command.ended()).await;
        ended.map_err(|_| ExecError::Unkillable)?;
        Ok(command.snapshot())
    }

    /// Kills all commands, of the background too. It does not wait until they are gone.
    ///
    /// # Errors
    /// [`ExecError::Gone`].
    pub async fn kill_all(&self) -> Result<(), ExecError> {
        self.control.ask(Request::KillAll, &[]).await?;
        Ok(())
    }

    /// A TCP connection to a port of the sandbox's loopback.
    ///
    /// # Errors
    /// [`ExecError::Unreachable`] where nobody listens.
    pub async fn connect_to(&self, port: u16) -> Result<TcpStream, ExecError> {
        Ok(self.control.connect(port).await?)
    }

    /// Which of these ports somebody listens on, ascending; of none, all.
    ///
    /// # Errors
    /// [`ExecError::Gone`].
    pub async fn listening(&self, ports: &[u16]) -> Result<Vec<u16>, ExecError> {
        let ports = ports.to_vec();
        match self
            .control
            .ask(Request::Listening { ports }, &[])
            .await?
            .reply
        {
            Reply::Ports { ports } => Ok(ports),
            _ => Err(ControlError::Nonsense.into()),
        }
    }

    fn commands(&self) -> MutexGuard<'_, BTreeMap<u64, Followed>> {
        let all = self.background.lock();
        all.unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: u64) -> Result<Arc<Background>, ExecError> {
        let all = self.commands();
        let command = all.get(&id).map(|command| Arc::clone(command));
        command.ok_or(ExecError::NotFound)
    }
}

/// Removes the oldest of those that ended, if there are too many.
fn surplus(all: &mut BTreeMap<u64, Followed>) -> Vec<u64> {
    let ended = all.values().filter(|command| command.has_ended());
    let mut ended: Vec<u64> = ended.map(|command| command.id()).collect();
    ended.truncate(ended.len().saturating_sub(MAX_ENDED));
    for id in &ended {
        all.remove(id);
    }
    ended
}
