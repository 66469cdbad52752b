//! What a server's nodes take and give: the answer of `/object_info`.
//!
//! Invariant: whatever a custom node says of itself, the other classes are there; a class that
//! cannot be understood is left out, an input that cannot be is a connection of any type.

mod input;
mod ordered;
mod search;

pub use input::{Choice, Input, InputSpec, Kind};
pub use search::{Found, NodeQuery};

use crate::{Error, lenient, limits};
use ordered::Json;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// The node classes of a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectInfo {
    classes: BTreeMap<String, NodeClass>,
}

/// A class of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeClass {
    /// Its name in a prompt's `class_type`.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// What it does; often empty.
    pub description: String,
    /// Where it stands in the menu, such as `image/upscaling`.
    pub category: String,
    /// What it takes, in the order of its widgets: the required inputs first.
    pub inputs: Vec<Input>,
    /// What it gives, by slot.
    pub outputs: Vec<Output>,
    /// Whether a prompt may end with it. A prompt without such a node does not run.
    pub is_output: bool,
    /// Whether its authors advise against it.
    pub is_deprecated: bool,
    /// Other words that people search it by.
    pub aliases: Vec<String>,
}

/// An output slot of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name for people.
    pub name: String,
    /// Its type: a text, or the list of a combo that can be linked.
    pub kind: Value,
}

impl ObjectInfo {
    /// Reads the answer of `/object_info` or `/object_info/{class}`.
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Malformed`] when it is no JSON object.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        if json.len() > limits::OBJECT_INFO {
            return Err(Error::TooLong {
                what: "the list of nodes",
                limit: limits::OBJECT_INFO,
            });
        }
        let classes: Classes = lenient::from_slice(json)
            .map_err(|error| Error::malformed(format!("object_info: {error}")))?;
        Ok(Self { classes: classes.0 })
    }

    /// The class of this name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&NodeClass> {
        self.classes.get(name)
    }

    /// All classes by name.
    pub fn classes(&self) -> impl Iterator<Item = &NodeClass> {
        self.classes.values()
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

impl NodeClass {
    /// The input of this name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    fn read(name: &str, json: &Json) -> Option<Self> {
        let Json::Object(_) = json else { return None };
        let inputs = input::read_all(json.get("input"), json.get("input_order"), 0);
        let display_name = match json.text("display_name") {
            empty if empty.is_empty() => name.to_owned(),
            display_name => display_name,
        };
        let flag = |name| json.get(name).is_some_and(Json::is_true);
        let aliases = json.get("search_aliases").map_or(&[][..], Json::items);
        Some(Self {
            name: name.to_owned(),
            display_name,
            description: json.text("description"),
            category: json.text("category"),
            inputs,
            outputs: outputs(json),
            is_output: flag("output_node"),
            is_deprecated: flag("deprecated"),
            aliases: aliases
                .iter()
                .filter_map(|alias| Some(alias.as_str()?.to_owned()))
                .collect(),
        })
    }
}

/// The classes of an answer, read one after the other: the JSON of all of them at once would take
/// several times as much as is kept of it.
struct Classes(BTreeMap<String, NodeClass>);

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClassesVisitor)
    }
}

struct ClassesVisitor;

impl<'de> Visitor<'de> for ClassesVisitor {
    type Value = Classes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of classes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Classes, A::Error> {
        let mut classes = BTreeMap::new();
        while let Some((name, json)) = members.next_entry::<String, Json>()? {
            if let Some(class) = NodeClass::read(&name, &json) {
                classes.insert(name, class);
            }
        }
        Ok(Classes(classes))
    }
}

fn outputs(class: &Json) -> Vec<Output> {
    let names = class.get("output_name").map_or(&[][..], Json::items);
    let kinds = class.get("output").map_or(&[][..], Json::items);
    kinds
        .iter()
        .enumerate()
        .map(|(slot, kind)| Output {
            name: names
                .get(slot)
                .and_then(Json::as_str)
                .or(kind.as_str())
                .unwrap_or_default()
                .to_owned(),
            kind: kind.to_value(),
        })
        .collect()
}
