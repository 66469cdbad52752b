//! What one method on one path does, on every contract that has it.

use super::schemas::{BEARER, COOKIE};
use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query, Taken};
use crate::problem::{self, status_of};
use domain::ErrorKind;
use std::collections::BTreeMap;
use utoipa::PartialSchema;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type,
};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, Required, ResponseBuilder, Schema};

/// The operations of one method on one path; never empty.
pub(super) struct Shared {
    first: &'static Operation,
    others: Vec<&'static Operation>,
}

impl Shared {
    /// `operations` by method and path, in their order.
    pub(super) fn all(operations: impl Iterator<Item = &'static Operation>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for operation in operations {
            let line = (operation.method, operation.path);
            let known = all
                .iter_mut()
                .find(|shared| (shared.method(), shared.path()) == line);
            match known {
                Some(shared) => shared.others.push(operation),
                None => all.push(Self {
                    first: operation,
                    others: Vec::new(),
                }),
            }
        }
        all
    }

    fn each(&self) -> impl Iterator<Item = &'static Operation> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    pub(super) fn method(&self) -> Method {
        self.first.method
    }

    pub(super) fn path(&self) -> &'static str {
        self.first.path
    }

    pub(super) fn contracts(&self) -> impl Iterator<Item = Contract> {
        self.each().map(|operation| operation.contract)
    }

    pub(super) fn summary(&self) -> String {
        distinct(self.each().map(|operation| operation.summary)).join(" / ")
    }

    /// What the security requirements cannot say.
    pub(super) fn description(&self) -> Option<String> {
        let said = self.each().filter_map(|operation| match operation.access {
            Access::Administrator => Some("Administrators only."),
            Access::OpenChat => Some("Open where the operator has the open chat on."),
            Access::Open | Access::SignedIn => None,
        });
        let said = distinct(said).join(" ");
        (!said.is_empty()).then_some(said)
    }

    /// Open to everybody is an empty list; open to some without a token is one with nothing.
    pub(super) fn securities(&self) -> Vec<SecurityRequirement> {
        let mut accesses = self.each().map(|operation| operation.access);
        if accesses.all(|access| access == Access::Open) {
            return Vec::new();
        }
        let without = self
            .each()
            .any(|operation| matches!(operation.access, Access::Open | Access::OpenChat));
        let none = without.then(SecurityRequirement::default);
        let schemes = [BEARER, COOKIE].map(|name| SecurityRequirement::new(name, [""; 0]));
        none.into_iter().chain(schemes).collect()
    }

    pub(super) fn query(&self) -> impl Iterator<Item = &'static Query> {
        self.each().flat_map(|operation| operation.query)
    }

    pub(super) fn request_body(&self) -> Option<RequestBody> {
        if self.each().any(|operation| operation.body == Taken::Bytes) {
            let content = Content::new(Some(bytes()));
            let body = RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("application/octet-stream", content);
            return Some(body.build());
        }
        if let Taken::Form(fields) = self.first.body {
            let body = RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("multipart/form-data", Content::new(Some(form(fields))));
            return Some(body.build());
        }
        let names = self.each().filter_map(|operation| match operation.body {
            Taken::Json(name) | Taken::JsonIfAny(name) => Some(name),
            Taken::Nothing | Taken::Bytes | Taken::Form(_) => None,
        });
        let schemas = distinct(names)
            .into_iter()
            .map(|name| Ref::from_schema_name(name).into());
        let content = Content::new(Some(any_of(schemas.collect())?));
        let optional = self
            .each()
            .any(|operation| matches!(operation.body, Taken::JsonIfAny(_)));
        let required = if optional {
            Required::False
        } else {
            Required::True
        };
        let body = RequestBodyBuilder::new()
            .required(Some(required))
            .content("application/json", content);
        Some(body.build())
    }

    /// The answers by status, and what every operation answers besides.
    pub(super) fn responses(&self) -> Vec<(String, ResponseBuilder)> {
        let mut by_status: BTreeMap<u16, Vec<Answer>> = BTreeMap::new();
        for operation in self.each() {
            let besides = besides(operation);
            for answer in operation.answers.iter().chain(&besides) {
                let answers = by_status.entry(answer.status).or_default();
                if !answers.contains(answer) {
                    answers.push(*answer);
                }
            }
        }
        let responses = by_status.into_iter();
        let mut responses: Vec<_> = responses
            .map(|(status, answers)| (status.to_string(), response(&answers)))
            .collect();
        let any = Answer::problem(500, "Any other error.");
        responses.push(("default".to_owned(), response(&[any])));
        responses
    }
}

/// The problems that an operation has because of who may call it and what it takes.
fn besides(operation: &Operation) -> Vec<Answer> {
    let mut besides = Vec::new();
    let mut unless_said = |answer: Answer| {
        if !operation
            .answers
            .iter()
            .any(|said| said.status == answer.status)
        {
            besides.push(answer);
        }
    };
    if operation.body != Taken::Nothing {
        let invalid = status_of(ErrorKind::Invalid, operation.contract);
        unless_said(Answer::problem(invalid, "Invalid content."));
    }
    if matches!(operation.access, Access::SignedIn | Access::Administrator) {
        unless_said(Answer::problem(401, "Not signed in, or no longer."));
    }
    if operation.access == Access::Administrator {
        unless_said(Answer::problem(403, "Not an administrator."));
    }
    besides
}

fn response(answers: &[Answer]) -> ResponseBuilder {
    let what = distinct(answers.iter().map(|answer| answer.what)).join(" ");
    let mut by_type: BTreeMap<&str, Vec<RefOr<Schema>>> = BTreeMap::new();
    for answer in answers {
        if let Some((media_type, schema)) = content(answer.body) {
            let schemas = by_type.entry(media_type).or_default();
            if !schemas.contains(&schema) {
                schemas.push(schema);
            }
        }
    }
    let builder = ResponseBuilder::new().description(what);
    by_type
        .into_iter()
        .fold(builder, |builder, (media_type, schemas)| {
            builder.content(media_type, Content::new(any_of(schemas)))
        })
}

fn content(body: Body) -> Option<(&'static str, RefOr<Schema>)> {
    let json = "application/json";
    Some(match body {
        Body::Json(name) => (json, Ref::from_schema_name(name).into()),
        Body::JsonList(name) => {
            let items = ArrayBuilder::new().items(Ref::from_schema_name(name));
            (json, items.into())
        }
        Body::Envelope(name) => (json, envelope(Ref::from_schema_name(name).into())),
        Body::EnvelopeList(name) => {
            let items = ArrayBuilder::new().items(Ref::from_schema_name(name));
            (json, envelope(items.into()))
        }
        Body::EmptyEnvelope => {
            let null = ObjectBuilder::new().schema_type(Type::Null);
            (json, envelope(null.into()))
        }
        Body::EventStream => ("text/event-stream", String::schema()),
        Body::Bytes(media_type) => (media_type, bytes()),
        Body::Problem => (
            problem::PROBLEM_JSON,
            Ref::from_schema_name("Problem").into(),
        ),
        Body::Nothing => return None,
    })
}

fn bytes() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let bytes = ObjectBuilder::new().schema_type(Type::String);
    bytes.format(Some(format)).into()
}

/// A file, and texts.
fn form(fields: &[&str]) -> RefOr<Schema> {
    let mut fields = fields.iter().copied();
    let file = fields.next().unwrap_or_default();
    let builder = ObjectBuilder::new().property(file, bytes()).required(file);
    fields
        .fold(builder, |builder, name| {
            builder.property(name, String::schema())
        })
        .into()
}

/// `{code: 200, message: "success", data}`
fn envelope(data: RefOr<Schema>) -> RefOr<Schema> {
    let code = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some([200]));
    let message = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["success"]));
    ObjectBuilder::new()
        .property("code", code)
        .property("message", message)
        .property("data", data)
        .required("code")
        .required("message")
        .required("data")
        .into()
}

/// One schema for several: whichever it is.
fn any_of(mut schemas: Vec<RefOr<Schema>>) -> Option<RefOr<Schema>> {
    if schemas.len() < 2 {
        return schemas.pop();
    }
    let one_of = schemas
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    Some(one_of.into())
}

fn distinct(texts: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
