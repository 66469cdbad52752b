//! What workflows were.

use super::{
    checked::raw,
    refusal::{no_version, unknown, version_of},
    scope,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::studio::workflows::{Version, VersionRestore, WorkflowChanged};
use domain::{Error, ServiceId, WorkflowId, WorkflowVersion};
use ports::Platform;
use store::{
    versions::{self as stored, WholeVersion},
    workflows::{self, Author, Scope, Writer},
};
use web::{
    Envelope, Id, Outcome, PagedEnvelope, Parameters, Place, SignedBodyIfAny, SignedIn, TwoIds,
    window,
};

/// From so many bytes on, two versions that are compared leave no room beside them.
const BOTH: usize = 512 << 10;

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
    query: Parameters,
) -> Outcome<PagedEnvelope<Version>> {
    let (sql, scope) = (&*platform.sql, scope(&signed_in));
    let listed = stored::list(sql, scope, WorkflowId(id), window(&query)?).await?;
    if listed.total == 0 {
        return Err(unknown().into());
    }
    let items = listed.items.into_iter();
    Ok(PagedEnvelope {
        items: items.map(|version| Version::of(version, None)).collect(),
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    TwoIds(id, number): TwoIds,
) -> Outcome<Response> {
    let scope = scope(&signed_in);
    let place = place(&platform, scope, id, Some(number)).await?;
    let found = find(&platform, scope, id, Some(number)).await?;
    let version = Version::of(found.version, Some(raw(found.data)?));
    Ok(place.hold(Envelope(version).into_response()))
}

pub(crate) async fn restore(
    State(platform): State<Platform>,
    TwoIds(id, number): TwoIds,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<VersionRestore>,
) -> Outcome<Envelope<WorkflowChanged>> {
    let note = body.note.filter(|note| !note.is_empty());
    let note = note.unwrap_or_else(|| format!("Restored version {number}"));
    let writer = Writer {
        author: Author::User(&signed_in.account.username),
        note: &note,
        base: body.base_version,
        now: platform.clock.now(),
    };
    let (sql, scope) = (&*platform.sql, scope(&signed_in));
    let restored = workflows::restore(sql, scope, WorkflowId(id), number, &writer).await?;
    Ok(Envelope(WorkflowChanged::of(version_of(restored)?)))
}

/// A place for the JSON of a version that is about to be passed on.
pub(super) async fn place(
    platform: &Platform,
    scope: Scope,
    id: i64,
    number: Option<i64>,
) -> Result<Place, Error> {
    let (version, _) = look(platform, scope, id, number).await?;
    place_for(&version)
}

/// The same of a version that was looked at.
pub(super) fn place_for(version: &WorkflowVersion) -> Result<Place, Error> {
    Place::take_for(Some(size(version)))
}

/// A place for two versions that are to be understood and compared.
pub(super) fn place_for_both(
    one: &WorkflowVersion,
    other: &WorkflowVersion,
) -> Result<Place, Error> {
    let size = size(one).saturating_add(size(other));
    let place = Place::take_to_read(size)?;
    match size < BOTH {
        true => Ok(place),
        false => Place::take_rest(place),
    }
}

fn size(version: &WorkflowVersion) -> usize {
    usize::try_from(version.size).unwrap_or(usize::MAX)
}

/// A version without its JSON, the one of that number or the newest, and the workflow's service.
pub(super) async fn look(
    platform: &Platform,
    scope: Scope,
    id: i64,
    number: Option<i64>,
) -> Result<(WorkflowVersion, Option<ServiceId>), Error> {
    let found = stored::look(&*platform.sql, scope, WorkflowId(id), number).await?;
    found.ok_or_else(|| missing(number))
}

/// A version with its JSON: the one of that number, or the newest.
pub(super) async fn find(
    platform: &Platform,
    scope: Scope,
    id: i64,
    number: Option<i64>,
) -> Result<WholeVersion, Error> {
    let found = stored::find(&*platform.sql, scope, WorkflowId(id), number).await?;
    found.ok_or_else(|| missing(number))
}

fn missing(number: Option<i64>) -> Error {
    match number {
        Some(_) => no_version(),
        None => unknown(),
    }
}
