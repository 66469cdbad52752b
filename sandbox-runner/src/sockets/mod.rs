//! Sockets and streams of rooms, served by the front door itself.
//!
//! | request | what it is |
//! |---|---|
//! | `GET /api/ws/sessions/{id}`, `GET /api/v1/ws/sessions/{id}` | a WebSocket |
//! | `GET /api/v1/sessions/{id}/events` | server-sent events |
//! | `GET /api/sessions/{id}/events` | a WebSocket in the words of `codex` |
//! | `GET /ws/chat` | a WebSocket in the words of `studio`, for all of a user's sessions |
//!
//! All send the session's events after `?last_event_id=` (or `Last-Event-ID`; `0` for all that
//! is kept), else from now on. What is lost is said by a frame of type `history_lost`, to `codex`
//! by an error `EventsLost`.
//!
//! `dialect` says whose words a socket speaks. What a client says on one that goes both ways is
//! checked here, and asked of the edge (`questions`): the runner owns no rule.
//!
//! | code | a socket is closed because |
//! |---|---|
//! | 1001 | the runner stops; come again |
//! | 1002, 1003, 1007, 1008, 1009 | the client broke the protocol, sent what is no text, no UTF-8, too much, too large |
//! | 1011 | kept events could not be read; come again |
//! | 1013 | it read too slowly, gave no sign of life, or its login could not be checked; come again |
//! | 4001 | the login ended, or the token expired |
//! | 4004 | the session was deleted |
//!
//! A stream says the same as its last event, `closed`, with `{code, reason}`.
//!
//! Invariants: nobody enters whom the edge did not let in, and the edge is asked once a
//! connection, before it is answered. No credential is logged. What a socket costs is bounded.

mod admission;
mod allowance;
mod dialect;
mod frames;
mod goodbye;
mod handshake;
mod life;
mod logins;
mod place;
mod questions;
mod settings;
mod stream;
mod websocket;

pub(crate) use handshake::VERSION;
pub(crate) use logins::{Logins, keep_checked};
pub(crate) use place::Place;
pub use settings::Settings;
pub(crate) use stream::StreamBody;

use crate::{
    drain::Drain,
    edge::{Answer, Edge},
    front_door::{Refusal, Source, Visit},
};
use admission::Verdict;
use dialect::Dialect;
use handshake::Handshake;
use http::{HeaderValue, Request, Response, header, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use life::Life;
use place::Kind;
use questions::{Asker, Questions};
use rooms::{Closed, Rooms, SubscribeError, Subscription};
use runner_api::edge::Admitted;
use std::{error::Error as StdError, sync::Arc};
use tokio::sync::Semaphore;
use websocket::Talk;

/// Serves rooms.
#[derive(Debug)]
pub(crate) struct Sockets {
    rooms: Rooms,
    edge: Arc<Edge>,
    logins: Arc<Logins>,
    settings: Settings,
    places: Arc<Semaphore>,
    drain: Drain,
}

impl Sockets {
    pub(crate) fn new(
        rooms: Rooms,
        edge: Arc<Edge>,
        logins: Arc<Logins>,
        settings: Settings,
        drain: Drain,
    ) -> Self {
        Self {
            rooms,
            edge,
            logins,
            places: Arc::new(Semaphore::new(settings.connections)),
            settings,
            drain,
        }
    }

    /// Answers a request for a room.
    pub(crate) async fn answer(
        &self,
        place: &Place,
        request: Request<Incoming>,
        visit: &Visit<'_>,
    ) -> Result<Response<Source>, Refusal> {
        let (mut parts, _) = request.into_parts();
        let handshake = match place.kind {
            Kind::Socket => Some(Handshake::check(&parts)?),
            Kind::Stream => None,
        };
        let permit = self.places.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::NoPlace)?;
        let question = admission::question(place, &parts, visit)?;
        let asking = admission::ask(&self.edge, &question, visit, self.settings.admission);
        let admitted = match asking.await? {
            Verdict::Admitted(admitted) => admitted,
            Verdict::Refused(answer) => return Ok(pass_on(answer)),
        };
        let login = self.logins.enter(admitted.login);
        let stopping = self.drain.stopping();
        let life = Life::new(login, admitted.expires_at, stopping, permit);
        let reader = self.enter(place, &admitted, &parts).await?;
        let (session, settings) = (admitted.session, self.settings.clone());
        let Some(handshake) = handshake else {
            let (response, pieces) = stream::answer();
            let cut = visit.cut.clone();
            self.drain.spawn(async move {
                stream::serve(pieces, session, reader, life, &settings, cut).await;
            });
            return Ok(response.map(Source::Events));
        };
        if let Some(upgrade) = parts.extensions.remove::<hyper::upgrade::OnUpgrade>() {
            let asker = Asker::new(place.dialect, &admitted);
            let talk = Talk {
                dialect: place.dialect,
                session,
                reader,
                life,
                questions: Questions::new(asker, self.edge.clone(), settings.answer),
            };
            self.drain.spawn(async move {
                websocket::serve(upgrade, talk, &settings).await;
            });
        }
        Ok(handshake.answer().map(|body| Source::Own(Full::new(body))))
    }

    async fn enter(
        &self,
        place: &Place,
        admitted: &Admitted,
        parts: &Parts,
    ) -> Result<Subscription, Refusal> {
        let (session, user) = (admitted.session, admitted.user);
        let after = admission::after(place, parts);
        let entered = match place.dialect {
            Dialect::Workspace => self.rooms.subscribe(session, user, after).await,
            // The user's: no session of that name is to be looked for.
            Dialect::Studio => self.rooms.subscribe_shared(session, user, after).await,
            Dialect::Codex => {
                let most = self.settings.codex_per_session;
                let entering = self.rooms.subscribe_lasting(session, user, after, most);
                entering.await
            }
        };
        entered.map_err(|error| match error {
            SubscribeError::RoomFull | SubscribeError::UserFull => Refusal::TooManyReaders,
            SubscribeError::Closed(Closed::Deleted) => Refusal::NotFound,
            SubscribeError::Full | SubscribeError::Closed(_) => Refusal::NoPlace,
            SubscribeError::Disk(error) => {
                let error = &error as &dyn StdError;
                tracing::error!(error, "a room cannot be opened");
                Refusal::NoPlace
            }
        })
    }
}

/// What the edge says to a client whom it does not let in.
fn pass_on(answer: Answer) -> Response<Source> {
    let mut response = Response::new(Source::Own(Full::new(answer.body)));
    *response.status_mut() = answer.status;
    for name in [
        header::CONTENT_TYPE,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
    ] {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
