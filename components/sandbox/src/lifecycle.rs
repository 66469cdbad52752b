//! How sandboxes begin and end.

use axum::extract::State;
use contracts::workspace::sandbox::{
    AllDestroyed, DestroyRequest, Destroyed, LaunchRequest, Launched, SandboxState,
};
use domain::{Error, ErrorKind, Session, SessionKey, SessionKind, SessionTitle, Timestamp};
use http::HeaderMap;
use ports::Platform;
use runner_api::{Client, sandboxes::Status};
use store::sessions::{self, Scope};
use web::{
    Json, Outcome, OwnSession, SignedBody, SignedBodyIfAny, SignedIn, most_sessions, new_uuid,
    own_session, parsed,
};

pub(crate) async fn launch(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<LaunchRequest>,
) -> Outcome<Json<Launched>> {
    let session = match body.session_id {
        Some(key) => own_session(&platform, &signed_in, Some(key)).await?,
        None => new_session(&platform, &signed_in, body.title.as_deref()).await?,
    };
    let launch = coding::launch(&*platform.sql, &session, body.network).await?;
    let launched = Client::of(&platform, &headers)
        .launch(session.uuid, &launch)
        .await;
    if launched.is_err() && body.session_id.is_none() {
        take_back(&platform, &session).await?;
    }
    let launched = launched?;
    Ok(Json(Launched {
        session_id: session.uuid.to_string(),
        status: word(launched.sandbox.status),
        created: launched.created,
    }))
}

async fn new_session(
    platform: &Platform,
    signed_in: &SignedIn,
    title: Option<&str>,
) -> Result<Session, Error> {
    let said = title.map(str::trim).filter(|title| !title.is_empty());
    let title = parsed("title", said.map(SessionTitle::parse).transpose())?;
    let session = sessions::insert(
        &*platform.sql,
        new_uuid(platform),
        SessionKind::Workspace,
        signed_in.account.id,
        title.as_ref(),
        platform.clock.now(),
        most_sessions(platform).await?,
    );
    // None when the account was deleted after the token was looked at.
    let gone = || Error::new(ErrorKind::Unauthenticated, "The token is invalid");
    session.await?.ok_or_else(gone)
}

/// A session that was made for a sandbox goes where there is none. A sandbox that the runner
/// makes all the same is one that nobody owns.
async fn take_back(platform: &Platform, session: &Session) -> Result<(), Error> {
    let kinds = [session.kind];
    let scope = Scope::of(session.user_id, &kinds);
    sessions::delete(&*platform.sql, scope, SessionKey::Id(session.id)).await?;
    Ok(())
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
) -> Outcome<Json<SandboxState>> {
    let client = Client::of(&platform, &headers);
    let sandbox = client.sandbox(session.uuid).await?;
    Ok(Json(SandboxState {
        session_id: session.uuid.to_string(),
        status: word(sandbox.status),
        backend: sandbox.backend,
        network: sandbox.network,
        created_at: Timestamp(sandbox.created_at),
        last_used_at: Timestamp(sandbox.last_used_at),
        expires_at: Timestamp(sandbox.expires_at),
    }))
}

pub(crate) async fn destroy(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<DestroyRequest>,
) -> Outcome<Json<Destroyed>> {
    let session = own_session(&platform, &signed_in, Some(body.session_id)).await?;
    let client = Client::of(&platform, &headers);
    let destroyed = client.destroy(session.uuid).await?;
    Ok(Json(Destroyed {
        session_id: session.uuid.to_string(),
        destroyed: destroyed.destroyed > 0,
    }))
}

pub(crate) async fn destroy_all(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Outcome<Json<AllDestroyed>> {
    let client = Client::of(&platform, &headers);
    let destroyed = client.destroy_all(signed_in.account.id).await?;
    Ok(Json(AllDestroyed {
        destroyed: destroyed.destroyed,
    }))
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Starting => "starting",
        Status::Running => "running",
        Status::Stopped => "stopped",
    }
}
