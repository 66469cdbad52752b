//! The OpenAPI 3.1 document of everything that is built, from the types of this crate.
//!
//! Each contract's module lists its operations as data; this one turns the lists into the
//! document. A path that is served and not listed is a fault, and a test looks for it. Where two
//! contracts share a method and a path, the document has one operation that says what both do.

mod schemas;
mod shared;

use crate::operation::{Method, Operation, Query, QueryKind};
use crate::{Contract, accounts, chat, codex, health, runtime, studio, workspace};
use serde_json::json;
use shared::Shared;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{
    InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, OpenApiVersion, Required,
};

/// Every operation that is built.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    [
        runtime::OPERATIONS,
        accounts::OPERATIONS,
        runtime::agent_chats::OPERATIONS,
        workspace::OPERATIONS,
        workspace::chat::OPERATIONS,
        workspace::branches::OPERATIONS,
        workspace::sessions::OPERATIONS,
        workspace::sandbox::OPERATIONS,
        workspace::files::OPERATIONS,
        studio::OPERATIONS,
        studio::services::OPERATIONS,
        studio::workflows::OPERATIONS,
        studio::sessions::OPERATIONS,
        studio::messages::OPERATIONS,
        studio::agents::OPERATIONS,
        studio::executions::OPERATIONS,
        studio::providers::OPERATIONS,
        studio::models::OPERATIONS,
        studio::files::OPERATIONS,
        codex::OPERATIONS,
        codex::sessions::OPERATIONS,
        codex::submissions::OPERATIONS,
        codex::patches::OPERATIONS,
        codex::frames::OPERATIONS,
        chat::OPERATIONS,
        health::OPERATIONS,
    ]
    .into_iter()
    .flatten()
}

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let shared = Shared::all(operations());
    let paths = shared.iter().fold(PathsBuilder::new(), |paths, shared| {
        paths.path(shared.path(), path_item(shared))
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
        .components(Some(schemas::components()))
        .build()
}

fn path_item(shared: &Shared) -> PathItem {
    let mut builder = OperationBuilder::new()
        .summary(Some(shared.summary()))
        .description(shared.description())
        .tags(Some(shared.contracts().map(Contract::as_str)))
        .securities(Some(shared.securities()))
        .request_body(shared.request_body());
    for name in path_parameters(shared.path()) {
        builder = builder.parameter(path_parameter(shared.path(), name));
    }
    for query in shared.query() {
        builder = builder.parameter(query_parameter(query));
    }
    for (status, response) in shared.responses() {
        builder = builder.response(status, response);
    }
    let method = match shared.method() {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    };
    PathItem::new(method, builder.build())
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// An id is an integer where the contract shows those, else a UUID.
fn path_parameter(path: &str, name: &str) -> ParameterBuilder {
    let integers = matches!(Contract::of_path(path), Contract::Chat | Contract::Studio);
    let schema = match ["id", "number"].contains(&name) || name.ends_with("_id") {
        true if integers => ObjectBuilder::new().schema_type(Type::Integer),
        true => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned()))),
        false => ObjectBuilder::new().schema_type(Type::String),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema))
}

fn query_parameter(query: &Query) -> ParameterBuilder {
    let (schema, required) = match query.kind {
        QueryKind::Number { default, most } => {
            let number = ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0))
                .default(Some(json!(default)))
                .maximum((most < i64::MAX).then_some(most));
            (number, false)
        }
        QueryKind::Text { required } => (ObjectBuilder::new().schema_type(Type::String), required),
        QueryKind::Flag => {
            let flag = ObjectBuilder::new().schema_type(Type::Boolean);
            (flag.default(Some(json!(false))), false)
        }
    };
    ParameterBuilder::new()
        .name(query.name)
        .parameter_in(ParameterIn::Query)
        .required(if required {
            Required::True
        } else {
            Required::False
        })
        .description(Some(query.what))
        .schema(Some(schema))
}

#[cfg(test)]
mod tests;
