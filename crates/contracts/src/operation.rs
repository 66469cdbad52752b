//! Operations as data: what the OpenAPI document is made from.

use crate::Contract;

/// An operation's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Whoever has an access token.
    SignedIn,
    /// Administrators.
    Administrator,
    /// Everybody where the open chat is on.
    OpenChat,
}

/// One operation, as data. A path that two contracts share is an operation of each.
#[derive(Debug)]
pub struct Operation {
    /// Whose it is.
    pub contract: Contract,
    /// Its method.
    pub method: Method,
    /// Its path, with `{name}` for parameters. Those named `id` or `…_id` are integers in `chat`
    /// and `studio`, UUIDs in the others.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    pub(crate) summary: &'static str,
    pub(crate) query: &'static [Query],
    pub(crate) body: Taken,
    pub(crate) answers: &'static [Answer],
}

/// What an operation answers to and from; the rest of it is added to this.
pub(crate) const fn operation(
    contract: Contract,
    access: Access,
    (method, path): (Method, &'static str),
    summary: &'static str,
) -> Operation {
    Operation {
        contract,
        method,
        path,
        access,
        summary,
        query: &[],
        body: Taken::Nothing,
        answers: &[],
    }
}

impl Operation {
    pub(crate) const fn query(self, query: &'static [Query]) -> Self {
        Self { query, ..self }
    }

    pub(crate) const fn body(self, schema: &'static str) -> Self {
        Self {
            body: Taken::Json(schema),
            ..self
        }
    }

    /// A body that may be left out.
    pub(crate) const fn body_if_any(self, schema: &'static str) -> Self {
        Self {
            body: Taken::JsonIfAny(schema),
            ..self
        }
    }

    /// Any bytes.
    pub(crate) const fn upload(self) -> Self {
        Self {
            body: Taken::Bytes,
            ..self
        }
    }

    /// A form with these fields, of which the first is a file and the others may be left out.
    pub(crate) const fn form(self, fields: &'static [&'static str]) -> Self {
        Self {
            body: Taken::Form(fields),
            ..self
        }
    }

    pub(crate) const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Nothing,
    /// JSON of that schema.
    Json(&'static str),
    /// The same, or nothing.
    JsonIfAny(&'static str),
    Bytes,
    /// `multipart/form-data` of a file and other fields.
    Form(&'static [&'static str]),
}

/// A parameter of the query.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) kind: QueryKind,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum QueryKind {
    /// A whole number from 0.
    Number { default: i64, most: i64 },
    /// A text.
    Text { required: bool },
    /// `true` or `false`, which it is by default.
    Flag,
}

impl Query {
    pub(crate) const fn number(
        name: &'static str,
        what: &'static str,
        default: i64,
        most: i64,
    ) -> Self {
        let kind = QueryKind::Number { default, most };
        Self { name, what, kind }
    }

    pub(crate) const fn text(name: &'static str, what: &'static str, required: bool) -> Self {
        let kind = QueryKind::Text { required };
        Self { name, what, kind }
    }

    pub(crate) const fn flag(name: &'static str, what: &'static str) -> Self {
        let kind = QueryKind::Flag;
        Self { name, what, kind }
    }
}

/// An answer that an operation may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) what: &'static str,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) const fn new(status: u16, what: &'static str, body: Body) -> Self {
        Self { status, what, body }
    }

    /// 204, which has no body.
    pub(crate) const fn nothing(what: &'static str) -> Self {
        Self::new(204, what, Body::Nothing)
    }

    pub(crate) const fn problem(status: u16, what: &'static str) -> Self {
        Self::new(status, what, Body::Problem)
    }
}

/// What an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Json(&'static str),
    JsonList(&'static str),
    /// In the envelope of `studio`.
    Envelope(&'static str),
    /// A list in the envelope of `studio`.
    EnvelopeList(&'static str),
    /// An envelope whose `data` is null.
    EmptyEnvelope,
    EventStream,
    /// Of that media type.
    Bytes(&'static str),
    Problem,
    Nothing,
}
