//! Letters, sandboxes, commands, rooms, runs, and ComfyUI services.

use super::{Call, Client, ExecEvents, FollowLines, RunLines, refusal, waiting};
use crate::{
    comfy::Follow,
    commands::{Command, Commands, Exec, Output},
    mail::Letter,
    rooms::{Presence, Publish, Published},
    runs::{Drive, Hearing},
    sandboxes::{Destroyed, Launch, Launched, OfUser, Previews, Sandbox},
};
use domain::{Error, Event, UserId};
use http::Method;
use std::time::Duration;
use uuid::Uuid;

/// How long a letter may take to be stored.
const LETTER: Duration = Duration::from_secs(5);

/// How long launching may take: the first one may have to make an image.
const LAUNCH: Duration = Duration::from_secs(300);

/// How long a command may run that names no time.
const COMMAND: Duration = Duration::from_secs(540);

/// What a command's answer may take besides the command itself: a sandbox that was stopped is
/// started first, and a tree that is killed must end.
const MARGIN: Duration = Duration::from_secs(30);

/// How long telling how a sandbox is may take. It stands beside something else in an answer.
const GLANCE: Duration = Duration::from_secs(2);

/// How long the runner may wait for a command's end, at most, before it says how it is.
pub(crate) const WAIT_MOST: Duration = Duration::from_secs(60);

impl Client {
    /// Hands over a letter.
    ///
    /// # Errors
    /// That the runner did not store it. Its reason is about the deployment, so it is not read.
    pub async fn send_letter(&self, letter: &Letter<'_>) -> Result<(), Error> {
        let call = Call::new(Method::POST, "/v1/mail").json(letter)?;
        let response = self.within(LETTER, self.exchange(call)).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(refusal::failed(format!("the runner answered {status}"))),
        }
    }

    /// Launches a session's sandbox, or finds it.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn launch(&self, session: Uuid, launch: &Launch) -> Result<Launched, Error> {
        let call = Call::new(Method::PUT, sandbox(session)).json(launch)?;
        self.ask(call.within(LAUNCH)).await
    }

    /// How a session's sandbox is.
    ///
    /// # Errors
    /// Not found when there is none; that the runner cannot be asked.
    pub async fn sandbox(&self, session: Uuid) -> Result<Sandbox, Error> {
        let call = Call::new(Method::GET, sandbox(session));
        self.ask(call.within(GLANCE)).await
    }

    /// How all sandboxes of a user are.
    ///
    /// # Errors
    /// That the runner cannot be asked.
    pub async fn sandboxes(&self, user: UserId) -> Result<OfUser, Error> {
        let call = Call::new(Method::GET, sandboxes(user));
        self.ask(call.within(GLANCE)).await
    }

    /// Destroys a session's sandbox, if there is one.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn destroy(&self, session: Uuid) -> Result<Destroyed, Error> {
        self.ask(Call::new(Method::DELETE, sandbox(session))).await
    }

    /// The session is no more: its sandbox is destroyed, and the readers of its room are told.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn end_session(&self, session: Uuid) -> Result<Destroyed, Error> {
        let target = format!("/v1/sessions/{session}");
        self.ask(Call::new(Method::DELETE, target)).await
    }

    /// Destroys all sandboxes of a user.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn destroy_all(&self, user: UserId) -> Result<Destroyed, Error> {
        self.ask(Call::new(Method::DELETE, sandboxes(user))).await
    }

    /// Where a sandbox's servers can be seen.
    ///
    /// # Errors
    /// Not found when there is no sandbox; that the runner cannot be asked.
    pub async fn previews(&self, session: Uuid) -> Result<Previews, Error> {
        let target = format!("{}/previews", sandbox(session));
        self.ask(Call::new(Method::GET, target)).await
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn exec(&self, session: Uuid, exec: &Exec) -> Result<Output, Error> {
        let call = Call::new(Method::POST, format!("{}/exec", sandbox(session)));
        self.ask(call.json(exec)?.within(limit(exec))).await
    }

    /// Runs a command and tells what happens as it happens. Dropping the stream kills it.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn exec_stream(&self, session: Uuid, exec: &Exec) -> Result<ExecEvents, Error> {
        let call = Call::new(Method::POST, format!("{}/exec", sandbox(session)));
        let call = call.json(exec)?.accept("application/x-ndjson");
        let response = self.open(call.within(MARGIN)).await?;
        let clock = &self.platform.clock;
        let body = waiting::for_at_most(response.into_body(), &**clock, limit(exec));
        Ok(Self::events(body, clock))
    }

    /// Starts a command that goes on in the background.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn start(&self, session: Uuid, exec: &Exec) -> Result<Command, Error> {
        let call = Call::new(Method::POST, commands(session));
        self.ask(call.json(exec)?).await
    }

    /// The commands of the background.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn commands(&self, session: Uuid) -> Result<Commands, Error> {
        self.ask(Call::new(Method::GET, commands(session))).await
    }

    /// A command of the background, when it has ended or after `wait`, at most a minute.
    ///
    /// # Errors
    /// Not found when there is none; that the runner cannot be asked.
    pub async fn command(
        &self,
        session: Uuid,
        id: u64,
        wait: Option<Duration>,
    ) -> Result<Command, Error> {
        let wait = wait.map(|wait| wait.min(WAIT_MOST).as_secs());
        let text = wait.map(|seconds| seconds.to_string());
        let target = format!("{}/{id}", commands(session));
        let call = Call::new(Method::GET, target).query(&[("wait", text.as_deref())]);
        let limit = call.limit + Duration::from_secs(wait.unwrap_or(0));
        self.ask(call.within(limit)).await
    }

    /// Kills a command of the background, and says how it ended.
    ///
    /// # Errors
    /// Not found when there is none; that the runner cannot be asked.
    pub async fn kill(&self, session: Uuid, id: u64) -> Result<Command, Error> {
        let target = format!("{}/{id}", commands(session));
        self.ask(Call::new(Method::DELETE, target)).await
    }

    /// Puts events into a session's room.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn publish(&self, session: Uuid, events: &Publish) -> Result<Published, Error> {
        let call = Call::new(Method::POST, format!("/v1/rooms/{session}/events"));
        self.ask(call.json(events)?).await
    }

    /// Puts an event into several rooms. One that cannot be told keeps none of the others from it.
    ///
    /// # Errors
    /// The first refusal of the runner's, or that it cannot be asked.
    pub async fn publish_to_each(&self, rooms: &[Uuid], event: Event) -> Result<(), Error> {
        let events = Publish {
            events: vec![event],
        };
        let mut told = Ok(());
        for room in rooms {
            told = told.and(self.publish(*room, &events).await.map(drop));
        }
        told
    }

    /// Has a run driven.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn drive(&self, drive: &Drive) -> Result<(), Error> {
        let call = Call::new(Method::POST, "/v1/runs").json(drive)?;
        self.open(call).await?;
        Ok(())
    }

    /// The same, and tells what is to be heard of it as it happens. Dropping the stream stops
    /// nothing.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn listen(&self, drive: &Drive, hearing: Hearing) -> Result<RunLines, Error> {
        let path = match hearing {
            Hearing::Everything => "/v1/runs",
            Hearing::End => "/v1/runs?only=end",
        };
        let call = Call::new(Method::POST, path).json(drive)?;
        let response = self.open(call.accept("application/x-ndjson")).await?;
        let clock = &self.platform.clock;
        let body = waiting::unless_silent(response.into_body(), clock);
        Ok(Self::run_lines(body, clock))
    }

    /// Opens the socket of a ComfyUI service, and tells what is heard. Dropping the stream closes
    /// it.
    ///
    /// # Errors
    /// Forbidden when the address must not be connected to; the runner's refusal, or that it
    /// cannot be asked.
    pub async fn follow(&self, follow: &Follow) -> Result<FollowLines, Error> {
        let call = Call::new(Method::POST, "/v1/comfy/follow").json(follow)?;
        let response = self.open(call).await?;
        let clock = &self.platform.clock;
        let body = waiting::unless_silent(response.into_body(), clock);
        Ok(Self::follow_lines(body, clock))
    }

    /// Who is in the room of a coding session, and the number of its newest event, which is never
    /// given again: the runner keeps the room's numbers from then on, until the session is deleted.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn presence(&self, session: Uuid) -> Result<Presence, Error> {
        let call = Call::new(Method::GET, format!("/v1/rooms/{session}"));
        self.ask(call.query(&[("newest", Some("true"))])).await
    }
}

pub(super) fn sandbox(session: Uuid) -> String {
    format!("/v1/sandboxes/{session}")
}

fn sandboxes(user: UserId) -> String {
    format!("/v1/users/{user}/sandboxes")
}

fn commands(session: Uuid) -> String {
    format!("{}/commands", sandbox(session))
}

fn limit(exec: &Exec) -> Duration {
    let named = exec.timeout_ms.map(Duration::from_millis);
    named.unwrap_or(COMMAND).saturating_add(MARGIN)
}
