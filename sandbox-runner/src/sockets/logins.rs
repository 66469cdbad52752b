//! Logins that have open sockets, and the end of them.
//!
//! A revoked login's sockets are closed within a second: the edge is asked every half. While the
//! edge is away nobody can revoke a login through it either, so sockets stay; after a minute
//! without an answer they are all closed with 1013, and whoever may still enter comes again.

use super::{goodbye::Goodbye, settings::Settings};
use crate::{
    drain::Drain,
    edge::{Asking, Edge},
};
use runner_api::edge::Logins as Numbers;
use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

const PATH: &str = "/internal/logins/ended";

/// The most logins of one question.
const BATCH: usize = 1000;

/// How long the edge may take for one.
const ANSWER: Duration = Duration::from_secs(5);

/// Logins that have open sockets.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    open: Mutex<HashMap<i64, Open>>,
}

#[derive(Debug)]
struct Open {
    sockets: usize,
    end: Arc<End>,
}

/// How the sockets of a login learn of its end.
#[derive(Debug, Default)]
struct End {
    why: OnceLock<Goodbye>,
    token: CancellationToken,
}

/// A socket of a login. It counts until it is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    logins: Arc<Logins>,
    login: i64,
    end: Arc<End>,
}

impl Guard {
    /// Resolves when the login ended, with the reason to give.
    pub(super) async fn ended(&self) -> Goodbye {
        self.end.token.cancelled().await;
        *self.end.why.get_or_init(|| Goodbye::LoginEnded)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut open = self.logins.lock();
        // The number may stand for a newer end by now: its sockets are not ours.
        let ours = open
            .get_mut(&self.login)
            .filter(|open| Arc::ptr_eq(&open.end, &self.end));
        if let Some(ours) = ours {
            ours.sockets -= 1;
            if ours.sockets == 0 {
                open.remove(&self.login);
            }
        }
    }
}

impl Logins {
    /// Counts a socket of `login`.
    pub(super) fn enter(self: &Arc<Self>, login: i64) -> Guard {
        let mut open = self.lock();
        let entry = open.entry(login).or_insert_with(|| Open {
            sockets: 0,
            end: Arc::default(),
        });
        entry.sockets += 1;
        Guard {
            logins: self.clone(),
            login,
            end: entry.end.clone(),
        }
    }

    fn end(&self, login: i64, why: Goodbye) {
        let ended = self.lock().remove(&login);
        if let Some(ended) = ended {
            ended.end.why.get_or_init(|| why);
            ended.end.token.cancel();
        }
    }

    fn numbers(&self) -> Vec<i64> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the edge again and again which logins ended, and closes their sockets.
pub(crate) async fn keep_checked(
    logins: Arc<Logins>,
    edge: Arc<Edge>,
    settings: Settings,
    drain: Drain,
) {
    let stopping = drain.stopping();
    let checking = async {
        let mut beat = tokio::time::interval(settings.logins);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checked = Instant::now();
        let mut failing = false;
        loop {
            beat.tick().await;
            let open = logins.numbers();
            match check(&logins, &edge, &open).await {
                Ok(()) => {
                    checked = Instant::now();
                    failing = false;
                }
                Err(error) => {
                    if !failing {
                        let error = error.as_ref() as &dyn StdError;
                        tracing::warn!(error, "open sockets' logins cannot be checked");
                    }
                    failing = true;
                    if checked.elapsed() >= settings.unchecked {
                        let all = logins.numbers();
                        all.into_iter()
                            .for_each(|login| logins.end(login, Goodbye::Unchecked));
                    }
                }
            }
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = checking => {}
    }
}

async fn check(
    logins: &Logins,
    edge: &Edge,
    open: &[i64],
) -> Result<(), Box<dyn StdError + Send + Sync>> {
    for batch in open.chunks(BATCH) {
        let question = Numbers {
            logins: batch.to_vec(),
        };
        let asking = Asking {
            within: ANSWER,
            id: None,
        };
        let answer = edge.ask(PATH, &question, asking).await?;
        if answer.status != http::StatusCode::OK {
            return Err(format!("the edge answered {}", answer.status).into());
        }
        let ended: Numbers = serde_json::from_slice(&answer.body)?;
        for login in ended.logins {
            logins.end(login, Goodbye::LoginEnded);
        }
    }
    Ok(())
}
