//! Section 7 of the `studio` document, "AI 模型管理接口": models, for administrators.

use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::validation::{change_within, parses_as, parses_as_if_any, rules, within};
use crate::{Change, Contract};
use domain::{Availability, Millionths, ModelCode, ModelName, ModelType, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest context, in tokens.
const CONTEXT: i64 = 100_000_000;

/// `POST /models`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelCreate {
    /// Who serves it.
    pub provider_id: i64,
    /// 1 to 64 characters.
    pub name: String,
    /// What its server calls it: 1 to 128 ASCII characters without blanks, unique there.
    pub model_code: String,
    /// `CHAT`, `EMBEDDING` or `IMAGE`.
    pub model_type: String,
    /// How many tokens question and answer may have together.
    #[serde(default)]
    pub max_tokens: Option<i64>,
    /// Whether it can answer piece by piece; without, it can.
    #[serde(default)]
    pub support_stream: Option<bool>,
    /// Whether it can call tools; without, it can.
    #[serde(default)]
    pub support_tools: Option<bool>,
    /// What a million tokens of a question cost, to 6 decimal places; without, nothing.
    #[serde(default)]
    pub input_price: Option<f64>,
    /// What a million tokens of an answer cost, in the same unit; without, nothing.
    #[serde(default)]
    pub output_price: Option<f64>,
    /// `ACTIVE`, which it is without, or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

/// `PUT /models/{id}`. What it does not name stays; null removes what may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelUpdate {
    /// Who serves it.
    #[serde(default)]
    pub provider_id: Option<i64>,
    /// 1 to 64 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// What its server calls it: 1 to 128 ASCII characters without blanks, unique there.
    #[serde(default)]
    pub model_code: Option<String>,
    /// `CHAT`, `EMBEDDING` or `IMAGE`. One that agents chat with stays `CHAT`.
    #[serde(default)]
    pub model_type: Option<String>,
    /// How many tokens question and answer may have together; null where that is not known.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub max_tokens: Change<i64>,
    /// Whether it can answer piece by piece.
    #[serde(default)]
    pub support_stream: Option<bool>,
    /// Whether it can call tools.
    #[serde(default)]
    pub support_tools: Option<bool>,
    /// What a million tokens of a question cost, to 6 decimal places.
    #[serde(default)]
    pub input_price: Option<f64>,
    /// What a million tokens of an answer cost, in the same unit.
    #[serde(default)]
    pub output_price: Option<f64>,
    /// `ACTIVE` or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

rules!(ModelCreate {
    name as "name": parses_as!(ModelName::parse),
    model_code as "modelCode": parses_as!(ModelCode::parse),
    model_type as "modelType": parses_as!(ModelType::parse),
    max_tokens as "maxTokens": within(1, CONTEXT),
    input_price as "inputPrice": is_price,
    output_price as "outputPrice": is_price,
    status as "status": parses_as_if_any!(Availability::parse),
});

rules!(ModelUpdate {
    name as "name": parses_as_if_any!(ModelName::parse),
    model_code as "modelCode": parses_as_if_any!(ModelCode::parse),
    model_type as "modelType": parses_as_if_any!(ModelType::parse),
    max_tokens as "maxTokens": change_within(1, CONTEXT),
    input_price as "inputPrice": is_price,
    output_price as "outputPrice": is_price,
    status as "status": parses_as_if_any!(Availability::parse),
});

fn is_price(price: &Option<f64>, _: &()) -> garde::Result {
    let price = price.map(Millionths::of_price).transpose();
    price.map(drop).map_err(garde::Error::new)
}

/// The model that `POST /models` made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewModel {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What its server calls it.
    pub model_code: String,
    /// What it does.
    #[schema(example = "CHAT")]
    pub model_type: &'static str,
    /// `ACTIVE` or `DISABLED`.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
}

impl From<domain::Model> for NewModel {
    fn from(model: domain::Model) -> Self {
        Self {
            id: model.id.0,
            name: model.name,
            model_code: model.code,
            model_type: model.model_type.as_str(),
            status: model.status.as_str(),
        }
    }
}

/// `GET /models`: a model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AiModel {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What its server calls it.
    pub model_code: String,
    /// What it does.
    #[schema(example = "CHAT")]
    pub model_type: &'static str,
    /// Who serves it.
    pub provider_id: i64,
    /// What its provider is called.
    pub provider_name: String,
    /// `ACTIVE` or `DISABLED`, of the model itself.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
    /// Whether it can be asked: neither it nor its provider is disabled.
    pub usable: bool,
    /// How many tokens question and answer may have together; null where that is not known.
    pub max_tokens: Option<i64>,
    /// Whether it can answer piece by piece.
    pub support_stream: bool,
    /// Whether it can call tools.
    pub support_tools: bool,
    /// What a million tokens of a question cost.
    pub input_price: f64,
    /// What a million tokens of an answer cost.
    pub output_price: f64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl AiModel {
    /// `model`, whose provider is called so and has that status.
    #[must_use]
    pub fn of(model: domain::Model, provider_name: String, provider_status: Availability) -> Self {
        let active = Availability::Active;
        Self {
            id: model.id.0,
            name: model.name,
            model_code: model.code,
            model_type: model.model_type.as_str(),
            provider_id: model.provider_id.0,
            provider_name,
            status: model.status.as_str(),
            usable: model.status == active && provider_status == active,
            max_tokens: model.max_tokens,
            support_stream: model.support_stream,
            support_tools: model.support_tools,
            input_price: Millionths(model.input_price).units(),
            output_price: Millionths(model.output_price).units(),
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Studio, Access::Administrator, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such model.");
const CHANGED: Answer = Answer::new(200, "It is done.", Body::Envelope("Changed"));

pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Method::Post, "/api/v1/models"), "Create a model")
        .body("ModelCreate")
        .answers(&[
            Answer::new(200, "The model.", Body::Envelope("NewModel")),
            Answer::problem(409, "Its provider has a model of that code."),
        ]),
    operation((Method::Get, "/api/v1/models"), "List models")
        .query(&[
            Query::text("providerId", "Only models of this provider.", false),
            Query::text("modelType", "Only models of this type.", false),
            Query::text("status", "Only models of this status of their own.", false),
            super::LIMIT,
            super::OFFSET,
        ])
        .answers(&[Answer::new(
            200,
            "Models, those made first first; `X-Total-Count` says how many there are.",
            Body::EnvelopeList("AiModel"),
        )]),
    operation((Method::Get, "/api/v1/models/{id}"), "Get a model").answers(&[
        Answer::new(200, "The model.", Body::Envelope("AiModel")),
        UNKNOWN,
    ]),
    operation((Method::Put, "/api/v1/models/{id}"), "Change a model")
        .body("ModelUpdate")
        .answers(&[
            CHANGED,
            UNKNOWN,
            Answer::problem(
                409,
                "Its provider has a model of that code, or agents chat with it.",
            ),
        ]),
    operation((Method::Delete, "/api/v1/models/{id}"), "Delete a model").answers(&[
        CHANGED,
        UNKNOWN,
        Answer::problem(409, "Agents ask it; some of them are named."),
    ]),
];
