//! Which requests are for a room.

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
    /// The session, as the path names it.
    pub(super) session: String,
}

impl Place {
    /// The room that a request is for. Everything else goes to the edge, preflights too.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        if request.method() != Method::GET || !path.contains("sessions/") {
            return None;
        }
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let mut next = || segments.next();
        let (kind, session) = match (next()?, next()?, next()?) {
            ("api", "ws", "sessions") => (Kind::Socket, next()?),
            ("api", "v1", "ws") if next()? == "sessions" => (Kind::Socket, next()?),
            ("api", "v1", "sessions") => {
                let session = next()?;
                (next()? == "events").then_some((Kind::Stream, session))?
            }
            _ => return None,
        };
        let session = next().is_none().then(|| session.to_owned())?;
        Some(Self { kind, session })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

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
            assert!(found.is_none_or(|place| place.session == "7"), "{line}");
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
        check("GET /api/sessions/7/events", None);
        check("GET /api/ws/sessions", None);
        check("GET /api/ws/sessions/", None);
        check("GET /api/ws/sessions/7/8", None);
        check("GET /x/api/ws/sessions/7", None);
        check("GET /ws/sessions/7", None);
    }
}
