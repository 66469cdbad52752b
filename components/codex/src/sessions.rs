//! Coding sessions: made, listed, shown, opened again, deleted.

use crate::{addresses::Addresses, pending};
use axum::extract::State;
use coding::{Approval, Cwd, Profile, Profiles, WORKSPACE};
use contracts::codex::sessions::{
    CodexSession, CodexSessionCreate, CodexSessionCreated, CodexSessionStatus,
};
use domain::{Error, ErrorKind, Session, SessionKey, SessionKind};
use http::{HeaderMap, StatusCode};
use ports::Platform;
use runner_api::{Client, sandboxes::Status};
use store::{
    codex::{self, CodexGlance, CodexSettings},
    sessions::{self, Scope},
};
use web::{
    Json, Limits, Outcome, Page, Paged, Parameters, Segment, SignedBodyIfAny, SignedIn,
    most_sessions, new_uuid, variable,
};

/// The kinds that `codex` lists and opens.
pub(crate) const KINDS: [SessionKind; 1] = [SessionKind::Codex];

const SESSIONS: Limits = Limits {
    default: 50,
    most: 100,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<CodexSessionCreate>,
) -> Outcome<(StatusCode, Json<CodexSessionCreated>)> {
    let client = Client::of(&platform, &headers);
    let (settings, profile) = settings(&platform, &client, &body).await?;
    // Where no model can answer, that is better said now than by every turn.
    let default = variable(&platform, "llm_model").await?;
    coding::chosen(&*platform.sql, &settings, &profile, &default).await?;
    let (uuid, now) = (new_uuid(&platform), platform.clock.now());
    let (user, most) = (signed_in.account.id, most_sessions(&platform).await?);
    let made = codex::insert(&*platform.sql, uuid, user, &settings, now, most).await?;
    // The account was deleted after the token was looked at.
    let gone = || Error::new(ErrorKind::Unauthenticated, "The token is invalid");
    let session = made.ok_or_else(gone)?;
    let at = Addresses::of(&platform, &headers).await?;
    let created = CodexSessionCreated::of(&session.uuid.to_string(), &at.public, &at.live);
    Ok((StatusCode::CREATED, Json(created)))
}

/// How a session is to be set up, with every member doing what it says.
async fn settings(
    platform: &Platform,
    client: &Client,
    body: &CodexSessionCreate,
) -> Result<(CodexSettings, Profile), Error> {
    let profiles = Profiles::configured(platform).await?;
    let name = body.config_profile.as_deref().unwrap_or("default");
    let profile = profiles.get(name).cloned().ok_or_else(|| {
        let known: Vec<_> = profiles.names().collect();
        let message = format!("is none of the profiles: {}", known.join(", "));
        Error::invalid_field("config_profile", message)
    })?;
    let cwd = Cwd::parse(body.cwd.as_deref().unwrap_or_default());
    let cwd = cwd.map_err(|message| Error::invalid_field("cwd", message))?;
    let (cwd, project) = match cwd {
        Cwd::Inside(cwd) => (cwd, None),
        Cwd::OnHost(path) => {
            let project = client.project(&path).await.map_err(in_cwd)?;
            (WORKSPACE.to_owned(), Some(project.path))
        }
    };
    let settings = CodexSettings {
        cwd,
        project,
        model: body.model.clone(),
        oss: body.oss.unwrap_or_default(),
        web_search: body.web_search.unwrap_or_default(),
        profile: name.to_owned(),
        network: profile.network,
        read_only: profile.approval == Approval::ReadOnly,
    };
    Ok((settings, profile))
}

/// What the runner says of a folder is said of the member that names it.
fn in_cwd(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Refused => {
            let message = error.detail().trim_start_matches("The folder ");
            Error::invalid_field("cwd", message)
        }
        _ => error,
    }
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Paged<Vec<CodexSession>>> {
    let page = Page::by_offset(&query, SESSIONS)?;
    let scope = Scope::of(signed_in.account.id, &KINDS);
    let listed = sessions::list(&*platform.sql, scope, page.window()).await?;
    let now = platform.clock.now();
    let glances = codex::glances(&*platform.sql, &listed.items, now).await?;
    let at = Addresses::of(&platform, &headers).await?;
    let mut body = Vec::with_capacity(listed.items.len());
    for (session, glance) in listed.items.into_iter().zip(glances) {
        body.push(shown(&platform, &at, session, glance).await?);
    }
    Ok(Paged {
        body,
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<CodexSession>> {
    let session = own(&platform, &signed_in, &id).await?;
    let sandbox = Client::of(&platform, &headers).sandbox(session.uuid).await;
    let is_stopped = sandbox.is_ok_and(|sandbox| sandbox.status == Status::Stopped);
    Ok(Json(whole(&platform, &headers, session, is_stopped).await?))
}

/// The sandbox runs when it is answered; where it cannot be had, that is the answer. The session's
/// events do not need it.
pub(crate) async fn resume(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<Json<CodexSession>> {
    let session = own(&platform, &signed_in, &id).await?;
    let launch = coding::launch(&*platform.sql, &session, false).await?;
    let client = Client::of(&platform, &headers);
    client.launch(session.uuid, &launch).await?;
    Ok(Json(whole(&platform, &headers, session, false).await?))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Outcome<StatusCode> {
    let scope = Scope::of(signed_in.account.id, &KINDS);
    let key = SessionKey::parse(&id).ok_or_else(unknown)?;
    coding::delete(&platform, &headers, scope, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The coding session that `id` names, if it is the asker's.
pub(crate) async fn own(
    platform: &Platform,
    signed_in: &SignedIn,
    id: &str,
) -> Result<Session, Error> {
    let scope = Scope::of(signed_in.account.id, &KINDS);
    let key = SessionKey::parse(id).ok_or_else(unknown)?;
    let found = sessions::find(&*platform.sql, scope, key).await?;
    found.ok_or_else(unknown)
}

pub(crate) fn unknown() -> Error {
    Error::not_found("Session not found")
}

async fn whole(
    platform: &Platform,
    headers: &HeaderMap,
    session: Session,
    is_stopped: bool,
) -> Result<CodexSession, Error> {
    let at = Addresses::of(platform, headers).await?;
    let now = platform.clock.now();
    let glances = codex::glances(&*platform.sql, std::slice::from_ref(&session), now).await?;
    let glance = glances.into_iter().next().unwrap_or_default();
    let uuid = session.uuid;
    let mut shown = shown(platform, &at, session, glance).await?;
    // What only the runner knows stands beside the rest: it may be away.
    let presence = Client::of(platform, headers).presence(uuid).await;
    shown.last_event_id = presence.ok().and_then(|presence| presence.newest);
    if is_stopped && shown.status == CodexSessionStatus::Idle {
        shown.status = CodexSessionStatus::Stopped;
    }
    Ok(shown)
}

async fn shown(
    platform: &Platform,
    at: &Addresses,
    session: Session,
    glance: CodexGlance,
) -> Result<CodexSession, Error> {
    let pending_approvals = match glance.approvals {
        0 => Vec::new(),
        _ => pending::of(platform, session.id).await?,
    };
    let session_id = session.uuid.to_string();
    let created = CodexSessionCreated::of(&session_id, &at.public, &at.live);
    let CodexSettings {
        cwd,
        project,
        model,
        oss,
        web_search,
        profile,
        ..
    } = glance.settings;
    Ok(CodexSession {
        session_id,
        ws_url: created.ws_url,
        http_url: created.http_url,
        title: session.title,
        cwd: project.unwrap_or(cwd),
        model,
        config_profile: profile,
        oss,
        web_search,
        status: match (glance.running, pending_approvals.is_empty()) {
            (true, false) => CodexSessionStatus::Waiting,
            (true, true) => CodexSessionStatus::Running,
            (false, _) => CodexSessionStatus::Idle,
        },
        created_at: session.created_at.0,
        updated_at: session.updated_at.0,
        last_event_id: None,
        pending_approvals,
    })
}
