//! Section 8 of the `studio` document, "文件管理接口": files that people upload, and those that
//! their workflows make.

use crate::Contract;
use crate::operation::{
    Access::{self, Open, SignedIn},
    Answer, Body,
    Method::{self, Delete, Get, Post},
    Operation, Query,
};
use domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// `POST /files/avatar`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAvatar {
    /// The file's number.
    pub file_id: i64,
    /// Where everybody sees the picture.
    pub access_url: String,
}

/// `POST /files/workflow`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowUploaded {
    /// The file's number.
    pub file_id: i64,
    /// What it is called.
    pub file_name: String,
    /// Its bytes.
    pub file_size: i64,
    /// The workflow that it changed or made.
    pub workflow_id: i64,
    /// The version of it that this is.
    pub version: i64,
}

/// `GET /files`: a file, one's own or, for administrators, anybody's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub file_name: String,
    /// Its bytes.
    pub file_size: i64,
    /// Its media type, as its content says.
    #[schema(example = "image/png")]
    pub file_type: String,
    /// What it is for: `AVATAR`, `WORKFLOW` or `OUTPUT`.
    #[schema(example = "OUTPUT")]
    pub business_type: &'static str,
    /// The workflow that it belongs to.
    pub workflow_id: Option<i64>,
    /// Where it can be read without a token, for an hour; of an avatar, for good.
    pub access_url: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub create_time: Timestamp,
}

impl FileEntry {
    /// `file`, which can be read at `access_url`.
    #[must_use]
    pub fn of(file: domain::StoredFile, access_url: String) -> Self {
        Self {
            id: file.id.0,
            file_name: file.name,
            file_size: file.size,
            file_type: file.file_type,
            business_type: file.business_type.as_str(),
            workflow_id: file.workflow_id.map(|id| id.0),
            access_url,
            create_time: file.created_at,
        }
    }
}

const fn operation(
    access: Access,
    line: (Method, &'static str),
    summary: &'static str,
) -> Operation {
    crate::operation::operation(Contract::Studio, access, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such file that one may see.");
const TOO_LARGE: Answer = Answer::problem(413, "It is over its limit.");
const NO_FORM: Answer = Answer::problem(415, "It is no form, or no such file.");
const FULL: Answer = Answer::problem(507, "One's files have reached their limit.");

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        SignedIn,
        (Post, "/api/v1/files/avatar"),
        "Upload a picture of oneself: PNG, JPEG, WebP or GIF, at most 5 MB",
    )
    .form(&["file"])
    .answers(&[
        Answer::new(
            200,
            "It is one's picture from now on.",
            Body::Envelope("NewAvatar"),
        ),
        Answer::problem(409, "Another picture was uploaded meanwhile."),
        TOO_LARGE,
        NO_FORM,
        FULL,
    ]),
    operation(
        SignedIn,
        (Post, "/api/v1/files/workflow"),
        "Upload a workflow's JSON, at most 10 MB: a version of `workflowId`, or a new workflow",
    )
    .form(&["file", "workflowId", "name", "serviceId"])
    .answers(&[
        Answer::new(
            200,
            "The file, and the workflow.",
            Body::Envelope("WorkflowUploaded"),
        ),
        Answer::problem(404, "There is no such workflow of one's own."),
        Answer::problem(409, "An agent holds the workflow."),
        TOO_LARGE,
        NO_FORM,
        FULL,
    ]),
    operation(
        SignedIn,
        (Get, "/api/v1/files"),
        "List one's files; administrators list everybody's",
    )
    .query(&[
        Query::text(
            "businessType",
            "Only files of this purpose: `AVATAR`, `WORKFLOW` or `OUTPUT`.",
            false,
        ),
        Query::text(
            "fileType",
            "Only files of this media type, such as `image/png`, or of a family, such as \
                 `image`.",
            false,
        ),
        Query::number("workflowId", "Only files of this workflow.", 0, i64::MAX),
        super::LIMIT,
        super::OFFSET,
    ])
    .answers(&[Answer::new(
        200,
        "Files, newest first; `X-Total-Count` says how many there are.",
        Body::EnvelopeList("FileEntry"),
    )]),
    operation(SignedIn, (Get, "/api/v1/files/stored/{id}"), "Get a file").answers(&[
        Answer::new(
            200,
            "The file, without its bytes.",
            Body::Envelope("FileEntry"),
        ),
        UNKNOWN,
    ]),
    operation(
        SignedIn,
        (Delete, "/api/v1/files/stored/{id}"),
        "Delete a file",
    )
    .answers(&[
        Answer::new(200, "It is gone.", Body::Envelope("Changed")),
        UNKNOWN,
    ]),
    operation(
        Open,
        (Get, "/api/v1/files/stored/{key}/content"),
        "Read a file at its `accessUrl`",
    )
    .query(&[
        Query::number("expires", "Of the `accessUrl`.", 0, i64::MAX),
        Query::text("signature", "Of the `accessUrl`.", true),
    ])
    .answers(&[
        Answer::new(
            200,
            "Its bytes, as its media type.",
            Body::Bytes("application/octet-stream"),
        ),
        Answer::problem(403, "The `accessUrl` has expired, or is none of ours."),
        Answer::problem(404, "The file is gone."),
    ]),
    operation(
        Open,
        (Get, "/api/v1/files/avatar/{key}"),
        "See somebody's picture",
    )
    .answers(&[
        Answer::new(200, "The picture.", Body::Bytes("image/png")),
        Answer::problem(404, "There is no such picture."),
    ]),
];
