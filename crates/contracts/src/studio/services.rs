//! Section 3 of the `studio` document, "ComfyUI 服务管理接口": services, which everybody sees and
//! administrators change.

use crate::Contract;
use crate::operation::{
    Access::{self, Administrator, SignedIn},
    Answer, Body,
    Method::{self, Delete, Get, Post, Put},
    Operation, Query,
};
use crate::validation::{parses_as, parses_as_if_any, rules, text_within};
use domain::{ServiceName, ServiceUrl, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most characters of a description.
pub(super) const DESCRIPTION: usize = 2_000;

/// `POST /services`
#[derive(Debug, Deserialize, ToSchema)]
pub struct ServiceCreate {
    /// 1 to 64 characters, unique whatever their case.
    pub name: String,
    /// Where it is: an `http` or `https` URL without a user name, a query or a fragment.
    #[schema(example = "http://192.0.2.7:8188")]
    pub url: String,
    /// What it is for: at most 2,000 characters.
    #[serde(default)]
    pub description: Option<String>,
}

/// `PUT /services/{id}`. What it does not name stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ServiceUpdate {
    /// 1 to 64 characters, unique whatever their case.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it is. Of another address the status is `UNKNOWN` until it is tested.
    #[serde(default)]
    pub url: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
}

rules!(ServiceCreate {
    name as "name": parses_as!(ServiceName::parse),
    url as "url": parses_as!(ServiceUrl::parse),
    description as "description": text_within(DESCRIPTION),
});

rules!(ServiceUpdate {
    name as "name": parses_as_if_any!(ServiceName::parse),
    url as "url": parses_as_if_any!(ServiceUrl::parse),
    description as "description": text_within(DESCRIPTION),
});

/// The number of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewId {
    /// Its number.
    pub id: i64,
}

/// `GET /services`: a service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComfyService {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What the last probe found: `ONLINE` or `OFFLINE`; `UNKNOWN` where there was none of this
    /// address.
    #[schema(example = "ONLINE")]
    pub status: &'static str,
    /// How long it took to answer, in milliseconds; null where it did not.
    pub response_time: Option<i64>,
    /// How many workflows of everybody run there.
    pub workflow_count: i64,
    /// How many sessions are about those.
    pub session_count: i64,
    /// When it was last probed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_check_time: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ComfyService {
    /// `service`, where so many workflows run that so many sessions are about.
    #[must_use]
    pub fn of(service: domain::Service, workflow_count: i64, session_count: i64) -> Self {
        Self {
            id: service.id.0,
            name: service.name,
            url: service.url,
            description: service.description,
            status: service.status.as_str(),
            response_time: service.response_time,
            workflow_count,
            session_count,
            last_check_time: service.checked_at,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

/// `POST /services/{id}/test`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceTest {
    /// `ONLINE` or `OFFLINE`.
    #[schema(example = "ONLINE")]
    pub status: &'static str,
    /// How long it took to answer, in milliseconds; null where it did not.
    pub response_time: Option<i64>,
    /// What it is, or what is wrong with it.
    pub message: String,
}

const fn operation(
    access: Access,
    line: (Method, &'static str),
    summary: &'static str,
) -> Operation {
    crate::operation::operation(Contract::Studio, access, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such service.");
const TAKEN: Answer = Answer::problem(409, "Another service has the name.");
const CHANGED: Answer = Answer::new(200, "It is done.", Body::Envelope("Changed"));

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(SignedIn, (Get, "/api/v1/services"), "List ComfyUI services")
        .query(&[
            Query::text("status", "Only services of this status.", false),
            super::LIMIT,
            super::OFFSET,
        ])
        .answers(&[Answer::new(
            200,
            "Services, those made first first; `X-Total-Count` says how many there are.",
            Body::EnvelopeList("ComfyService"),
        )]),
    operation(
        Administrator,
        (Post, "/api/v1/services"),
        "Create a ComfyUI service",
    )
    .body("ServiceCreate")
    .answers(&[
        Answer::new(200, "Its number.", Body::Envelope("NewId")),
        TAKEN,
    ]),
    operation(
        SignedIn,
        (Get, "/api/v1/services/{id}"),
        "Get a ComfyUI service",
    )
    .answers(&[
        Answer::new(200, "The service.", Body::Envelope("ComfyService")),
        UNKNOWN,
    ]),
    operation(
        Administrator,
        (Put, "/api/v1/services/{id}"),
        "Change a ComfyUI service",
    )
    .body("ServiceUpdate")
    .answers(&[CHANGED, UNKNOWN, TAKEN]),
    operation(
        Administrator,
        (Delete, "/api/v1/services/{id}"),
        "Delete a ComfyUI service; workflows that run there stay, without one",
    )
    .answers(&[CHANGED, UNKNOWN]),
    operation(
        Administrator,
        (Post, "/api/v1/services/{id}/test"),
        "Ask a ComfyUI service whether it is there",
    )
    .answers(&[
        Answer::new(
            200,
            "Whether it answered as it should.",
            Body::Envelope("ServiceTest"),
        ),
        UNKNOWN,
    ]),
];
