//! Services: the rows that name the ComfyUI servers, by section 3 of the `studio` document. Only
//! administrators say where a server is, because the platform connects to it for everybody.

use axum::extract::State;
use contracts::studio::{
    Changed,
    services::{ComfyService, NewId, ServiceCreate, ServiceUpdate},
};
use domain::{Error, ErrorKind, ServiceId, ServiceName, ServiceStatus, ServiceUrl};
use ports::Platform;
use store::services::{self as stored, ListedService};
use web::{
    Administrator, AdministratorBody, Envelope, Id, Outcome, PagedEnvelope, Parameters, SignedIn,
    filter, new_uuid, parsed, window,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    AdministratorBody(body): AdministratorBody<ServiceCreate>,
) -> Outcome<Envelope<NewId>> {
    let new = stored::NewService {
        uuid: new_uuid(&platform),
        name: &parsed("name", ServiceName::parse(&body.name))?,
        url: &parsed("url", ServiceUrl::parse(&body.url))?,
        description: body.description.as_deref().unwrap_or_default(),
        now: platform.clock.now(),
    };
    let inserted = stored::insert(&*platform.sql, &new).await?;
    let service = inserted.ok_or_else(name_taken)?;
    Ok(Envelope(NewId { id: service.id.0 }))
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: SignedIn,
    query: Parameters,
) -> Outcome<PagedEnvelope<ComfyService>> {
    let status = filter(&query, "status", ServiceStatus::parse)?;
    let listed = stored::list(&*platform.sql, status, window(&query)?).await?;
    Ok(PagedEnvelope {
        items: listed.items.into_iter().map(shown).collect(),
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    _: SignedIn,
    Id(id): Id,
) -> Outcome<Envelope<ComfyService>> {
    Ok(Envelope(shown(find(&platform, ServiceId(id)).await?)))
}

pub(crate) async fn change(
    State(platform): State<Platform>,
    Id(id): Id,
    AdministratorBody(body): AdministratorBody<ServiceUpdate>,
) -> Outcome<Envelope<Changed>> {
    let name = body.name.as_deref().map(ServiceName::parse).transpose();
    let url = body.url.as_deref().map(ServiceUrl::parse).transpose();
    let (name, url) = (parsed("name", name)?, parsed("url", url)?);
    let change = stored::ServiceChange {
        name: name.as_ref(),
        url: url.as_ref(),
        description: body.description.as_deref(),
    };
    let now = platform.clock.now();
    match stored::update(&*platform.sql, ServiceId(id), &change, now).await? {
        stored::Changed::Done => Ok(Envelope(Changed::of(None))),
        stored::Changed::NameTaken => Err(name_taken().into()),
        stored::Changed::Gone => Err(unknown().into()),
    }
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<Changed>> {
    match stored::delete(&*platform.sql, ServiceId(id)).await? {
        true => Ok(Envelope(Changed::of(None))),
        false => Err(unknown().into()),
    }
}

pub(crate) async fn find(platform: &Platform, id: ServiceId) -> Result<ListedService, Error> {
    let found = stored::find(&*platform.sql, id).await?;
    found.ok_or_else(unknown)
}

fn shown(listed: ListedService) -> ComfyService {
    ComfyService::of(listed.service, listed.workflows, listed.sessions)
}

fn unknown() -> Error {
    Error::not_found("Service not found")
}

fn name_taken() -> Error {
    Error::new(ErrorKind::Conflict, "Another service has this name")
}
