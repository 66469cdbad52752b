//! What workflows were.

use super::{
    checked::raw,
    refusal::{no_version, unknown, version_of},
    scope,
};
use axum::extract::State;
use contracts::studio::workflows::{Version, VersionRestore, WorkflowChanged};
use domain::{Error, WorkflowId};
use ports::Platform;
use store::{
    versions::{self as stored, WholeVersion},
    workflows::{self, Author, Scope, Writer},
};
use web::{
    Envelope, Id, Outcome, PagedEnvelope, Parameters, Place, SignedBodyIfAny, SignedIn, TwoIds,
    window,
};

/// Up to so many bytes a version's JSON is read like anything else.
const SMALL: i64 = 256 << 10;

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
) -> Outcome<Envelope<Version>> {
    let scope = scope(&signed_in);
    let _place = place(&platform, scope, id, Some(number)).await?;
    let found = find(&platform, scope, id, Some(number)).await?;
    Ok(Envelope(Version::of(found.version, Some(raw(found.data)?))))
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

/// A place for the JSON of a version that is about to be read, where that is large.
pub(super) async fn place(
    platform: &Platform,
    scope: Scope,
    id: i64,
    number: Option<i64>,
) -> Result<Option<Place>, Error> {
    let size = stored::size(&*platform.sql, scope, WorkflowId(id), number).await?;
    let is_large = size.is_some_and(|size| size > SMALL);
    is_large.then(Place::take_large).transpose()
}

/// A version with its JSON: the one of that number, or the newest.
pub(super) async fn find(
    platform: &Platform,
    scope: Scope,
    id: i64,
    number: Option<i64>,
) -> Result<WholeVersion, Error> {
    let found = stored::find(&*platform.sql, scope, WorkflowId(id), number).await?;
    found.ok_or_else(|| match number {
        Some(_) => no_version(),
        None => unknown(),
    })
}
