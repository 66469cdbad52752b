//! The one error body: RFC 7807 with the members that each contract's readers look for besides.

use crate::Contract;
use domain::{Error, ErrorKind, FieldError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The content type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error of any contract (`design`: RFC 7807, "Error Response Format" of the runtime document).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says it all.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened, for a person to read. Show this one.
    #[schema(example = "User not found")]
    pub detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/v1/users/nobody")]
    pub instance: String,
    /// The number under which the log knows this request; on errors of ours only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The members at fault, when the request's content breaks a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InvalidMember>,
    /// `codex` only: the error type of its document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "SessionNotFound")]
    pub error: Option<String>,
    /// `studio` only: equal to `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// `studio` only: equal to `detail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `studio` only: always null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<()>,
}

/// A member of the request that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvalidMember {
    /// Its path in the request, for example `message` or `query.limit`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl InvalidMember {
    pub(crate) fn of(at: &FieldError) -> Self {
        Self {
            field: at.field.clone(),
            message: at.message.clone(),
        }
    }
}

impl Problem {
    /// A problem of `contract` about the request for `instance`.
    #[must_use]
    pub fn new(contract: Contract, status: u16, detail: &str, instance: &str) -> Self {
        let studio = contract == Contract::Studio;
        Self {
            kind: "about:blank".to_owned(),
            title: title_of(status).to_owned(),
            status,
            detail: detail.to_owned(),
            instance: instance.to_owned(),
            request_id: None,
            errors: Vec::new(),
            error: (contract == Contract::Codex).then(|| codex_type_of(status).to_owned()),
            code: studio.then_some(status),
            message: studio.then(|| detail.to_owned()),
            data: studio.then_some(()),
        }
    }

    /// The problem that `error` is to the readers of `contract`.
    #[must_use]
    pub fn of(error: &Error, contract: Contract, instance: &str) -> Self {
        let errors = error.fields().iter().map(InvalidMember::of).collect();
        let status = status_of(error.kind(), contract);
        Self {
            errors,
            ..Self::new(contract, status, error.detail(), instance)
        }
    }
}

/// A value of this crate as JSON. Nothing here can fail to be written: no map has keys other than
/// texts.
#[must_use]
pub fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The status that `kind` has on `contract`.
#[must_use]
pub fn status_of(kind: ErrorKind, contract: Contract) -> u16 {
    match kind {
        ErrorKind::Invalid => match contract {
            Contract::Codex | Contract::Studio => 400,
            Contract::Workspace | Contract::Runtime | Contract::Chat => 422,
        },
        ErrorKind::Refused => 400,
        ErrorKind::Unauthenticated => 401,
        ErrorKind::Forbidden => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::Conflict => 409,
        ErrorKind::TooLarge => 413,
        ErrorKind::UnsupportedMediaType => 415,
        ErrorKind::RangeNotSatisfiable => 416,
        ErrorKind::UpgradeRequired => 426,
        ErrorKind::TooManyRequests => 429,
        ErrorKind::Internal => 500,
        ErrorKind::Upstream => 502,
        ErrorKind::Unavailable => 503,
        ErrorKind::UpstreamTimeout => 504,
        ErrorKind::InsufficientStorage => 507,
    }
}

fn title_of(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        _ => "Error",
    }
}

/// The error types of the codex document's table ("错误代码"), and `Conflict`, which it has none for.
pub(crate) fn codex_type_of(status: u16) -> &'static str {
    match status {
        401 | 403 => "Unauthorized",
        404 => "SessionNotFound",
        409 => "Conflict",
        429 => "TooManyConnections",
        500.. => "InternalError",
        _ => "InvalidRequest",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(contract: Contract, status: u16) -> Value {
        serde_json::to_value(Problem::new(contract, status, "d", "/p")).unwrap_or_default()
    }

    #[test]
    fn every_contract_finds_its_own_members() {
        let five = json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "detail": "d",
            "instance": "/p",
        });
        assert_eq!(written(Contract::Runtime, 404), five);
        assert_eq!(written(Contract::Chat, 404), five);
        let mut codex = five.clone();
        codex["error"] = json!("SessionNotFound");
        assert_eq!(written(Contract::Codex, 404), codex);
        for (status, error) in [
            (400, "InvalidRequest"),
            (401, "Unauthorized"),
            (403, "Unauthorized"),
            (409, "Conflict"),
            (413, "InvalidRequest"),
            (429, "TooManyConnections"),
            (500, "InternalError"),
            (503, "InternalError"),
        ] {
            assert_eq!(written(Contract::Codex, status)["error"], error, "{status}");
        }
        let mut studio = five;
        studio["code"] = json!(404);
        studio["message"] = json!("d");
        studio["data"] = Value::Null;
        assert_eq!(written(Contract::Studio, 404), studio);
    }

    #[test]
    fn invalid_content_has_its_contracts_status() {
        assert_eq!(status_of(ErrorKind::Invalid, Contract::Chat), 422);
        assert_eq!(status_of(ErrorKind::Invalid, Contract::Codex), 400);
    }
}
