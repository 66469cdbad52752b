//! Section 5 of the `studio` document, "会话管理接口". Administrators see all sessions.

use crate::workspace::account_is_gone;
use axum::response::{IntoResponse, Response};
use contracts::studio::sessions::{NewSession, StudioSession};
use domain::{Error, SessionKind, SessionTitle};
use ports::Platform;
use store::{
    Window,
    sessions::{self, Scope},
};
use web::{Envelope, Outcome, Parameters, SignedIn, new_uuid};

pub(crate) const KINDS: [SessionKind; 1] = [SessionKind::Studio];

pub(crate) async fn list(
    platform: &Platform,
    signed_in: &SignedIn,
    query: &Parameters,
    window: Window,
) -> Outcome<Response> {
    let sql = &*platform.sql;
    let mut listed = sessions::list(sql, scope(signed_in), window).await?;
    if let Some(workflow) = query.get("workflowId") {
        if workflow.parse::<i64>().is_err() {
            return Err(Error::invalid_field("query.workflowId", "must be a whole number").into());
        }
        // There are no workflows yet, so no session is about one.
        listed.items.clear();
        listed.total = 0;
    }
    let glances = sessions::glances(sql, &listed.items, platform.clock.now()).await?;
    let items = listed.items.into_iter().zip(glances);
    let body: Vec<_> = items
        .map(|(session, glance)| StudioSession::of(session, glance.last_message, glance.running))
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
    if workflow.is_some() {
        // There are no workflows yet.
        return Err(Error::not_found("Workflow not found").into());
    }
    let session = sessions::insert(
        &*platform.sql,
        new_uuid(platform),
        SessionKind::Studio,
        signed_in.account.id,
        title,
        platform.clock.now(),
    );
    let session = session.await?.ok_or_else(account_is_gone)?;
    Ok(Envelope(NewSession { id: session.id.0 }))
}

pub(crate) fn scope(signed_in: &SignedIn) -> Scope<'static> {
    let everybody = auth::permissions::is_administrator(&signed_in.account);
    Scope {
        user: (!everybody).then_some(signed_in.account.id),
        kinds: &KINDS,
    }
}
