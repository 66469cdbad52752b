//! Which requests are for a room.

use super::dialect::Dialect;
use http::{Method, Request};

/// How a room is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Over a WebSocket.
    Socket,
    /// As server-sent events.
    Stream,
}

/// A request for a session's room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) kind: Kind,
    pub(super) dialect: Dialect,
    /// The session, as the path names it.
    pub(super) session: String,
    /// The path without a slash that says nothing: whose it is is read from it.
    pub(super) path: String,
}

impl Place {
    /// The room that a request is for. Everything else goes to the edge, preflights too.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        if request.method() != Method::GET {
            return None;
        }
        if path.contains("ws/") && is_chat(path) {
            return Some(Self {
                kind: Kind::Socket,
                dialect: Dialect::Studio,
                session: String::new(),
                path: "/ws/chat".to_owned(),
            });
        }
        if !path.contains("sessions/") {
            return None;
        }
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let mut next = || segments.next();
        let (kind, dialect, session) = match (next()?, next()?, next()?) {
            ("api", "ws", "sessions") => (Kind::Socket, Dialect::Workspace, next()?),
            ("api", "v1", "ws") if next()? == "sessions" => {
                (Kind::Socket, Dialect::Workspace, next()?)
            }
            ("api", "v1", "sessions") => {
                let session = next()?;
                let events = next()? == "events";
                events.then_some((Kind::Stream, Dialect::Workspace, session))?
            }
            ("api", "sessions", session) if next()? == "events" => {
                (Kind::Socket, Dialect::Codex, session)
            }
            _ => return None,
        };
        let session = next().is_none().then(|| session.to_owned())?;
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let path = segments.flat_map(|segment| ["/", segment]).collect();
        Some(Self {
            path,
            kind,
            dialect,
            session,
        })
    }
}

/// Whether a path is that of the sockets of `studio`.
fn is_chat(path: &str) -> bool {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.eq(["ws", "chat"])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn paths_of_studio() {
        let check = |line: &str, expected: bool| {
            let (method, path) = line.split_once(' ').unwrap();
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(())
                .unwrap();
            let found = Place::of(&request)
                .is_some_and(|place| place.dialect == Dialect::Studio && place.session.is_empty());
            assert_eq!(found, expected, "{line}");
        };
        check("GET /ws/chat", true);
        check("GET /ws/chat/?token=sessions/7", true);
        check("GET //ws//chat", true);
        check("POST /ws/chat", false);
        check("GET /ws", false);
        check("GET /ws/chat/7", false);
        check("GET /api/ws/chat", false);
    }

    #[test]
    fn paths_of_rooms() {
        let check = |line: &str, expected: Option<Kind>| {
            let (method, path) = line.split_once(' ').unwrap();
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(())
                .unwrap();
            let found = Place::of(&request);
            assert_eq!(found.as_ref().map(|place| place.kind), expected, "{line}");
            let codex = path.contains("api/sessions/");
            let named = found.as_ref().is_none_or(|place| {
                place.session == "7" && (place.dialect == Dialect::Codex) == codex
            });
            assert!(named, "{line}");
            let whole = found.as_ref().is_none_or(|place| {
                let plain = place.path.starts_with("/api/") && !place.path.ends_with('/');
                plain && !place.path.contains("//") && !place.path.contains('?')
            });
            assert!(whole, "{line}");
        };
        check("GET /api/ws/sessions/7", Some(Kind::Socket));
        check("GET /api/ws/sessions/7/", Some(Kind::Socket));
        check("GET /api/ws/sessions/7?ticket=x/y", Some(Kind::Socket));
        check("GET /api/v1/ws/sessions/7", Some(Kind::Socket));
        check("GET //api//v1/ws/sessions/7//", Some(Kind::Socket));
        check("GET /api/v1/sessions/7/events", Some(Kind::Stream));
        check("GET /api/v1/sessions/7/events/", Some(Kind::Stream));
        check("POST /api/v1/sessions/7/events", None);
        check("OPTIONS /api/v1/sessions/7/events", None);
        check("GET /api/v1/sessions/7", None);
        check("GET /api/v1/sessions/7/messages", None);
        check("GET /api/v1/sessions/7/events/8", None);
        check("GET /api/sessions/7/events", Some(Kind::Socket));
        check("GET //api/sessions//7/events", Some(Kind::Socket));
        check(
            "GET /api/sessions/7/events/?last_event_id=0",
            Some(Kind::Socket),
        );
        check("POST /api/sessions/7/events", None);
        check("GET /api/sessions/7", None);
        check("GET /api/sessions/7/diff", None);
        check("GET /api/sessions/7/events/8", None);
        check("GET /api/ws/sessions", None);
        check("GET /api/ws/sessions/", None);
        check("GET /api/ws/sessions/7/8", None);
        check("GET /x/api/ws/sessions/7", None);
        check("GET /ws/sessions/7", None);
    }
}
