//! The operations of section 4.

use crate::Contract;
use crate::operation::{
    Access::SignedIn,
    Answer, Body,
    Method::{self, Delete, Get, Post, Put},
    Operation, Query,
};

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Studio, SignedIn, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such workflow of one's own.");
const UNKNOWN_VERSION: Answer =
    Answer::problem(404, "There is no such version, or no such workflow.");
const IN_THE_WAY: Answer = Answer::problem(
    409,
    "An agent holds it, or `baseVersion` is not its newest version.",
);
const FULL: Answer = Answer::problem(507, "One's workflows have reached their limit.");
const LOCKED: Answer = Answer::problem(409, "An agent holds it.");
const CHANGED: Answer = Answer::new(200, "It is done.", Body::Envelope("Changed"));
const NEW_VERSION: Answer = Answer::new(
    200,
    "The version that it made.",
    Body::Envelope("WorkflowChanged"),
);
const UPSTREAM: Answer = Answer::problem(502, "The service fails, or answers what it should not.");
const UPSTREAM_LATE: Answer = Answer::problem(504, "The service does not answer in time.");
const NO_SERVICE: Answer = Answer::problem(409, "It has no service.");

const FILTERS: &[Query] = &[
    Query::number("serviceId", "Only workflows on this service.", 0, i64::MAX),
    Query::text(
        "favorite",
        "`true` or `false`: only one's favourites, or only others.",
        false,
    ),
    Query::text(
        "search",
        "Only those whose name or description has this.",
        false,
    ),
    Query::text(
        "sortBy",
        "`name`, `createdAt` (which it is without) or `lastUsedAt`.",
        false,
    ),
    Query::text(
        "sortOrder",
        "`asc` (which it is without for `name`) or `desc` (for the others).",
        false,
    ),
    super::super::LIMIT,
    super::super::OFFSET,
];

pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Get, "/api/v1/workflows"), "List one's workflows")
        .query(FILTERS)
        .answers(&[Answer::new(
            200,
            "Workflows without their JSON; `X-Total-Count` says how many there are.",
            Body::EnvelopeList("StudioWorkflow"),
        )]),
    operation((Post, "/api/v1/workflows"), "Create a workflow")
        .body("WorkflowCreate")
        .answers(&[
            Answer::new(200, "Its number.", Body::Envelope("NewId")),
            FULL,
        ]),
    operation(
        (Get, "/api/v1/workflows/{id}"),
        "Get a workflow with its JSON",
    )
    .answers(&[
        Answer::new(200, "The workflow.", Body::Envelope("StudioWorkflow")),
        UNKNOWN,
    ]),
    operation((Put, "/api/v1/workflows/{id}"), "Change a workflow")
        .body("WorkflowUpdate")
        .answers(&[NEW_VERSION, UNKNOWN, IN_THE_WAY, FULL]),
    operation(
        (Delete, "/api/v1/workflows/{id}"),
        "Delete a workflow and its versions",
    )
    .answers(&[CHANGED, UNKNOWN, LOCKED]),
    operation(
        (Post, "/api/v1/workflows/{id}/favorite"),
        "Make a workflow one of one's favourites, or none",
    )
    .body("FavoriteChange")
    .answers(&[CHANGED, UNKNOWN]),
    operation(
        (Get, "/api/v1/workflows/{id}/versions"),
        "List a workflow's versions, newest first",
    )
    .query(&[super::super::LIMIT, super::super::OFFSET])
    .answers(&[
        Answer::new(
            200,
            "Versions without their JSON; `X-Total-Count` says how many are kept.",
            Body::EnvelopeList("Version"),
        ),
        UNKNOWN,
    ]),
    operation(
        (Get, "/api/v1/workflows/{id}/versions/{number}"),
        "Get a version with its JSON",
    )
    .answers(&[
        Answer::new(200, "The version.", Body::Envelope("Version")),
        UNKNOWN_VERSION,
    ]),
    operation(
        (Post, "/api/v1/workflows/{id}/versions/{number}/restore"),
        "Make a workflow what it was, as a new version",
    )
    .body_if_any("VersionRestore")
    .answers(&[NEW_VERSION, UNKNOWN_VERSION, IN_THE_WAY]),
    operation(
        (Get, "/api/v1/workflows/{id}/diff"),
        "Compare two versions of a workflow",
    )
    .query(&[
        Query::number(
            "from",
            "The one version; without, the one before `to`.",
            0,
            i64::MAX,
        ),
        Query::number("to", "The other; without, the newest.", 0, i64::MAX),
    ])
    .answers(&[
        Answer::new(200, "What differs.", Body::Envelope("VersionDiff")),
        UNKNOWN_VERSION,
    ]),
    operation(
        (Post, "/api/v1/workflows/{id}/validate"),
        "Check a workflow against its service",
    )
    .query(&[Query::number(
        "version",
        "Which version; without, the newest.",
        0,
        i64::MAX,
    )])
    .answers(&[
        Answer::new(
            200,
            "What the service would say.",
            Body::Envelope("WorkflowValidation"),
        ),
        UNKNOWN_VERSION,
        NO_SERVICE,
        UPSTREAM,
        UPSTREAM_LATE,
    ]),
    operation(
        (Get, "/api/v1/workflows/{id}/export"),
        "Download a workflow as ComfyUI reads it",
    )
    .query(&[
        Query::text(
            "format",
            "`API` or `EDITOR`; without, as it was given. For `API` of what was given in editor \
             format, the service is asked.",
            false,
        ),
        Query::number(
            "version",
            "Which version; without, the newest.",
            0,
            i64::MAX,
        ),
    ])
    .answers(&[
        Answer::new(200, "The JSON itself.", Body::Bytes("application/json")),
        UNKNOWN_VERSION,
        Answer::problem(
            409,
            "It has no service, cannot be converted for it, or was given in API format, which \
             does not say how the editor shows it.",
        ),
        UPSTREAM,
        UPSTREAM_LATE,
    ]),
];
