//! Model providers.

use crate::agents::{optional, part};
use axum::extract::State;
use contracts::{
    Change, Secret,
    studio::{
        Changed,
        providers::{
            DEFAULT_TIMEOUT_MS, ModelProvider, NewProvider, ProviderCreate, ProviderUpdate,
        },
    },
};
use domain::{
    Availability, Error, ErrorKind, ModelName, Provider, ProviderCode, ProviderId, ProviderKey,
    ProviderUrl, Sealed,
};
use ports::Platform;
use store::providers::{self as stored, Deleted, Key, ListedProvider};
use web::{
    Administrator, AdministratorBody, Envelope, Id, Outcome, PagedEnvelope, Parameters, filter,
    new_uuid, parsed, seal_provider_key, window,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    AdministratorBody(body): AdministratorBody<ProviderCreate>,
) -> Outcome<Envelope<NewProvider>> {
    let uuid = new_uuid(&platform);
    let name = parsed("name", ModelName::parse(&body.name))?;
    let code = parsed("code", ProviderCode::parse(&body.code))?;
    let base_url = parsed("baseUrl", ProviderUrl::parse(&body.base_url))?;
    let status = optional("status", body.status.as_deref(), Availability::parse)?;
    let key = body.api_key.as_ref().map(key).transpose()?;
    let sealed = match &key {
        Some(key) => Some(seal_provider_key(&platform, uuid, key).await?),
        None => None,
    };
    let new = stored::NewProvider {
        uuid,
        name: &name,
        code: &code,
        base_url: &base_url,
        api_key: stored_key(key.as_ref(), sealed.as_ref()),
        rate_limit: body.rate_limit,
        timeout_ms: body.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
        local: body.local.unwrap_or(false),
        status: status.unwrap_or(Availability::Active),
        now: platform.clock.now(),
    };
    let inserted = stored::insert(&*platform.sql, &new).await?;
    Ok(Envelope(inserted.ok_or_else(code_taken)?.into()))
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Administrator,
    query: Parameters,
) -> Outcome<PagedEnvelope<ModelProvider>> {
    let status = filter(&query, "status", Availability::parse)?;
    let listed = stored::list(&*platform.sql, status, window(&query)?).await?;
    Ok(PagedEnvelope {
        items: listed.items.into_iter().map(shown).collect(),
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<ModelProvider>> {
    Ok(Envelope(shown(find(&platform, id).await?)))
}

pub(crate) async fn change(
    State(platform): State<Platform>,
    Id(id): Id,
    AdministratorBody(body): AdministratorBody<ProviderUpdate>,
) -> Outcome<Envelope<Changed>> {
    let known = find(&platform, id).await?.provider;
    let name = optional("name", body.name.as_deref(), ModelName::parse)?;
    let code = optional("code", body.code.as_deref(), ProviderCode::parse)?;
    let base_url = optional("baseUrl", body.base_url.as_deref(), ProviderUrl::parse)?;
    judge_move(&known, base_url.as_ref(), &body.api_key)?;
    let key = body.api_key.value().map(key).transpose()?;
    let sealed = match &key {
        Some(key) => Some(seal_provider_key(&platform, known.uuid, key).await?),
        None => None,
    };
    let change = stored::ProviderChange {
        name: name.as_ref(),
        code: code.as_ref(),
        base_url: base_url.as_ref(),
        api_key: (body.api_key != Change::Keep).then(|| stored_key(key.as_ref(), sealed.as_ref())),
        rate_limit: part(&body.rate_limit),
        timeout_ms: body.timeout_ms,
        local: body.local,
        status: optional("status", body.status.as_deref(), Availability::parse)?,
        // Another's change must not slip in between the judgement and this.
        only_if: (base_url.is_some() || body.api_key != Change::Keep).then_some(&known),
    };
    let now = platform.clock.now();
    match stored::update(&*platform.sql, known.id, &change, now).await? {
        stored::Changed::Done => Ok(Envelope(Changed::of(None))),
        stored::Changed::CodeTaken => Err(code_taken().into()),
        stored::Changed::Overtaken => Err(changed_meanwhile().into()),
        stored::Changed::Gone => Err(unknown().into()),
    }
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<Changed>> {
    match stored::delete(&*platform.sql, ProviderId(id)).await? {
        Deleted::Done => Ok(Envelope(Changed::of(None))),
        Deleted::Needed(models) => {
            let detail = format!("The provider has models: {}", models.join(", "));
            Err(Error::new(ErrorKind::Conflict, detail).into())
        }
        Deleted::Gone => Err(unknown().into()),
    }
}

pub(crate) async fn find(platform: &Platform, id: i64) -> Result<ListedProvider, Error> {
    let found = stored::find(&*platform.sql, ProviderId(id)).await?;
    found.ok_or_else(unknown)
}

/// Whether a provider may go to `base_url` when its key does not change with it: whoever can
/// change addresses could else have any key sent to a server of their own.
fn judge_move(
    known: &Provider,
    base_url: Option<&ProviderUrl>,
    key: &Change<Secret>,
) -> Result<(), Error> {
    let moves = base_url.is_some_and(|url| !url.is_same_server(&known.base_url));
    if moves && known.api_key.is_some() && *key == Change::Keep {
        let message = "is asked for again where the server changes; null for none";
        return Err(Error::invalid_field("apiKey", message));
    }
    Ok(())
}

fn key(text: &Secret) -> Result<ProviderKey, Error> {
    parsed("apiKey", ProviderKey::parse(text))
}

fn stored_key<'a>(key: Option<&'a ProviderKey>, sealed: Option<&'a Sealed>) -> Option<Key<'a>> {
    Some(Key {
        sealed: sealed?,
        hint: key?.hint(),
    })
}

fn shown(listed: ListedProvider) -> ModelProvider {
    ModelProvider::of(listed.provider, listed.models)
}

fn unknown() -> Error {
    Error::not_found("Model provider not found")
}

fn code_taken() -> Error {
    Error::new(ErrorKind::Conflict, "Another provider has this code")
}

fn changed_meanwhile() -> Error {
    let detail = "The provider was changed meanwhile. Look at it again";
    Error::new(ErrorKind::Conflict, detail)
}
