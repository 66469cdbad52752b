//! Models.

use crate::agents::{optional, part};
use axum::extract::State;
use contracts::studio::{
    Changed,
    models::{AiModel, ModelCreate, ModelUpdate, NewModel},
};
use domain::{
    Availability, Error, ErrorKind, Millionths, ModelCode, ModelId, ModelName, ModelType,
    ProviderId,
};
use ports::Platform;
use store::{
    models::{self as stored, Inserted, ListedModel, ModelFilter},
    providers::Deleted,
};
use web::{
    Administrator, AdministratorBody, Envelope, Id, Outcome, PagedEnvelope, Parameters, filter,
    new_uuid, parsed, whole_number, window,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    AdministratorBody(body): AdministratorBody<ModelCreate>,
) -> Outcome<Envelope<NewModel>> {
    let name = parsed("name", ModelName::parse(&body.name))?;
    let code = parsed("modelCode", ModelCode::parse(&body.model_code))?;
    let status = optional("status", body.status.as_deref(), Availability::parse)?;
    let new = stored::NewModel {
        uuid: new_uuid(&platform),
        provider: ProviderId(body.provider_id),
        name: &name,
        code: &code,
        model_type: parsed("modelType", ModelType::parse(&body.model_type))?,
        max_tokens: body.max_tokens,
        support_stream: body.support_stream.unwrap_or(true),
        support_tools: body.support_tools.unwrap_or(true),
        input_price: price("inputPrice", body.input_price)?.unwrap_or(0),
        output_price: price("outputPrice", body.output_price)?.unwrap_or(0),
        status: status.unwrap_or(Availability::Active),
        now: platform.clock.now(),
    };
    match stored::insert(&*platform.sql, &new).await? {
        Inserted::Done(model) => Ok(Envelope(model.into())),
        Inserted::NoProvider => Err(no_provider().into()),
        Inserted::CodeTaken => Err(code_taken().into()),
    }
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Administrator,
    query: Parameters,
) -> Outcome<PagedEnvelope<AiModel>> {
    let only = ModelFilter {
        provider: filter(&query, "providerId", whole_number)?.map(ProviderId),
        model_type: filter(&query, "modelType", ModelType::parse)?,
        status: filter(&query, "status", Availability::parse)?,
    };
    let listed = stored::list(&*platform.sql, only, window(&query)?).await?;
    Ok(PagedEnvelope {
        items: listed.items.into_iter().map(shown).collect(),
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<AiModel>> {
    let found = stored::find(&*platform.sql, ModelId(id)).await?;
    Ok(Envelope(shown(found.ok_or_else(unknown)?)))
}

pub(crate) async fn change(
    State(platform): State<Platform>,
    Id(id): Id,
    AdministratorBody(body): AdministratorBody<ModelUpdate>,
) -> Outcome<Envelope<Changed>> {
    let name = optional("name", body.name.as_deref(), ModelName::parse)?;
    let code = optional("modelCode", body.model_code.as_deref(), ModelCode::parse)?;
    let change = stored::ModelChange {
        provider: body.provider_id.map(ProviderId),
        name: name.as_ref(),
        code: code.as_ref(),
        model_type: optional("modelType", body.model_type.as_deref(), ModelType::parse)?,
        max_tokens: part(&body.max_tokens),
        support_stream: body.support_stream,
        support_tools: body.support_tools,
        input_price: price("inputPrice", body.input_price)?,
        output_price: price("outputPrice", body.output_price)?,
        status: optional("status", body.status.as_deref(), Availability::parse)?,
    };
    let now = platform.clock.now();
    match stored::update(&*platform.sql, ModelId(id), &change, now).await? {
        stored::Changed::Done => Ok(Envelope(Changed::of(None))),
        stored::Changed::NoProvider => Err(no_provider().into()),
        stored::Changed::CodeTaken => Err(code_taken().into()),
        stored::Changed::Needed(agents) => Err(asked_by(&agents).into()),
        stored::Changed::Gone => Err(unknown().into()),
    }
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<Changed>> {
    match stored::delete(&*platform.sql, ModelId(id)).await? {
        Deleted::Done => Ok(Envelope(Changed::of(None))),
        Deleted::Needed(agents) => Err(asked_by(&agents).into()),
        Deleted::Gone => Err(unknown().into()),
    }
}

fn shown(listed: ListedModel) -> AiModel {
    AiModel::of(listed.model, listed.provider_name, listed.provider_status)
}

fn price(field: &str, units: Option<f64>) -> Result<Option<i64>, Error> {
    let price = parsed(field, units.map(Millionths::of_price).transpose())?;
    Ok(price.map(|price| price.0))
}

fn unknown() -> Error {
    Error::not_found("Model not found")
}

fn no_provider() -> Error {
    Error::invalid_field("providerId", "is no model provider")
}

fn code_taken() -> Error {
    let detail = "The provider has a model of this code already";
    Error::new(ErrorKind::Conflict, detail)
}

fn asked_by(agents: &[String]) -> Error {
    let detail = format!("Agents ask this model: {}", agents.join(", "));
    Error::new(ErrorKind::Conflict, detail)
}
