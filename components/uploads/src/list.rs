//! Files, without their bytes.

use axum::extract::State;
use contracts::studio::{Changed, files::FileEntry};
use domain::{BusinessType, Error, FileId, StoredFile, UserId, WorkflowId};
use file_store::{access_url, avatar_url, remove};
use ports::Platform;
use store::{
    accounts::hide_picture,
    files::{self, Filter},
};
use web::{
    Envelope, Id, Outcome, PagedEnvelope, Parameters, SignedIn, filter, whole_number, window,
};

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<PagedEnvelope<FileEntry>> {
    let file_type = filter(&query, "fileType", media_type)?;
    let only = Filter {
        business_type: filter(&query, "businessType", BusinessType::parse)?,
        file_type: file_type.as_deref(),
        workflow: filter(&query, "workflowId", whole_number)?.map(WorkflowId),
    };
    let (sql, owner, window) = (&*platform.sql, owner(&signed_in), window(&query)?);
    let listed = files::list(sql, owner, only, window).await?;
    let mut items = Vec::with_capacity(listed.items.len());
    for file in listed.items {
        items.push(shown(&platform, file).await?);
    }
    Ok(PagedEnvelope {
        items,
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
) -> Outcome<Envelope<FileEntry>> {
    let file = find(&platform, &signed_in, id).await?;
    Ok(Envelope(shown(&platform, file).await?))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
) -> Outcome<Envelope<Changed>> {
    let file = find(&platform, &signed_in, id).await?;
    if !remove(&platform, owner(&signed_in), file.id).await? {
        return Err(unknown().into());
    }
    if file.business_type == BusinessType::Avatar {
        let url = avatar_url(&platform, file.uuid).await?;
        hide_picture(&*platform.sql, file.user_id, &url).await?;
    }
    Ok(Envelope(Changed::of(None)))
}

async fn find(platform: &Platform, signed_in: &SignedIn, id: i64) -> Result<StoredFile, Error> {
    let found = files::find(&*platform.sql, owner(signed_in), FileId(id)).await?;
    found.ok_or_else(unknown)
}

/// Whose files somebody sees: their own, an administrator everybody's.
fn owner(signed_in: &SignedIn) -> Option<UserId> {
    let account = &signed_in.account;
    (!auth::permissions::is_administrator(account)).then_some(account.id)
}

async fn shown(platform: &Platform, file: StoredFile) -> Result<FileEntry, Error> {
    let url = access_url(platform, &file).await?;
    Ok(FileEntry::of(file, url))
}

/// A media type, or a family of them, which ends in a slash from here on.
fn media_type(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-".contains(&byte);
    if text.len() > 100 || !text.bytes().all(fits) {
        return Err("must be a media type, such as image/png, or a family, such as image");
    }
    let mut text = text.to_ascii_lowercase();
    if !text.contains('/') {
        text.push('/');
    }
    Ok(text)
}

fn unknown() -> Error {
    Error::not_found("File not found")
}
