//! Health: of the service (`runtime`, "Infra"; `codex`, "健康检查") and of what it stands on.

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `GET /api/v1/health`: the service answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// `GET /api/health` of the codex contract.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CodexHealth {
    /// `healthy`, or `unhealthy` when the companion that holds the sessions does not answer.
    #[schema(example = "healthy")]
    pub status: String,
    /// Now, in milliseconds since 1970.
    #[schema(example = 1_642_694_400_000_i64)]
    pub timestamp: i64,
    /// How many coding sessions there are.
    pub session_count: i64,
    /// Seconds since the companion started; 0 when it does not answer.
    pub uptime: u64,
}

/// `GET /api/v1/infra/health`: every part that the platform stands on was asked just now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct InfraHealth {
    /// `healthy` when every service is.
    #[schema(example = "healthy")]
    pub status: String,
    /// The services by name: `redis`, `sqlite`, `sandbox_runner`, `llm`.
    pub services: BTreeMap<String, ServiceHealth>,
}

/// How one service is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ServiceHealth {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    pub status: String,
    /// How long it took to answer, in milliseconds.
    pub latency_ms: u64,
    /// What stands behind the name, where that is not clear: `redis`, or the `embedded`
    /// key-value store in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "embedded")]
    pub backend: Option<String>,
    /// What is wrong, in a word or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

const fn operation(contract: Contract, path: &'static str, summary: &'static str) -> Operation {
    crate::operation::operation(contract, Access::Open, (Method::Get, path), summary)
}

/// The operations of this module.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        Contract::Runtime,
        "/api/v1/health",
        "Whether the service answers",
    )
    .answers(&[Answer::new(200, "It does.", Body::Json("Health"))]),
    operation(
        Contract::Runtime,
        "/api/v1/infra/health",
        "How the parts are that the platform stands on",
    )
    .answers(&[Answer::new(
        200,
        "Each part, as it answered just now (at most two seconds ago).",
        Body::Json("InfraHealth"),
    )]),
    operation(
        Contract::Codex,
        "/api/health",
        "Health in the codex contract's words",
    )
    .answers(&[Answer::new(200, "The health.", Body::Json("CodexHealth"))]),
];
