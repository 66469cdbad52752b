//! How models change.

use super::provider_exists;
use crate::rows::{all, count_of};
use domain::{Availability, Error, ModelCode, ModelId, ModelName, ModelType, ProviderId};
use ports::{Sql, Value};

/// New parts of a model. `None` leaves a part as it is; `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelChange<'a> {
    /// Who serves it.
    pub provider: Option<ProviderId>,
    /// What people call it.
    pub name: Option<&'a ModelName>,
    /// What its server calls it.
    pub code: Option<&'a ModelCode>,
    /// What it does.
    pub model_type: Option<ModelType>,
    /// Its context, in tokens.
    pub max_tokens: Option<Option<i64>>,
    /// Whether it can answer piece by piece.
    pub support_stream: Option<bool>,
    /// Whether it can call tools.
    pub support_tools: Option<bool>,
    /// Millionths of the currency's unit for a million tokens of a question.
    pub input_price: Option<i64>,
    /// The same of an answer.
    pub output_price: Option<i64>,
    /// Whether it is used.
    pub status: Option<Availability>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made.
    Done,
    /// There is no such provider.
    NoProvider,
    /// The provider has a model of that code.
    CodeTaken,
    /// These agents, of which at most ten are named, chat with it: it has to stay one for that.
    Needed(Vec<String>),
    /// There is no such model.
    Gone,
}

/// Changes the given parts, all or none.
///
/// # Errors
/// What a failed statement means.
pub async fn update(
    sql: &dyn Sql,
    id: ModelId,
    change: &ModelChange<'_>,
    now: i64,
) -> Result<Changed, Error> {
    const UPDATE: &str = "UPDATE OR IGNORE models SET \
             provider_id = COALESCE(?2, provider_id), name = COALESCE(?3, name), \
             model_code = COALESCE(?4, model_code), model_type = COALESCE(?5, model_type), \
             max_tokens = CASE WHEN ?6 THEN ?7 ELSE max_tokens END, \
             support_stream = COALESCE(?8, support_stream), \
             support_tools = COALESCE(?9, support_tools), \
             input_price = COALESCE(?10, input_price), \
             output_price = COALESCE(?11, output_price), \
             status = COALESCE(?12, status), updated_at = ?13 \
         WHERE id = ?1 \
             AND (?2 IS NULL OR EXISTS (SELECT 1 FROM providers WHERE providers.id = ?2)) \
             AND (COALESCE(?5, 'CHAT') = 'CHAT' \
                 OR NOT EXISTS (SELECT 1 FROM agents WHERE model_id = ?1)) \
         RETURNING id";
    let parameters: Vec<Value> = vec![
        id.0.into(),
        change.provider.map(|id| id.0).into(),
        change.name.map(ModelName::as_str).into(),
        change.code.map(ModelCode::as_str).into(),
        change.model_type.map(ModelType::as_str).into(),
        i64::from(change.max_tokens.is_some()).into(),
        change.max_tokens.flatten().into(),
        change.support_stream.map(i64::from).into(),
        change.support_tools.map(i64::from).into(),
        change.input_price.into(),
        change.output_price.into(),
        change.status.map(Availability::as_str).into(),
        now.into(),
    ];
    if count_of(sql, UPDATE, parameters).await? > 0 {
        return Ok(Changed::Done);
    }
    why_not(sql, id, change).await
}

async fn why_not(sql: &dyn Sql, id: ModelId, change: &ModelChange<'_>) -> Result<Changed, Error> {
    const EXISTS: &str = "SELECT 1 FROM models WHERE id = ?1";
    const NEEDED: &str = "SELECT name FROM agents WHERE model_id = ?1 ORDER BY id LIMIT 10";
    if count_of(sql, EXISTS, vec![id.0.into()]).await? == 0 {
        return Ok(Changed::Gone);
    }
    if let Some(provider) = change.provider
        && !provider_exists(sql, provider).await?
    {
        return Ok(Changed::NoProvider);
    }
    if change
        .model_type
        .is_some_and(|kind| kind != ModelType::Chat)
    {
        let names = all(sql, NEEDED, vec![id.0.into()], |row| row.get::<String>(0)).await?;
        if !names.is_empty() {
            return Ok(Changed::Needed(names));
        }
    }
    Ok(Changed::CodeTaken)
}
