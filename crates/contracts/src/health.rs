//! Health: of the service (`runtime`, "Infra"; `codex`, "健康检查") and of what it stands on.

use crate::openapi::{Answer, Body, Method, Operation};
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

/// The operations of this module.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/api/v1/health",
        summary: "Whether the service answers",
        query: &[],
        body: None,
        answers: &[Answer {
            status: 200,
            what: "It does.",
            body: Body::Json("Health"),
        }],
    },
    Operation {
        method: Method::Get,
        path: "/api/v1/infra/health",
        summary: "How the parts are that the platform stands on",
        query: &[],
        body: None,
        answers: &[Answer {
            status: 200,
            what: "Each part, as it answered just now (at most two seconds ago).",
            body: Body::Json("InfraHealth"),
        }],
    },
    Operation {
        method: Method::Get,
        path: "/api/health",
        summary: "Health in the codex contract's words",
        query: &[],
        body: None,
        answers: &[Answer {
            status: 200,
            what: "The health.",
            body: Body::Json("CodexHealth"),
        }],
    },
];
