//! One run: the edge is asked to execute it, again and again until it has ended.

use super::{
    Inner, Listeners,
    execution::{self, Lines, Opened},
};
use domain::{Event, StatusEvent};
use rooms::{PublishError, Published, RunStep};
use runner_api::runs::{Batch, Drive, Ending, Line, Passed, Told};
use std::{error::Error as StdError, time::Duration};
use tokio::time::Instant;

/// Why an execution is not followed any more.
enum Left {
    /// The run has ended.
    Ended(Ending),
    /// It was put down, to be executed on at once.
    Continue,
    /// The session is deleted, or this runner stops.
    Closed,
    /// It is to be executed again.
    Cut(Box<dyn StdError + Send + Sync>),
}

/// Drives a run. Nothing where it is gone, or left to be found again.
pub(super) async fn drive(inner: &Inner, drive: Drive, listeners: &Listeners) -> Option<Ending> {
    let settings = &inner.settings;
    let mut seen = match inner.rooms.seen(drive.room(), drive.run).await {
        Ok(seen) => seen,
        Err(error) => {
            warn(&drive, &error, "the room of a run cannot be read");
            return None;
        }
    };
    let mut wait = settings.shortest_wait;
    let mut heard = Instant::now();
    loop {
        let before = seen;
        let cut: Box<dyn StdError + Send + Sync> =
            match execution::open(&inner.edge, &drive, seen, settings).await {
                Ok(Opened::Gone) => return None,
                Ok(Opened::Held) => {
                    // Somebody executes it, or did until lately: that is no absence.
                    heard = Instant::now();
                    pause(listeners, settings.shortest_wait).await;
                    continue;
                }
                Ok(Opened::Lines(mut answer)) => {
                    let left = follow(inner, drive, &mut answer, &mut seen, listeners).await;
                    // It was there until now.
                    heard = Instant::now();
                    match left {
                        Left::Ended(ending) => {
                            // Whoever waits for the end need not wait for that.
                            tokio::spawn(answer.finish());
                            return Some(ending);
                        }
                        Left::Closed => return None,
                        Left::Continue => {
                            answer.finish().await;
                            continue;
                        }
                        Left::Cut(cut) => cut,
                    }
                }
                Err(cut) => cut.into(),
            };
        warn(&drive, &*cut, "a run is to be executed again");
        if heard.elapsed() >= settings.patience {
            tracing::error!(run = %drive.run, "the edge is away: the run is left for later");
            return None;
        }
        if seen > before {
            wait = settings.shortest_wait;
        }
        pause(listeners, wait).await;
        wait = (wait * 2).min(settings.longest_wait);
    }
}

/// Passes on what an execution tells.
async fn follow(
    inner: &Inner,
    drive: Drive,
    answer: &mut Lines,
    seen: &mut u64,
    listeners: &Listeners,
) -> Left {
    loop {
        let Line {
            batch,
            room,
            beat,
            end,
            goes_on,
        } = match answer.next().await {
            Ok(line) => line,
            Err(cut) => return Left::Cut(cut.into()),
        };
        if let Some(ending) = end {
            return Left::Ended(ending);
        }
        if goes_on {
            return Left::Continue;
        }
        if beat {
            listeners.beat();
        }
        if let Some(batch) = batch {
            match pass_on(inner, drive, &batch, room).await {
                Ok(told) => {
                    *seen = batch.step.unwrap_or_default().max(*seen);
                    listeners.news(|| Passed {
                        batch: Some(batch),
                        room: told,
                        ..Passed::default()
                    });
                }
                Err(PublishError::Deleted | PublishError::Stopping) => return Left::Closed,
                Err(error) => return Left::Cut(error.into()),
            }
        }
    }
}

/// Puts a batch into the run's room.
async fn pass_on(
    inner: &Inner,
    drive: Drive,
    batch: &Batch,
    room: Vec<Event>,
) -> Result<Vec<Told>, PublishError> {
    if room.is_empty() {
        return Ok(Vec::new());
    }
    let step = batch.step.map(|step| RunStep {
        run: drive.run,
        step,
    });
    let rooms = &inner.rooms;
    let published = rooms.publish_step(drive.room(), step, room.clone()).await;
    match published {
        Ok(published) => Ok(told(&published, room)),
        Err(PublishError::TooLarge { size, most }) => {
            // Sockets are told that something is missing; it is in the database.
            tracing::error!(run = %drive.run, size, most, "events are too large for a room");
            let instead = vec![too_large()];
            let published = rooms.publish_step(drive.room(), step, instead.clone());
            Ok(told(&published.await?, instead))
        }
        Err(error) => Err(error),
    }
}

fn told(published: &Published, events: Vec<Event>) -> Vec<Told> {
    let new = events.into_iter().skip(published.skipped);
    let numbered = published.ids.iter().zip(new);
    let told = numbered.map(|(id, event)| Told {
        id: id.to_string(),
        at: published.at.0,
        event,
    });
    told.collect()
}

fn too_large() -> Event {
    Event::Status(StatusEvent {
        status: "too_large".to_owned(),
        agent: None,
        detail: Some("What happened is too large to be shown here. Read the messages".to_owned()),
    })
}

/// Waits, and keeps those who asked from thinking that nobody is there.
async fn pause(listeners: &Listeners, wait: Duration) {
    listeners.beat();
    tokio::time::sleep(wait).await;
}

fn warn(drive: &Drive, error: &(dyn StdError + 'static), what: &str) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(run = %drive.run, %error, cause, "{what}");
}
