//! Workflows, by section 4 of the `studio` document: kept with their versions, compared, checked
//! against what their service has, and downloaded in either format.
//!
//! Invariant: every statement about one is told whose may be seen (`scope`), so that another's is
//! not there rather than forbidden.

mod change;
mod checked;
mod diff;
mod export;
mod list;
mod refusal;
mod upload;
mod validate;
mod versions;

use crate::workflows::{checked::raw, refusal::unknown};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use contracts::studio::{
    Changed,
    workflows::{Beside, FavoriteChange, StudioWorkflow},
};
use domain::WorkflowId;
use ports::Platform;
use store::workflows::{self as stored, ListedWorkflow, Scope};
use web::{Envelope, Id, Outcome, SignedBody, SignedIn};

pub(crate) fn routes() -> Router<Platform> {
    Router::new()
        .route("/api/v1/workflows", get(list::list).post(change::create))
        .route(
            "/api/v1/workflows/{id}",
            get(show).put(change::update).delete(change::delete),
        )
        .route("/api/v1/files/workflow", post(upload::upload))
        .route("/api/v1/workflows/{id}/favorite", post(favorite))
        .route("/api/v1/workflows/{id}/validate", post(validate::validate))
        .route("/api/v1/workflows/{id}/export", get(export::export))
        .route("/api/v1/workflows/{id}/diff", get(diff::diff))
        .route("/api/v1/workflows/{id}/versions", get(versions::list))
        .route(
            "/api/v1/workflows/{id}/versions/{number}",
            get(versions::show),
        )
        .route(
            "/api/v1/workflows/{id}/versions/{number}/restore",
            post(versions::restore),
        )
}

async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
) -> Outcome<Response> {
    let (sql, scope) = (&*platform.sql, scope(&signed_in));
    let now = platform.clock.now();
    let found = stored::find(sql, scope, WorkflowId(id), now).await?;
    let found = found.ok_or_else(unknown)?;
    let number = Some(found.workflow.version);
    let place = versions::place(&platform, scope, id, number).await?;
    let whole = store::versions::find(sql, scope, WorkflowId(id), number).await?;
    let whole = whole.ok_or_else(unknown)?;
    let workflow = shown(found, Some(raw(whole.data)?));
    Ok(place.hold(Envelope(workflow).into_response()))
}

async fn favorite(
    State(platform): State<Platform>,
    Id(id): Id,
    SignedBody(signed_in, body): SignedBody<FavoriteChange>,
) -> Outcome<Envelope<Changed>> {
    let (scope, id) = (scope(&signed_in), WorkflowId(id));
    match stored::set_favorite(&*platform.sql, scope, id, body.favorite).await? {
        true => Ok(Envelope(Changed::of(None))),
        false => Err(unknown().into()),
    }
}

/// Whose workflows somebody sees.
fn scope(signed_in: &SignedIn) -> Scope {
    let user = signed_in.account.id;
    Scope {
        owner: (!auth::permissions::is_administrator(&signed_in.account)).then_some(user),
        asker: user,
    }
}

fn shown(listed: ListedWorkflow, data: Option<Box<serde_json::value::RawValue>>) -> StudioWorkflow {
    let beside = Beside {
        service_name: listed.service_name,
        is_favorite: listed.is_favorite,
        sessions: listed.sessions,
        versions: listed.versions,
        data,
    };
    StudioWorkflow::of(listed.workflow, beside)
}
