//! "Sessions" of the `workspace` document. The chats of `runtime`, whose document has no words for
//! it, are listed, opened and deleted here as well.

use crate::gateway::title;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{
    Change,
    workspace::sessions::{Session, SessionChange, SessionSandbox},
};
use domain::{Audience, Error, ErrorKind, SessionKey, SessionKind, SessionTitle, Timestamp};
use http::{HeaderMap, StatusCode};
use ports::Platform;
use runner_api::{
    Client,
    sandboxes::{Sandbox, Status},
};
use store::{
    Window,
    sessions::{self, Scope},
};
use web::{
    Json, Outcome, Paged, Parameters, Segment, SignedBody, SignedIn, filter, most_sessions,
    new_uuid,
};

/// The kinds that everybody opens. Besides them, whoever came by `studio` opens its own: its
/// document has no words for it.
pub(crate) const KINDS: [SessionKind; 3] = [
    SessionKind::Workspace,
    SessionKind::Codex,
    SessionKind::Runtime,
];

/// Those of them that `workspace` lists.
const LISTED: [SessionKind; 2] = [SessionKind::Workspace, SessionKind::Codex];

pub(crate) async fn list(
    platform: &Platform,
    signed_in: &SignedIn,
    headers: &HeaderMap,
    query: &Parameters,
    window: Window,
) -> Outcome<Response> {
    let user = signed_in.account.id;
    let kinds = listed_kinds(signed_in, query)?;
    let listed = sessions::list(&*platform.sql, Scope::of(user, &kinds), window).await?;
    let sandboxes = match listed.items.is_empty() {
        true => Ok(Vec::new()),
        false => Client::of(platform, headers)
            .sandboxes(user)
            .await
            .map(|of_user| of_user.sandboxes)
            .inspect_err(|error| tell_of(error, "sandboxes not listed")),
    };
    let sandbox = |session: &domain::Session| match &sandboxes {
        Ok(sandboxes) => {
            let mut sandboxes = sandboxes.iter();
            let own = sandboxes.find(|sandbox| sandbox.session == session.uuid);
            own.map(|own| shown(&own.sandbox))
        }
        Err(_) => Some(SessionSandbox::unknown()),
    };
    let items = listed.items.into_iter();
    let body: Vec<Session> = items
        .map(|session| {
            let sandbox = sandbox(&session);
            Session::of(session, sandbox)
        })
        .collect();
    let total = listed.total;
    Ok(Paged { body, total }.into_response())
}

/// The kinds that a list shows: what the query names, else what the token's contract has.
fn listed_kinds(signed_in: &SignedIn, query: &Parameters) -> Result<Vec<SessionKind>, Error> {
    let asked = filter(query, "kind", |text| {
        let known = SessionKind::parse(text).filter(|kind| KINDS.contains(kind));
        known.ok_or("must be `workspace`, `codex` or `runtime`")
    })?;
    Ok(match (asked, signed_in.login.audience) {
        (Some(kind), _) => vec![kind],
        (None, Audience::Runtime) => KINDS.to_vec(),
        (None, _) => LISTED.to_vec(),
    })
}

pub(crate) async fn create(
    platform: &Platform,
    signed_in: &SignedIn,
    title: Option<&SessionTitle>,
) -> Outcome<(StatusCode, Json<Session>)> {
    let session = sessions::insert(
        &*platform.sql,
        new_uuid(platform),
        SessionKind::Workspace,
        signed_in.account.id,
        title,
        platform.clock.now(),
        most_sessions(platform).await?,
    );
    let session = session.await?.ok_or_else(account_is_gone)?;
    Ok((StatusCode::CREATED, Json(Session::of(session, None))))
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<Session>> {
    let found = sessions::find(&*platform.sql, scope(&signed_in), key(&id)?).await?;
    let session = found.ok_or_else(unknown)?;
    Ok(Json(with_sandbox(&platform, &headers, session).await))
}

pub(crate) async fn rename(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<SessionChange>,
) -> Outcome<Json<Session>> {
    let (sql, scope, key) = (&*platform.sql, scope(&signed_in), key(&id)?);
    let renamed = match body.title {
        Change::Keep => sessions::find(sql, scope, key).await?,
        change => {
            let title = title(change.value().map(String::as_str))?;
            sessions::rename(sql, scope, key, title.as_ref(), platform.clock.now()).await?
        }
    };
    let session = renamed.ok_or_else(unknown)?;
    Ok(Json(with_sandbox(&platform, &headers, session).await))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<StatusCode> {
    coding::delete(&platform, &headers, scope(&signed_in), key(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn with_sandbox(
    platform: &Platform,
    headers: &HeaderMap,
    session: domain::Session,
) -> Session {
    let asked = Client::of(platform, headers).sandbox(session.uuid).await;
    let sandbox = match asked {
        Ok(sandbox) => Some(shown(&sandbox)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            tell_of(&error, "sandbox not asked");
            Some(SessionSandbox::unknown())
        }
    };
    Session::of(session, sandbox)
}

fn shown(sandbox: &Sandbox) -> SessionSandbox {
    SessionSandbox {
        status: match sandbox.status {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Stopped => "stopped",
        },
        network: Some(sandbox.network),
        expires_at: Some(Timestamp(sandbox.expires_at)),
    }
}

fn scope(signed_in: &SignedIn) -> Scope<'static> {
    let kinds: &[SessionKind] = match signed_in.login.audience {
        Audience::Studio => &SessionKind::OF_ACCOUNTS,
        Audience::Workspace | Audience::Codex | Audience::Runtime => &KINDS,
    };
    Scope::of(signed_in.account.id, kinds)
}

pub(crate) fn key(text: &str) -> Result<SessionKey, Error> {
    SessionKey::parse(text).ok_or_else(unknown)
}

pub(crate) fn unknown() -> Error {
    Error::not_found("Session not found")
}

/// It was deleted after the token was looked at.
pub(crate) fn account_is_gone() -> Error {
    Error::new(ErrorKind::Unauthenticated, "The token is invalid")
}

/// Tells the operator of what the answer only hints at.
fn tell_of(error: &Error, what: &str) {
    eprintln!("{what}: {}", error.with_causes());
}
