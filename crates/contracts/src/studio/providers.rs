//! Section 7 of the `studio` document, "AI 模型管理接口": model providers, for administrators.

use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::validation::{change_within, parses_as, parses_as_if_any, rules, within};
use crate::{Change, Contract, Secret};
use domain::{Availability, ModelName, ProviderCode, ProviderKey, ProviderUrl, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most requests a minute.
const RATE: i64 = 1_000_000;

/// How long a provider may say nothing, in milliseconds: at least and at most.
const TIMEOUT: (i64, i64) = (1_000, 600_000);

/// How long a provider may say nothing where nobody says, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: i64 = 60_000;

/// What stands for the part of a key that is not shown. No key has it in it.
const MASK: &str = "••••";

/// `POST /model-providers`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderCreate {
    /// 1 to 64 characters.
    pub name: String,
    /// 1 to 32 ASCII letters, digits, `.`, `_` and `-`, unique whatever their case.
    pub code: String,
    /// Where it is, as its documentation says, usually ending in `/v1`: an `http` or `https` URL
    /// without a user name, a query or a fragment.
    pub base_url: String,
    /// The key for it, if it wants one. It never comes back.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_key: Option<Secret>,
    /// How many requests a minute it may get, of everybody together; without, any number.
    #[serde(default)]
    pub rate_limit: Option<i64>,
    /// How long it may say nothing, 1000 to 600000 milliseconds; without, 60000.
    #[serde(default)]
    pub timeout_ms: Option<i64>,
    /// Whether it is one of the operator's own machines; without, it is not.
    #[serde(default)]
    pub local: Option<bool>,
    /// `ACTIVE`, which it is without, or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

/// `PUT /model-providers/{id}`. What it does not name stays; null removes what may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderUpdate {
    /// 1 to 64 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// 1 to 32 ASCII letters, digits, `.`, `_` and `-`, unique whatever their case.
    #[serde(default)]
    pub code: Option<String>,
    /// Where it is. Another scheme, host or port asks for `apiKey`, too: a key that stays would
    /// be sent to somebody whom it was not meant for.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The key for it; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_key: Change<Secret>,
    /// How many requests a minute it may get; null for any number.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub rate_limit: Change<i64>,
    /// How long it may say nothing, 1000 to 600000 milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<i64>,
    /// Whether it is one of the operator's own machines.
    #[serde(default)]
    pub local: Option<bool>,
    /// `ACTIVE` or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

rules!(ProviderCreate {
    name as "name": parses_as!(ModelName::parse),
    code as "code": parses_as!(ProviderCode::parse),
    base_url as "baseUrl": parses_as!(ProviderUrl::parse),
    api_key as "apiKey": |key: &Option<Secret>, _: &()| key.as_ref().map_or(Ok(()), is_key),
    rate_limit as "rateLimit": within(1, RATE),
    timeout_ms as "timeoutMs": within(TIMEOUT.0, TIMEOUT.1),
    status as "status": parses_as_if_any!(Availability::parse),
});

rules!(ProviderUpdate {
    name as "name": parses_as_if_any!(ModelName::parse),
    code as "code": parses_as_if_any!(ProviderCode::parse),
    base_url as "baseUrl": parses_as_if_any!(ProviderUrl::parse),
    api_key as "apiKey": |key: &Change<Secret>, _: &()| key.value().map_or(Ok(()), is_key),
    rate_limit as "rateLimit": change_within(1, RATE),
    timeout_ms as "timeoutMs": within(TIMEOUT.0, TIMEOUT.1),
    status as "status": parses_as_if_any!(Availability::parse),
});

fn is_key(key: &Secret) -> garde::Result {
    ProviderKey::parse(key).map(drop).map_err(garde::Error::new)
}

/// The provider that `POST /model-providers` made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewProvider {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What configurations call it.
    pub code: String,
    /// `ACTIVE` or `DISABLED`.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
}

impl From<domain::Provider> for NewProvider {
    fn from(provider: domain::Provider) -> Self {
        Self {
            id: provider.id.0,
            name: provider.name,
            code: provider.code,
            status: provider.status.as_str(),
        }
    }
}

/// `GET /model-providers`: a provider, without its key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelProvider {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What configurations call it.
    pub code: String,
    /// Where it is.
    pub base_url: String,
    /// How its key ends, after dots for the rest; the dots alone where the key is short, null
    /// where there is none.
    #[schema(example = "••••cdef")]
    pub api_key_masked: Option<String>,
    /// How many requests a minute it may get; null is any number.
    pub rate_limit: Option<i64>,
    /// How long it may say nothing, in milliseconds.
    pub timeout_ms: i64,
    /// Whether it is one of the operator's own machines.
    pub local: bool,
    /// `ACTIVE` or `DISABLED`; of one that is disabled, no model is used.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
    /// How many models it has.
    pub model_count: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ModelProvider {
    /// `provider`, which has so many models.
    #[must_use]
    pub fn of(provider: domain::Provider, model_count: i64) -> Self {
        let hint = provider.api_key_hint.unwrap_or_default();
        Self {
            id: provider.id.0,
            name: provider.name,
            code: provider.code,
            base_url: provider.base_url,
            api_key_masked: provider.api_key.map(|_| format!("{MASK}{hint}")),
            rate_limit: provider.rate_limit,
            timeout_ms: provider.timeout_ms,
            local: provider.local,
            status: provider.status.as_str(),
            model_count,
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}

/// `POST /model-providers/{id}/test`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderTest {
    /// `ONLINE` or `OFFLINE`.
    #[schema(example = "ONLINE")]
    pub status: &'static str,
    /// How long it took to answer, in milliseconds; null where it did not.
    pub response_time: Option<i64>,
    /// How many models it has, or what is wrong with it.
    pub message: String,
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Studio, Access::Administrator, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such provider.");
const CHANGED: Answer = Answer::new(200, "It is done.", Body::Envelope("Changed"));

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (Method::Post, "/api/v1/model-providers"),
        "Create a model provider",
    )
    .body("ProviderCreate")
    .answers(&[
        Answer::new(200, "The provider.", Body::Envelope("NewProvider")),
        Answer::problem(409, "Another provider has the code."),
    ]),
    operation(
        (Method::Get, "/api/v1/model-providers"),
        "List model providers",
    )
    .query(&[
        Query::text("status", "Only providers of this status.", false),
        super::LIMIT,
        super::OFFSET,
    ])
    .answers(&[Answer::new(
        200,
        "Providers, those made first first; `X-Total-Count` says how many there are.",
        Body::EnvelopeList("ModelProvider"),
    )]),
    operation(
        (Method::Get, "/api/v1/model-providers/{id}"),
        "Get a model provider",
    )
    .answers(&[
        Answer::new(200, "The provider.", Body::Envelope("ModelProvider")),
        UNKNOWN,
    ]),
    operation(
        (Method::Put, "/api/v1/model-providers/{id}"),
        "Change a model provider",
    )
    .body("ProviderUpdate")
    .answers(&[
        CHANGED,
        UNKNOWN,
        Answer::problem(
            409,
            "Another provider has the code, or this one was changed meanwhile.",
        ),
    ]),
    operation(
        (Method::Delete, "/api/v1/model-providers/{id}"),
        "Delete a model provider",
    )
    .answers(&[
        CHANGED,
        UNKNOWN,
        Answer::problem(409, "It has models; some of them are named."),
    ]),
    operation(
        (Method::Post, "/api/v1/model-providers/{id}/test"),
        "Ask a model provider for its models",
    )
    .answers(&[
        Answer::new(
            200,
            "Whether it answered as it should.",
            Body::Envelope("ProviderTest"),
        ),
        UNKNOWN,
        Answer::problem(429, "It has had its requests for this minute."),
    ]),
];
