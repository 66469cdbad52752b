//! The OpenAPI 3.1 document of everything that is built, from the types of this crate.
//!
//! Each contract's module lists its operations as data; this one turns the lists into the
//! document. A path that is served and not listed is a fault, and a test looks for it.

use crate::{chat, health, problem};
use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Components, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, OpenApiVersion, Ref, RefOr,
    Required, ResponseBuilder, Schema,
};

/// An operation's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// One operation, as data.
#[derive(Debug)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path, with `{name}` for parameters; those whose name ends in `_id` are integers.
    pub path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) query: &'static [Query],
    /// The schema of the request's JSON body.
    pub(crate) body: Option<&'static str>,
    pub(crate) answers: &'static [Answer],
}

/// A query parameter that takes a whole number from 0.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) default: i64,
    pub(crate) most: i64,
}

/// An answer that an operation may give.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) what: &'static str,
    pub(crate) body: Body,
}

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Body {
    Json(&'static str),
    JsonList(&'static str),
    EventStream,
    Problem,
}

/// Every operation that is built.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    chat::OPERATIONS.iter().chain(health::OPERATIONS)
}

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let paths = operations().fold(PathsBuilder::new(), |paths, operation| {
        paths.path(operation.path, path_item(operation))
    });
    OpenApiBuilder::new()
        .openapi(OpenApiVersion::Version31)
        .info(
            InfoBuilder::new()
                .title("Atelier")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Accounts and chat, agents that work on code in sandboxes, agents that edit \
                     and run ComfyUI workflows. Every error is an RFC 7807 problem.",
                ))
                .license(Some(
                    LicenseBuilder::new()
                        .name("Apache-2.0")
                        .identifier(Some("Apache-2.0"))
                        .build(),
                )),
        )
        .paths(paths)
        .components(Some(schemas()))
        .build()
}

fn schemas() -> Components {
    ComponentsBuilder::new()
        .schema_from::<problem::Problem>()
        .schema_from::<problem::InvalidMember>()
        .schema_from::<chat::UserCreate>()
        .schema_from::<chat::User>()
        .schema_from::<chat::ConversationCreate>()
        .schema_from::<chat::Conversation>()
        .schema_from::<chat::ConversationWithMessages>()
        .schema_from::<chat::ChatMessage>()
        .schema_from::<chat::ChatRequest>()
        .schema_from::<health::Health>()
        .schema_from::<health::InfraHealth>()
        .schema_from::<health::ServiceHealth>()
        .schema_from::<health::CodexHealth>()
        .build()
}

fn path_item(operation: &Operation) -> PathItem {
    let mut builder = OperationBuilder::new().summary(Some(operation.summary));
    for name in path_parameters(operation.path) {
        let kind = if name.ends_with("_id") {
            Type::Integer
        } else {
            Type::String
        };
        builder = builder.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(kind))),
        );
    }
    for query in operation.query {
        builder = builder.parameter(query_parameter(query));
    }
    builder = builder.request_body(operation.body.map(request_body));
    for answer in operation.answers {
        builder = builder.response(answer.status.to_string(), response(answer));
    }
    if operation.body.is_some() {
        let invalid = Answer {
            status: 422,
            what: "Invalid content.",
            body: Body::Problem,
        };
        builder = builder.response("422", response(&invalid));
    }
    let any = Answer {
        status: 500,
        what: "Any other error.",
        body: Body::Problem,
    };
    builder = builder.response("default", response(&any));
    let method = match operation.method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
    };
    PathItem::new(method, builder.build())
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn query_parameter(query: &Query) -> ParameterBuilder {
    let mut schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .default(Some(json!(query.default)));
    if query.most < i64::MAX {
        schema = schema.maximum(Some(query.most));
    }
    ParameterBuilder::new()
        .name(query.name)
        .parameter_in(ParameterIn::Query)
        .description(Some(query.what))
        .schema(Some(schema))
}

fn request_body(schema: &str) -> RequestBody {
    RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content(
            "application/json",
            Content::new(Some(Ref::from_schema_name(schema))),
        )
        .build()
}

fn response(answer: &Answer) -> ResponseBuilder {
    let (media_type, schema): (_, RefOr<Schema>) = match answer.body {
        Body::Json(name) => ("application/json", Ref::from_schema_name(name).into()),
        Body::JsonList(name) => (
            "application/json",
            ArrayBuilder::new()
                .items(Ref::from_schema_name(name))
                .into(),
        ),
        Body::EventStream => ("text/event-stream", String::schema()),
        Body::Problem => (
            problem::PROBLEM_JSON,
            Ref::from_schema_name("Problem").into(),
        ),
    };
    ResponseBuilder::new()
        .description(answer.what)
        .content(media_type, Content::new(Some(schema)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if let (true, Some(to)) = (name == "$ref", member.as_str()) {
                        found.push(to.to_owned());
                    }
                    references(member, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_is_3_1_and_refers_only_to_what_it_holds() {
        let document = serde_json::to_value(document()).unwrap_or_default();
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for to in found {
            let pointer = to.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{to}");
        }
    }
}
