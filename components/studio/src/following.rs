//! Follows one prompt at its service: by what its socket says, which the runner listens to, and by
//! its queue and its history, which are asked now and then and alone where nobody can listen.
//!
//! Invariant: every prompt comes to an end here, also when the service dies.

use crate::desk::Desk;
use comfyui::{Client, Error, Event, Frame, Progress};
use futures::{
    StreamExt,
    future::{Either, select},
};
use ports::Platform;
use runner_api::{FollowLines, comfy::Follow};
use std::time::Duration;
use web::Place;

/// How often queue and history are asked, in milliseconds: at most, while the socket speaks, and
/// where nothing is heard.
const LOOK_SHORTEST: i64 = 300;
const LOOK_HEARD: i64 = 15_000;
const LOOK_DEAF: i64 = 1_000;

/// How long a service may not be reached before its prompt is given up, in milliseconds.
const PATIENCE: i64 = 15_000;

/// How long the socket's first frame is waited for: from then on the service knows it.
const FIRST_FRAME: Duration = Duration::from_secs(3);

/// How often the socket is opened anew.
const OPENINGS: u32 = 20;

/// One prompt that is followed.
pub(crate) struct Following<'a> {
    platform: &'a Platform,
    runner: &'a runner_api::Client,
    client: &'a Client,
    socket: String,
    lines: Option<FollowLines>,
    openings: u32,
    progress: Progress,
    looked_at: i64,
    /// Since when the service cannot be reached.
    failing: Option<i64>,
}

impl<'a> Following<'a> {
    /// Listens for a prompt that is about to be handed over by the client of that id.
    pub(crate) async fn open(
        desk: &'a Desk,
        client: &'a Client,
        client_id: &str,
        prompt_id: &str,
    ) -> Self {
        let mut following = Self {
            platform: &desk.platform,
            runner: &desk.runner,
            client,
            socket: client.base_url().socket(client_id),
            lines: None,
            openings: 0,
            progress: Progress::new(prompt_id),
            looked_at: 0,
            failing: None,
        };
        following.listen().await;
        following
    }

    /// What happens next; more than nothing. Nothing follows an event that is the end.
    ///
    /// # Errors
    /// The service cannot be reached any more.
    pub(crate) async fn next(&mut self) -> Result<Vec<Event>, Error> {
        loop {
            let now = self.platform.clock.now();
            let events = match self.until_look(now) {
                0 => self.look(now).await?,
                wait => self.hear(wait).await,
            };
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Milliseconds until queue and history are to be asked.
    fn until_look(&self, now: i64) -> u64 {
        let pause = match (self.failing, self.progress.wants_look(), &self.lines) {
            (Some(_), ..) | (None, false, None) => LOOK_DEAF,
            (None, true, _) => LOOK_SHORTEST,
            (None, false, Some(_)) => LOOK_HEARD,
        };
        let due = self.looked_at.saturating_add(pause);
        u64::try_from(due.saturating_sub(now)).unwrap_or_default()
    }

    async fn look(&mut self, now: i64) -> Result<Vec<Event>, Error> {
        self.looked_at = now;
        match self.ask().await {
            Ok(events) => {
                self.failing = None;
                Ok(events)
            }
            Err(error) => {
                let since = *self.failing.get_or_insert(now);
                match self.platform.clock.now().saturating_sub(since) >= PATIENCE {
                    true => Err(error),
                    false => Ok(Vec::new()),
                }
            }
        }
    }

    async fn ask(&mut self) -> Result<Vec<Event>, Error> {
        // In this order: a prompt that ends between the two is in the history.
        let queue = self.client.queue().await?;
        let coming = self.client.ask_history(self.progress.prompt_id()).await?;
        let size = coming.size();
        let place = Place::wait(&*self.platform.clock, || Place::take_for(size)).await;
        let Ok(_place) = place else {
            // Others read much just now. It is looked at again.
            return Ok(Vec::new());
        };
        let history = coming.read().await?;
        Ok(self.progress.looked(&queue, history.as_ref()))
    }

    /// What the socket says within so many milliseconds.
    async fn hear(&mut self, wait: u64) -> Vec<Event> {
        let timer = self.platform.clock.sleep(Duration::from_millis(wait));
        let Some(lines) = &mut self.lines else {
            timer.await;
            self.listen().await;
            return Vec::new();
        };
        let line = match select(lines.next(), timer).await {
            Either::Left((line, _)) => line,
            Either::Right(_) => return Vec::new(),
        };
        match line {
            Some(Ok(line)) if line.end.is_none() => match line.frame.as_deref() {
                Some(frame) => self.heard(frame),
                None => Vec::new(),
            },
            _ => {
                self.lines = None;
                self.progress.missed_frames();
                Vec::new()
            }
        }
    }

    fn heard(&mut self, frame: &str) -> Vec<Event> {
        match Frame::parse_text(frame) {
            Ok(frame) => self.progress.frame(&frame),
            // A number that Python writes and JSON does not know is enough. What it told, the
            // history tells as well.
            Err(_) => {
                self.progress.missed_frames();
                Vec::new()
            }
        }
    }

    /// Has the runner listen to the socket, and waits until the service knows of it.
    async fn listen(&mut self) {
        if self.openings >= OPENINGS {
            return;
        }
        self.openings += 1;
        let follow = Follow {
            url: self.socket.clone(),
        };
        let mut lines = match self.runner.follow(&follow).await {
            Ok(lines) => lines,
            Err(error) => {
                eprintln!("a service is not listened to: {error}");
                return;
            }
        };
        let timer = self.platform.clock.sleep(FIRST_FRAME);
        let is_known = matches!(
            select(lines.next(), timer).await,
            Either::Left((Some(Ok(_)), _))
        );
        if is_known {
            self.lines = Some(lines);
        }
        if self.openings > 1 {
            self.progress.missed_frames();
        }
    }
}
