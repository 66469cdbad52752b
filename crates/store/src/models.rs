//! Models of providers.

mod change;
mod usable;

pub use change::{Changed, ModelChange, update};
pub use usable::usable;

use crate::{
    Listed, Window,
    listed::listed,
    providers::{Deleted, delete_unless_needed},
    rows::{count_of, first, flag, known, uuid},
};
use domain::{
    Availability, Error, Model, ModelCode, ModelId, ModelName, ModelType, ProviderId, Timestamp,
};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read`] reads.
macro_rules! model_columns {
    () => {
        "models.id, models.uuid, models.provider_id, models.name, models.model_code, \
         models.model_type, models.max_tokens, models.support_stream, models.support_tools, \
         models.input_price, models.output_price, models.status, models.created_at, \
         models.updated_at"
    };
}
pub(crate) use model_columns;

/// How many columns [`read`] reads.
pub(crate) const MODEL_COLUMNS: usize = 14;

/// A `SELECT` of models and their providers' names.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            model_columns!(),
            ", providers.name, providers.status \
             FROM models JOIN providers ON providers.id = models.provider_id WHERE ",
            $rest
        )
    };
}

/// The condition of [`ModelFilter`].
macro_rules! filtered {
    () => {
        "(?1 IS NULL OR models.provider_id = ?1) AND (?2 IS NULL OR models.model_type = ?2) \
         AND (?3 IS NULL OR models.status = ?3)"
    };
}

/// A model, and who serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The model.
    pub model: Model,
    /// Its provider's name.
    pub provider_name: String,
    /// Its provider's status: of one that is disabled, no model is used.
    pub provider_status: Availability,
}

/// Which models a list shows; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelFilter {
    /// Of this provider.
    pub provider: Option<ProviderId>,
    /// Of this type.
    pub model_type: Option<ModelType>,
    /// Of this status of their own.
    pub status: Option<Availability>,
}

/// A model that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewModel<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Who serves it.
    pub provider: ProviderId,
    /// What people call it.
    pub name: &'a ModelName,
    /// What its server calls it.
    pub code: &'a ModelCode,
    /// What it does.
    pub model_type: ModelType,
    /// Its context, in tokens.
    pub max_tokens: Option<i64>,
    /// Whether it can answer piece by piece.
    pub support_stream: bool,
    /// Whether it can call tools.
    pub support_tools: bool,
    /// Millionths of the currency's unit for a million tokens of a question.
    pub input_price: i64,
    /// The same of an answer.
    pub output_price: i64,
    /// Whether it is used.
    pub status: Availability,
    /// When it is made.
    pub now: i64,
}

/// What became of a new model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Done(Model),
    /// There is no such provider.
    NoProvider,
    /// The provider has a model of that code.
    CodeTaken,
}

/// Stores a model.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewModel<'_>) -> Result<Inserted, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO models (uuid, provider_id, name, model_code, model_type, max_tokens, \
             support_stream, support_tools, input_price, output_price, status, created_at, \
             updated_at) \
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12 FROM providers \
         WHERE id = ?2 ON CONFLICT (provider_id, model_code) DO NOTHING RETURNING ",
        model_columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.provider.0.into(),
        new.name.as_str().into(),
        new.code.as_str().into(),
        new.model_type.as_str().into(),
        new.max_tokens.into(),
        i64::from(new.support_stream).into(),
        i64::from(new.support_tools).into(),
        new.input_price.into(),
        new.output_price.into(),
        new.status.as_str().into(),
        new.now.into(),
    ];
    match first(sql, INSERT, parameters, read).await? {
        Some(model) => Ok(Inserted::Done(model)),
        None if provider_exists(sql, new.provider).await? => Ok(Inserted::CodeTaken),
        None => Ok(Inserted::NoProvider),
    }
}

async fn provider_exists(sql: &dyn Sql, id: ProviderId) -> Result<bool, Error> {
    const SELECT: &str = "SELECT 1 FROM providers WHERE id = ?1";
    Ok(count_of(sql, SELECT, vec![id.0.into()]).await? > 0)
}

/// The model of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn find(sql: &dyn Sql, id: ModelId) -> Result<Option<ListedModel>, Error> {
    first(
        sql,
        select!("models.id = ?1"),
        vec![id.0.into()],
        read_listed,
    )
    .await
}

/// The models that `filter` lets through, in the order in which they were made.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    filter: ModelFilter,
    window: Window,
) -> Result<Listed<ListedModel>, Error> {
    const STATEMENTS: (&str, &str) = (
        concat!("SELECT COUNT(*) FROM models WHERE ", filtered!()),
        concat!(
            select!(""),
            filtered!(),
            " ORDER BY models.id LIMIT ?4 OFFSET ?5"
        ),
    );
    let parameters = vec![
        filter.provider.map(|id| id.0).into(),
        filter.model_type.map(ModelType::as_str).into(),
        filter.status.map(Availability::as_str).into(),
    ];
    listed(sql, STATEMENTS, parameters, window, read_listed).await
}

/// Deletes a model that no agent asks.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, id: ModelId) -> Result<Deleted, Error> {
    const DELETE: &str = "DELETE FROM models WHERE id = ?1 AND NOT EXISTS \
         (SELECT 1 FROM agents WHERE model_id = ?1) RETURNING id";
    const NEEDED: &str = "SELECT name FROM agents WHERE model_id = ?1 ORDER BY id LIMIT 10";
    delete_unless_needed(sql, id.0, DELETE, NEEDED).await
}

fn read_listed(row: &Row) -> Result<ListedModel, SqlError> {
    Ok(ListedModel {
        model: read(row)?,
        provider_name: row.get(MODEL_COLUMNS)?,
        provider_status: known(row, MODEL_COLUMNS + 1, |text| {
            Availability::parse(text).ok()
        })?,
    })
}

fn read(row: &Row) -> Result<Model, SqlError> {
    read_at(row, 0)
}

/// Reads the columns from `at` on.
pub(crate) fn read_at(row: &Row, at: usize) -> Result<Model, SqlError> {
    Ok(Model {
        id: ModelId(row.get(at)?),
        uuid: uuid(row, at + 1)?,
        provider_id: ProviderId(row.get(at + 2)?),
        name: row.get(at + 3)?,
        code: row.get(at + 4)?,
        model_type: known(row, at + 5, |text| ModelType::parse(text).ok())?,
        max_tokens: row.get(at + 6)?,
        support_stream: flag(row, at + 7)?,
        support_tools: flag(row, at + 8)?,
        input_price: row.get(at + 9)?,
        output_price: row.get(at + 10)?,
        status: known(row, at + 11, |text| Availability::parse(text).ok())?,
        created_at: Timestamp(row.get(at + 12)?),
        updated_at: Timestamp(row.get(at + 13)?),
    })
}
