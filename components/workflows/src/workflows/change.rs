//! How workflows come, change and go.

use super::{
    checked::check,
    refusal::{id_of, locked, unknown, version_of},
    scope,
};
use axum::extract::State;
use contracts::{
    Change,
    studio::{
        Changed,
        services::NewId,
        workflows::{WorkflowChanged, WorkflowCreate, WorkflowUpdate},
    },
};
use domain::{ServiceId, WorkflowId, WorkflowName};
use ports::Platform;
use store::workflows::{self as stored, Author, Deleted, Writer};
use web::{Envelope, Id, LargeBody, Outcome, SignedIn, new_uuid, parsed};

/// The largest request: ten megabytes of JSON, and a little beside it.
const BODY: usize = comfyui::limits::WORKFLOW + (64 << 10);

pub(crate) async fn create(
    State(platform): State<Platform>,
    LargeBody(signed_in, body, _place): LargeBody<WorkflowCreate, BODY>,
) -> Outcome<Envelope<NewId>> {
    let account = &signed_in.account;
    let checked = check(&body.workflow_data)?;
    let new = stored::NewWorkflow {
        uuid: new_uuid(&platform),
        user: account.id,
        name: &parsed("name", WorkflowName::parse(&body.name))?,
        description: body.description.as_deref().unwrap_or_default(),
        service: body.service_id.map(ServiceId),
        content: checked.content(),
        author: Author::User(&account.username),
        note: body.note.as_deref().unwrap_or_default(),
        now: platform.clock.now(),
    };
    let id = id_of(stored::insert(&*platform.sql, &new).await?)?;
    Ok(Envelope(NewId { id: id.0 }))
}

pub(crate) async fn update(
    State(platform): State<Platform>,
    Id(id): Id,
    LargeBody(signed_in, body, _place): LargeBody<WorkflowUpdate, BODY>,
) -> Outcome<Envelope<WorkflowChanged>> {
    let name = body.name.as_deref().map(WorkflowName::parse).transpose();
    let name = parsed("name", name)?;
    let checked = body.workflow_data.as_deref().map(check).transpose()?;
    let change = stored::Change {
        name: name.as_ref(),
        description: body.description.as_deref(),
        service: match body.service_id {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(id) => Some(Some(ServiceId(id))),
        },
        content: checked.as_ref().map(|checked| checked.content()),
    };
    let writer = Writer {
        author: Author::User(&signed_in.account.username),
        note: body.note.as_deref().unwrap_or_default(),
        base: body.base_version,
        now: platform.clock.now(),
    };
    let (sql, scope) = (&*platform.sql, scope(&signed_in));
    let changed = stored::update(sql, scope, WorkflowId(id), &change, &writer).await?;
    Ok(Envelope(WorkflowChanged::of(version_of(changed)?)))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
) -> Outcome<Envelope<Changed>> {
    let (sql, scope) = (&*platform.sql, scope(&signed_in));
    match stored::delete(sql, scope, WorkflowId(id), platform.clock.now()).await? {
        Deleted::Done => Ok(Envelope(Changed::of(None))),
        Deleted::Locked(reason) => Err(locked(&reason).into()),
        Deleted::Gone => Err(unknown().into()),
    }
}
