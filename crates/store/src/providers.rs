//! Model providers.

mod change;

pub use change::{Changed, Key, ProviderChange, reseal, update};

use crate::{
    Listed, Window,
    listed::listed,
    rows::{all, count_of, first, flag, known, uuid},
};
use domain::{
    Availability, Error, ModelName, Provider, ProviderCode, ProviderId, ProviderUrl, Sealed,
    Timestamp,
};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read`] reads.
macro_rules! provider_columns {
    () => {
        "providers.id, providers.uuid, providers.name, providers.code, providers.base_url, \
         providers.api_key, providers.api_key_hint, providers.rate_limit, providers.timeout_ms, \
         providers.local, providers.status, providers.created_at, providers.updated_at"
    };
}
pub(crate) use provider_columns;

/// How many columns [`read`] reads.
const COLUMNS: usize = 13;

/// A `SELECT` of providers and how many models each has.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            provider_columns!(),
            ", (SELECT COUNT(*) FROM models WHERE models.provider_id = providers.id) \
             FROM providers WHERE ",
            $rest
        )
    };
}

/// A provider, and how many models it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProvider {
    /// The provider.
    pub provider: Provider,
    /// How many models it has, disabled ones too.
    pub models: i64,
}

/// A provider that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewProvider<'a> {
    /// Its number for the outside, which its key is sealed to.
    pub uuid: Uuid,
    /// What people call it.
    pub name: &'a ModelName,
    /// What configurations call it.
    pub code: &'a ProviderCode,
    /// Where it is.
    pub base_url: &'a ProviderUrl,
    /// The key for it.
    pub api_key: Option<Key<'a>>,
    /// Requests a minute.
    pub rate_limit: Option<i64>,
    /// How long it may say nothing, in milliseconds.
    pub timeout_ms: i64,
    /// Whether it is one of the operator's own machines.
    pub local: bool,
    /// Whether it is used.
    pub status: Availability,
    /// When it is made.
    pub now: i64,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// It stays: these, of which at most ten are named, need it.
    Needed(Vec<String>),
    /// There was no such thing.
    Gone,
}

/// Stores a provider. `None` when another has its code.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewProvider<'_>) -> Result<Option<Provider>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO providers (uuid, name, code, base_url, api_key, api_key_hint, rate_limit, \
             timeout_ms, local, status, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11) \
         ON CONFLICT (code) DO NOTHING RETURNING ",
        provider_columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.name.as_str().into(),
        new.code.as_str().into(),
        new.base_url.as_str().into(),
        new.api_key.map(|key| key.sealed.0.as_str()).into(),
        new.api_key.and_then(|key| key.hint).into(),
        new.rate_limit.into(),
        new.timeout_ms.into(),
        i64::from(new.local).into(),
        new.status.as_str().into(),
        new.now.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// The provider of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn find(sql: &dyn Sql, id: ProviderId) -> Result<Option<ListedProvider>, Error> {
    first(sql, select!("id = ?1"), vec![id.0.into()], read_listed).await
}

/// Providers in the order in which they were made, all or those of one status.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    status: Option<Availability>,
    window: Window,
) -> Result<Listed<ListedProvider>, Error> {
    const STATEMENTS: (&str, &str) = (
        "SELECT COUNT(*) FROM providers WHERE (?1 IS NULL OR status = ?1)",
        select!("(?1 IS NULL OR status = ?1) ORDER BY id LIMIT ?2 OFFSET ?3"),
    );
    let parameters = vec![status.map(Availability::as_str).into()];
    listed(sql, STATEMENTS, parameters, window, read_listed).await
}

/// Deletes a provider that no model is of.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, id: ProviderId) -> Result<Deleted, Error> {
    const DELETE: &str = "DELETE FROM providers WHERE id = ?1 AND NOT EXISTS \
         (SELECT 1 FROM models WHERE provider_id = ?1) RETURNING id";
    const NEEDED: &str = "SELECT name FROM models WHERE provider_id = ?1 ORDER BY id LIMIT 10";
    delete_unless_needed(sql, id.0, DELETE, NEEDED).await
}

pub(crate) async fn delete_unless_needed(
    sql: &dyn Sql,
    id: i64,
    delete: &str,
    needed: &str,
) -> Result<Deleted, Error> {
    if count_of(sql, delete, vec![id.into()]).await? > 0 {
        return Ok(Deleted::Done);
    }
    let names = all(sql, needed, vec![id.into()], |row| row.get::<String>(0)).await?;
    Ok(if names.is_empty() {
        Deleted::Gone
    } else {
        Deleted::Needed(names)
    })
}

fn read_listed(row: &Row) -> Result<ListedProvider, SqlError> {
    Ok(ListedProvider {
        provider: read(row)?,
        models: row.get(COLUMNS)?,
    })
}

fn read(row: &Row) -> Result<Provider, SqlError> {
    read_at(row, 0)
}

/// Reads the columns from `at` on.
pub(crate) fn read_at(row: &Row, at: usize) -> Result<Provider, SqlError> {
    Ok(Provider {
        id: ProviderId(row.get(at)?),
        uuid: uuid(row, at + 1)?,
        name: row.get(at + 2)?,
        code: row.get(at + 3)?,
        base_url: row.get(at + 4)?,
        api_key: row.get::<Option<String>>(at + 5)?.map(Sealed),
        api_key_hint: row.get(at + 6)?,
        rate_limit: row.get(at + 7)?,
        timeout_ms: row.get(at + 8)?,
        local: flag(row, at + 9)?,
        status: known(row, at + 10, |text| Availability::parse(text).ok())?,
        created_at: Timestamp(row.get(at + 11)?),
        updated_at: Timestamp(row.get(at + 12)?),
    })
}
