//! How providers change.

use crate::rows::{count_of, first};
use domain::{
    Availability, Error, ModelName, Provider, ProviderCode, ProviderId, ProviderUrl, Sealed,
};
use ports::{Row, Sql, SqlError, Value};

/// A provider's key as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key, sealed to the provider's uuid.
    pub sealed: &'a Sealed,
    /// How it ends, where it is long enough to show that.
    pub hint: Option<&'a str>,
}

/// New parts of a provider. `None` leaves a part as it is; `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderChange<'a> {
    /// What people call it.
    pub name: Option<&'a ModelName>,
    /// What configurations call it.
    pub code: Option<&'a ProviderCode>,
    /// Where it is.
    pub base_url: Option<&'a ProviderUrl>,
    /// The key for it.
    pub api_key: Option<Option<Key<'a>>>,
    /// Requests a minute.
    pub rate_limit: Option<Option<i64>>,
    /// How long it may say nothing, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// Whether it is one of the operator's own machines.
    pub local: Option<bool>,
    /// Whether it is used.
    pub status: Option<Availability>,
    /// What the change was judged by: its address and its key must still be these, so that no
    /// key goes to a server that it was not meant for.
    pub only_if: Option<&'a Provider>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made.
    Done,
    /// Another provider has the code.
    CodeTaken,
    /// The provider has another address or another key than the change was judged by.
    Overtaken,
    /// There is no such provider.
    Gone,
}

/// Changes the given parts, all or none.
///
/// # Errors
/// What a failed statement means.
pub async fn update(
    sql: &dyn Sql,
    id: ProviderId,
    change: &ProviderChange<'_>,
    now: i64,
) -> Result<Changed, Error> {
    const UPDATE: &str = "UPDATE OR IGNORE providers SET \
             name = COALESCE(?2, name), code = COALESCE(?3, code), \
             base_url = COALESCE(?4, base_url), \
             api_key = CASE WHEN ?5 THEN ?6 ELSE api_key END, \
             api_key_hint = CASE WHEN ?5 THEN ?7 ELSE api_key_hint END, \
             rate_limit = CASE WHEN ?8 THEN ?9 ELSE rate_limit END, \
             timeout_ms = COALESCE(?10, timeout_ms), local = COALESCE(?11, local), \
             status = COALESCE(?12, status), updated_at = ?13 \
         WHERE id = ?1 AND (?14 IS NULL OR (base_url = ?14 AND api_key IS ?15)) RETURNING id";
    let key = change.api_key.flatten();
    let parameters = vec![
        id.0.into(),
        change.name.map(ModelName::as_str).into(),
        change.code.map(ProviderCode::as_str).into(),
        change.base_url.map(ProviderUrl::as_str).into(),
        i64::from(change.api_key.is_some()).into(),
        key.map(|key| key.sealed.0.as_str()).into(),
        key.and_then(|key| key.hint).into(),
        i64::from(change.rate_limit.is_some()).into(),
        change.rate_limit.flatten().into(),
        change.timeout_ms.into(),
        change.local.map(i64::from).into(),
        change.status.map(Availability::as_str).into(),
        now.into(),
        change.only_if.map(|known| known.base_url.as_str()).into(),
        sealed_key(change.only_if),
    ];
    if count_of(sql, UPDATE, parameters).await? > 0 {
        return Ok(Changed::Done);
    }
    why_not(sql, id, change).await
}

async fn why_not(
    sql: &dyn Sql,
    id: ProviderId,
    change: &ProviderChange<'_>,
) -> Result<Changed, Error> {
    const SELECT: &str = "SELECT ?2 IS NOT NULL AND (base_url <> ?2 OR api_key IS NOT ?3) \
         FROM providers WHERE id = ?1";
    let address = change.only_if.map(|known| known.base_url.as_str());
    let parameters: Vec<Value> = vec![id.0.into(), address.into(), sealed_key(change.only_if)];
    let overtaken = |row: &Row| -> Result<i64, SqlError> { row.get(0) };
    Ok(match first(sql, SELECT, parameters, overtaken).await? {
        None => Changed::Gone,
        Some(0) => Changed::CodeTaken,
        Some(_) => Changed::Overtaken,
    })
}

fn sealed_key(of: Option<&Provider>) -> Value {
    let sealed = of.and_then(|known| known.api_key.as_ref());
    sealed.map(|sealed| sealed.0.as_str()).into()
}

/// Replaces the sealed key `old` by `new`, the same key sealed anew. `false` when the provider
/// has another key by now, or none.
///
/// # Errors
/// What a failed statement means.
pub async fn reseal(
    sql: &dyn Sql,
    id: ProviderId,
    old: &Sealed,
    new: &Sealed,
) -> Result<bool, Error> {
    const UPDATE: &str =
        "UPDATE providers SET api_key = ?3 WHERE id = ?1 AND api_key = ?2 RETURNING id";
    let parameters = vec![id.0.into(), old.0.as_str().into(), new.0.as_str().into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}
