//! What the runner asks before it lets somebody into a session's room, and while they are there.
//!
//! Invariant: whatever somebody enters with, the page that asks must be one that may, a cookie
//! counts only from our own or a listed page, and a ticket is good once.

use axum::{
    extract::{FromRequestParts, State},
    response::IntoResponse,
};
use contracts::Contract;
use domain::{Error, ErrorKind, LoginId, SessionKey, SessionKind};
use http::{HeaderName, Request, header, request::Parts};
use ports::Platform;
use runner_api::edge::{Admitted, Enter, Logins};
use web::{Decoded, Failure, Json, Outcome, Runner, SignedIn, own_session, refuse_foreign};

/// The most logins that are asked about at once.
const LOGINS_MOST: usize = 1_000;

/// `POST /internal/rooms/enter`. A refusal is in the words of the path that was asked for.
pub(crate) async fn enter(
    State(platform): State<Platform>,
    _: Runner,
    Decoded(asked): Decoded<Enter>,
) -> Outcome<impl IntoResponse> {
    let admitted = admit(&platform, &asked).await;
    let admitted = admitted.map_err(|failure| {
        // Should the query have come along: it may hold a token.
        let path = asked.path.split('?').next().unwrap_or_default();
        Failure::of(Contract::of_path(path), failure).about(path)
    })?;
    Ok(Json(admitted))
}

async fn admit(platform: &Platform, asked: &Enter) -> Outcome<Admitted> {
    let signed_in = who(platform, asked).await?;
    let contract = Contract::of_path(&asked.path);
    let room = match contract {
        // One for all of a user's sessions of studio: the user's own.
        Contract::Studio => signed_in.account.uuid,
        _ => {
            let key = SessionKey::parse(&asked.session);
            let session = own_session(platform, &signed_in, key).await?;
            // Its readers are shown numbers of events without an epoch, which others' rooms do
            // not keep.
            if contract == Contract::Codex && session.kind != SessionKind::Codex {
                return Err(Error::not_found("Session not found").into());
            }
            session.uuid
        }
    };
    let SignedIn {
        account,
        login,
        token_expires_at,
    } = signed_in;
    Ok(Admitted {
        session: room,
        user: account.id.0,
        login: login.id.0,
        expires_at: token_expires_at.min(login.expires_at).0,
    })
}

/// A ticket or a token in the query was put there on purpose; headers a browser may have added
/// by itself come after them.
async fn who(platform: &Platform, asked: &Enter) -> Outcome<SignedIn> {
    let mut parts = as_request(asked)?;
    refuse_foreign(platform, &parts).await?;
    if let Some(ticket) = given(asked.ticket.as_ref()) {
        return Ok(by_ticket(platform, ticket).await?);
    }
    if let Some(token) = given(asked.token.as_ref()) {
        return Ok(SignedIn::by_token(platform, token).await?);
    }
    SignedIn::from_request_parts(&mut parts, platform).await
}

async fn by_ticket(platform: &Platform, ticket: &str) -> Result<SignedIn, Error> {
    let now = platform.clock.now();
    let used = store::tickets::take(&*platform.sql, &auth::ticket_hash(ticket), now).await?;
    let used = used.ok_or_else(|| {
        let detail = "The ticket is invalid, was used, or has expired";
        Error::new(ErrorKind::Unauthenticated, detail)
    })?;
    Ok(SignedIn {
        account: used.account,
        login: used.login,
        token_expires_at: used.token_expires_at,
    })
}

/// What the runner was asked, as a request of our own. It counts as one that changes something:
/// by a socket a page could, and nobody looks at a socket's page later.
fn as_request(asked: &Enter) -> Result<Parts, Error> {
    let mut request = Request::post("/");
    let headers: [(HeaderName, &Option<String>); 4] = [
        (header::AUTHORIZATION, &asked.authorization),
        (header::COOKIE, &asked.cookie),
        (header::ORIGIN, &asked.origin),
        (header::HOST, &asked.host),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request
        .body(())
        .map_err(|error| Error::new(ErrorKind::Refused, "A header is none").caused_by(error))?;
    Ok(request.into_parts().0)
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// `POST /internal/logins/ended`.
pub(crate) async fn ended_logins(
    State(platform): State<Platform>,
    _: Runner,
    Decoded(asked): Decoded<Logins>,
) -> Outcome<Json<Logins>> {
    if asked.logins.len() > LOGINS_MOST {
        let message = format!("must be at most {LOGINS_MOST}");
        return Err(Error::invalid_field("logins", message).into());
    }
    let logins: Vec<LoginId> = asked.logins.into_iter().map(LoginId).collect();
    let now = platform.clock.now();
    let ended = store::logins::ended(&*platform.sql, &logins, now).await?;
    let logins = ended.into_iter().map(|login| login.0).collect();
    Ok(Json(Logins { logins }))
}
