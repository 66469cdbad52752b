//! What the tools of every component are made of.

use agent::{Output, Spec, ToolError, schema};
use domain::Error;
use ports::BoxFuture;
use serde_json::{Map, Value};

/// Arguments that fit a tool's schema.
pub type Arguments = Map<String, Value>;

/// What a tool does, until it has done it.
pub type Done<'a> = BoxFuture<'a, Result<Output, ToolError>>;

/// A tool's description.
#[must_use]
pub fn spec(name: &str, description: &str, parallel: bool, parameters: Value) -> Spec {
    Spec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters,
        timeout: None,
        parallel,
    }
}

/// The text under that name; empty if it was left out.
#[must_use]
pub fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or("")
}

/// The number under that name.
#[must_use]
pub fn number(arguments: &Arguments, name: &str) -> Option<u64> {
    arguments.get(name).and_then(schema::whole)
}

/// A refusal, for the model.
#[must_use]
pub fn refused(error: &Error) -> ToolError {
    // One without a cause is the model's business alone.
    if std::error::Error::source(error).is_some() {
        eprintln!("tool: {}", error.with_causes());
    }
    ToolError(error.detail().to_owned())
}
