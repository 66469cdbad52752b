//! The JSON of a chunk, as leniently as real servers need it.
//!
//! Everything may be missing or `null`; unknown members are ignored; members whose type differs
//! between servers are kept as values and looked at where they are used.
//!
//! Invariant: what is read takes no more memory than [`limits::WEIGHT`], whatever it says.

use crate::{Error, failure, limits};
use domain::weight;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Reads what a server sent.
///
/// # Errors
/// [`Error::Malformed`], or [`Error::TooLong`] over [`limits::WEIGHT`].
pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    // Pieces are small as a rule, and there are so many that each counts.
    if json.len() > limits::LIGHT && weight::of_json(json) > limits::WEIGHT {
        return Err(Error::TooLong {
            what: "what JSON takes in memory",
            limit: limits::WEIGHT,
        });
    }
    serde_json::from_slice(json)
        .map_err(|error| Error::malformed(failure::shorten(&error.to_string())))
}

/// One chunk of a stream, or a whole answer (then its choices have a `message`).
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Chunk {
    /// The first of them: only one was asked for.
    #[serde(rename = "choices", deserialize_with = "first")]
    pub(crate) choice: Option<Choice>,
    pub(crate) usage: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) object: Option<Value>,
    pub(crate) message: Option<Value>,
}

fn first<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Choice>, D::Error> {
    let list: Option<First> = Option::deserialize(json)?;
    Ok(list.and_then(|list| list.0))
}

/// The first of a list, if there is one.
struct First(Option<Choice>);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(FirstVisitor)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = First;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First, A::Error> {
        let first = list.next_element()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(First(first))
    }
}

impl Chunk {
    /// The error that this chunk reports instead of a piece of the answer.
    pub(crate) fn failure(&self) -> Option<&Value> {
        let is_empty = |error: &Value| match error {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        let named = self.error.as_ref().filter(|error| !is_empty(error));
        let is_error = self.object.as_ref().and_then(Value::as_str) == Some("error");
        named.or(self.message.as_ref().filter(|_| is_error))
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Choice {
    pub(crate) delta: Option<Delta>,
    pub(crate) message: Option<Delta>,
    pub(crate) finish_reason: Option<String>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Delta {
    pub(crate) content: Option<Content>,
    pub(crate) refusal: Option<String>,
    pub(crate) reasoning_content: Option<Value>,
    pub(crate) reasoning: Option<Value>,
    pub(crate) tool_calls: Option<Vec<CallDelta>>,
}

impl Delta {
    /// The piece of reasoning. Servers in transition send it under both names: one counts.
    pub(crate) fn reasoning(&self) -> Option<&str> {
        let text = |value: &'_ Option<Value>| -> bool {
            value
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        };
        let member = if text(&self.reasoning_content) {
            &self.reasoning_content
        } else {
            &self.reasoning
        };
        member.as_ref().and_then(Value::as_str)
    }
}

/// A text, or a list of parts of which some are text.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

impl Content {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub(crate) text: Option<String>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct CallDelta {
    pub(crate) index: Option<Value>,
    pub(crate) id: Option<String>,
    pub(crate) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct FunctionDelta {
    pub(crate) name: Option<String>,
    pub(crate) arguments: Option<Value>,
}
