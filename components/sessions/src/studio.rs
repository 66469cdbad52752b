//! Section 5 of the `studio` document, "会话管理接口". Administrators see all sessions.

use crate::workspace::account_is_gone;
use axum::response::{IntoResponse, Response};
use contracts::studio::sessions::{NewSession, StudioSession};
use domain::{Error, SessionKind, SessionTitle, WorkflowId};
use ports::Platform;
use store::sessions::{self, Scope};
use web::{
    Envelope, Outcome, Parameters, SignedIn, filter, most_sessions, new_uuid, whole_number, window,
};

pub(crate) const KINDS: [SessionKind; 1] = [SessionKind::Studio];

pub(crate) async fn list(
    platform: &Platform,
    signed_in: &SignedIn,
    query: &Parameters,
) -> Outcome<Response> {
    let sql = &*platform.sql;
    let (scope, window) = (scope(signed_in), window(query)?);
    let listed = match filter(query, "workflowId", whole_number)? {
        None => sessions::list(sql, scope, window).await?,
        Some(id) => sessions::list_about(sql, scope, WorkflowId(id), window).await?,
    };
    let glances = sessions::glances(sql, &listed.items, platform.clock.now()).await?;
    let workflows = sessions::workflows_of(sql, &listed.items).await?;
    let items = listed.items.into_iter().zip(workflows).zip(glances);
    let body: Vec<_> = items
        .map(|((session, workflow), glance)| {
            StudioSession::of(session, workflow, glance.last_message, glance.running)
        })
        .collect();
    let total = [("x-total-count", listed.total.to_string())];
    Ok((total, Envelope(body)).into_response())
}

pub(crate) async fn create(
    platform: &Platform,
    signed_in: &SignedIn,
    title: Option<&SessionTitle>,
    workflow: Option<i64>,
) -> Outcome<Envelope<NewSession>> {
    let (sql, uuid, now) = (&*platform.sql, new_uuid(platform), platform.clock.now());
    let (user, most) = (signed_in.account.id, most_sessions(platform).await?);
    if let Some(id) = workflow {
        let (scope, id) = (workflows(signed_in), WorkflowId(id));
        let session = sessions::insert_about(sql, uuid, scope, id, title, now, most).await?;
        let session = session.ok_or_else(|| Error::not_found("Workflow not found"))?;
        store::workflows::touch(sql, id, now).await?;
        return Ok(Envelope(NewSession { id: session.id.0 }));
    }
    let session = sessions::insert(sql, uuid, SessionKind::Studio, user, title, now, most);
    let session = session.await?.ok_or_else(account_is_gone)?;
    Ok(Envelope(NewSession { id: session.id.0 }))
}

/// The workflows that somebody may have sessions about.
fn workflows(signed_in: &SignedIn) -> store::workflows::Scope {
    let everybody = auth::permissions::is_administrator(&signed_in.account);
    store::workflows::Scope {
        owner: (!everybody).then_some(signed_in.account.id),
        asker: signed_in.account.id,
    }
}

pub(crate) fn scope(signed_in: &SignedIn) -> Scope<'static> {
    let everybody = auth::permissions::is_administrator(&signed_in.account);
    Scope {
        user: (!everybody).then_some(signed_in.account.id),
        kinds: &KINDS,
    }
}
