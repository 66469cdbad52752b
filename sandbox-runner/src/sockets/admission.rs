//! Who may enter a room: the edge says so, once a connection, before anything is answered.

use super::place::Place;
use crate::{
    edge::{Answer, AskError, Asking, Edge},
    front_door::{Refusal, Visit},
};
use http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts};
use origins::{Origins, Site};
use rooms::After;
use runner_api::edge::{Admitted, Enter};
use std::{error::Error as StdError, time::Duration};

const PATH: &str = "/internal/rooms/enter";

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the edge says.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Who entered.
    Admitted(Admitted),
    /// An answer for the client, in the words of its contract.
    Refused(Answer),
}

/// Where a reader goes on: the header counts more, because a browser that connects again sends
/// it beside the address that it was once given.
pub(super) fn after(place: &Place, parts: &Parts) -> After {
    let header = parts.headers.get(LAST_EVENT_ID);
    match header {
        Some(id) => place.dialect.after(Some(id.to_str().unwrap_or("?"))),
        None => {
            let named = in_query(parts, "last_event_id");
            place.dialect.after(named.as_deref())
        }
    }
}

/// The question to the edge about a request.
///
/// # Errors
/// A page of another site makes it without naming itself, or it names itself twice.
pub(super) fn question(place: &Place, parts: &Parts, visit: &Visit<'_>) -> Result<Enter, Refusal> {
    let headers = &parts.headers;
    let named = headers.get_all(header::ORIGIN).iter().count();
    let site = Site {
        public: None,
        hosts: &[],
    };
    // What names no page is checked as a request that changes something: it comes with the
    // reader's cookie all the same. What names one is for the edge to judge.
    let anonymous = || Origins::Nobody.check(&Method::POST, headers, site).is_ok();
    if named > 1 || (named == 0 && !anonymous()) {
        return Err(Refusal::Origin);
    }
    Ok(Enter {
        session: place.session.clone(),
        path: place.path.clone(),
        authorization: text(headers, &header::AUTHORIZATION),
        cookie: cookies(headers),
        origin: text(headers, &header::ORIGIN),
        host: host(parts, visit.trusted),
        ticket: in_query(parts, "ticket"),
        token: in_query(parts, "token"),
    })
}

/// Asks the edge.
pub(super) async fn ask(
    edge: &Edge,
    question: &Enter,
    visit: &Visit<'_>,
    within: Duration,
) -> Result<Verdict, Refusal> {
    let id = Some(visit.id);
    let answer = edge.ask(PATH, question, Asking { within, id }).await;
    match answer {
        Ok(answer) if answer.status == StatusCode::OK => {
            let admitted = serde_json::from_slice(&answer.body);
            let admitted = admitted.map_err(|error| failed(&error))?;
            Ok(Verdict::Admitted(admitted))
        }
        Ok(answer) if answer.status.is_client_error() => Ok(Verdict::Refused(answer)),
        Ok(answer) => {
            let status = answer.status.as_u16();
            tracing::warn!(status, "the edge cannot say who may enter a room");
            Err(Refusal::EdgeDown)
        }
        Err(AskError::Unreachable(_)) => Err(Refusal::EdgeDown),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &(dyn StdError + 'static)) -> Refusal {
    tracing::warn!(error, "asking the edge who may enter a room failed");
    Refusal::EdgeDown
}

/// The address that the request was sent to, as the proxy in front saw it if there is one.
fn host(parts: &Parts, trusted: bool) -> Option<String> {
    let forwarded = trusted.then(|| text(&parts.headers, &FORWARDED_HOST));
    let authority = || parts.uri.authority().map(ToString::to_string);
    let host = || text(&parts.headers, &header::HOST);
    forwarded.flatten().or_else(authority).or_else(host)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// All cookies; HTTP/2 in front may have split them.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let all: Vec<_> = all
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn in_query(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query()?.as_bytes();
    let (_, value) = form_urlencoded::parse(query).find(|(found, _)| found == name)?;
    Some(value.into_owned())
}
