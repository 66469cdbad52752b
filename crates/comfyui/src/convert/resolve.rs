//! Follows a link to what really feeds an input: through reroutes, Get and Set nodes, bypassed
//! nodes and the borders of subgraphs.

use super::{
    Control, ConvertError,
    expand::{Expansion, Key, first_text},
    widgets::control,
};
use crate::{
    limits,
    object_info::ObjectInfo,
    workflow::{Mode, Node, Origin, Widgets},
};
use serde_json::Value;
use std::cell::Cell;

/// How many steps may be taken for one input: no honest chain is longer.
const STEPS: usize = 1_000;
/// How many steps may be taken in all.
const ALL_STEPS: usize = 2_000_000;

/// What feeds an input.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// Nothing.
    Nothing,
    /// A value that an instance of a subgraph sets.
    Value(Value),
    /// The value of a primitive, and how that changes it after each run.
    Primitive(Key, Value, Option<Control>),
    /// An output slot of a node.
    Node(Key, usize),
}

pub(super) struct Resolver<'a> {
    expansion: &'a Expansion<'a>,
    info: &'a ObjectInfo,
    steps: Cell<usize>,
}

/// Where the search is.
enum At<'a> {
    /// At an input slot; with the type that is wanted, unless it is the slot's own.
    Input(Key, usize, Option<&'a str>),
    /// At an output slot, with the type that is wanted.
    Output(Key, usize, &'a str),
    Found(Source),
}

impl<'a> Resolver<'a> {
    pub(super) fn new(expansion: &'a Expansion<'a>, info: &'a ObjectInfo) -> Self {
        Self {
            expansion,
            info,
            steps: Cell::new(0),
        }
    }

    /// What feeds input `slot` of a node.
    pub(super) fn input(&self, key: Key, slot: usize) -> Result<Source, ConvertError> {
        let mut at = At::Input(key, slot, None);
        for _ in 0..STEPS {
            self.steps.set(self.steps.get() + 1);
            if self.steps.get() > ALL_STEPS {
                return Err(ConvertError::TooMany {
                    what: "steps from link to link",
                    limit: ALL_STEPS,
                });
            }
            at = match at {
                At::Input(key, slot, wanted) => self.through_link(key, slot, wanted),
                At::Output(key, slot, wanted) => self.through_node(key, slot, wanted)?,
                At::Found(source) => return Ok(source),
            };
        }
        Err(ConvertError::Circular(self.expansion.name(key)))
    }

    fn through_link(&self, key: Key, slot: usize, wanted: Option<&'a str>) -> At<'a> {
        let found = || {
            let input = self.expansion.node(key)?.inputs.get(slot)?;
            let wanted = wanted.unwrap_or(&input.kind);
            Some(self.along(key, input.link.as_deref()?, wanted))
        };
        found().unwrap_or(At::Found(Source::Nothing))
    }

    /// Along a link of the graph that `key` is in.
    fn along(&self, key: Key, link: &str, wanted: &'a str) -> At<'a> {
        let found = || {
            let place = self.expansion.place(key)?;
            let link = place.graph.links.get(link)?;
            match &link.origin {
                Origin::Node(id) => {
                    let origin = self.expansion.beside(key, id)?;
                    Some(At::Output(origin, link.origin_slot, wanted))
                }
                Origin::SubgraphInput => {
                    let (instance, subgraph) = place.instance?;
                    let name = subgraph.inputs.get(link.origin_slot)?;
                    if let Some(slot) = self.linked_slot(instance, name) {
                        return Some(At::Input(instance, slot, None));
                    }
                    let value = self.expansion.own_input(key, name)?;
                    Some(At::Found(Source::Value(value)))
                }
            }
        };
        found().unwrap_or(At::Found(Source::Nothing))
    }

    /// The input of this name, if a link ends there. By name and not by place: the editor leaves
    /// out slots of widgets without links.
    fn linked_slot(&self, key: Key, name: &str) -> Option<usize> {
        let node = self.expansion.node(key)?;
        let mut inputs = node.inputs.iter();
        inputs.position(|input| input.name == name && input.link.is_some())
    }

    fn through_node(&self, key: Key, slot: usize, wanted: &'a str) -> Result<At<'a>, ConvertError> {
        let Some(node) = self.expansion.node(key) else {
            return Ok(At::Found(Source::Nothing));
        };
        match node.mode {
            Mode::Muted => return Ok(At::Found(Source::Nothing)),
            Mode::Bypassed => {
                return Ok(match bypass_slot(node, slot, wanted) {
                    Some(input) => At::Input(key, input, None),
                    None => At::Found(Source::Nothing),
                });
            }
            Mode::Active => {}
        }
        if let Some(subgraph) = self.expansion.instance(key) {
            return Ok(self.through_instance(key, subgraph, slot, wanted));
        }
        if self.info.class(&node.class).is_some() {
            return Ok(At::Found(Source::Node(key, slot)));
        }
        Ok(match node.class.as_str() {
            "PrimitiveNode" => At::Found(primitive(key, node).unwrap_or(Source::Nothing)),
            "GetNode" => {
                let name = first_text(node).unwrap_or_default();
                let set = self.expansion.set_node(key, name);
                let set = set.ok_or_else(|| ConvertError::NothingSet {
                    node: self.expansion.name(key),
                    name: crate::error::shorten(name),
                })?;
                At::Input(set, 0, Some(wanted))
            }
            "SetNode" => At::Input(key, 0, Some(wanted)),
            class if is_reroute(class) => At::Input(key, 0, Some(wanted)),
            class if is_of_the_editor(class) => At::Found(Source::Nothing),
            _ => At::Found(Source::Node(key, slot)),
        })
    }

    /// From an instance's output to what feeds it within.
    fn through_instance(
        &self,
        key: Key,
        subgraph: &'a crate::workflow::Subgraph,
        slot: usize,
        wanted: &'a str,
    ) -> At<'a> {
        let found = || {
            let link = subgraph.outputs.get(slot)?.as_ref()?;
            let link = subgraph.graph.links.get(link)?;
            match &link.origin {
                Origin::Node(id) => {
                    let inner = self.expansion.within(key, id)?;
                    Some(At::Output(inner, link.origin_slot, wanted))
                }
                // Straight through.
                Origin::SubgraphInput => {
                    let name = subgraph.inputs.get(link.origin_slot)?;
                    let slot = self.linked_slot(key, name)?;
                    Some(At::Input(key, slot, Some(wanted)))
                }
            }
        };
        found().unwrap_or(At::Found(Source::Nothing))
    }
}

/// Whether a class exists in the editor only.
pub(super) fn is_of_the_editor(class: &str) -> bool {
    let known = [
        "Note",
        "MarkdownNote",
        "PrimitiveNode",
        "GetNode",
        "SetNode",
    ];
    known.contains(&class) || is_reroute(class)
}

/// The editor's own, and those of extensions such as `Reroute (rgthree)`.
fn is_reroute(class: &str) -> bool {
    class == "Reroute" || class.starts_with("Reroute ")
}

fn primitive(key: Key, node: &Node) -> Option<Source> {
    let (value, how) = match &node.widgets {
        Widgets::List(values) => (values.first()?, values.get(1).and_then(control)),
        Widgets::Map(values) => (values.get("value")?, None),
    };
    Some(Source::Primitive(key, value.clone(), how))
}

/// The input that a bypassed node passes on to its output `slot`: that of the same place if its
/// type fits, else the first of exactly the wanted type, else the first that fits.
fn bypass_slot(node: &Node, slot: usize, wanted: &str) -> Option<usize> {
    let gives = node.outputs.get(slot).map_or("*", String::as_str);
    if is_any(wanted) {
        return Some(if slot < node.inputs.len() { slot } else { 0 });
    }
    let fits = |kind: &str| connects(kind, gives) && connects(kind, wanted);
    if node.inputs.get(slot).is_some_and(|input| fits(&input.kind)) {
        return Some(slot);
    }
    let mut inputs = node.inputs.iter();
    let exact = inputs.position(|input| input.kind == wanted);
    exact.or_else(|| node.inputs.iter().position(|input| fits(&input.kind)))
}

/// Whether the editor would link two types: either is any type, or they share one of their
/// alternatives, without regard to case.
fn connects(left: &str, right: &str) -> bool {
    if is_any(left) || is_any(right) {
        return true;
    }
    let alternatives = |kind: &'_ str| -> Vec<String> {
        let kinds = kind.split(',').take(limits::NAMES);
        kinds.map(|kind| kind.trim().to_lowercase()).collect()
    };
    let right = alternatives(right);
    alternatives(left)
        .iter()
        .any(|left| is_any(left) || right.iter().any(|right| is_any(right) || left == right))
}

fn is_any(kind: &str) -> bool {
    matches!(kind, "*" | "")
}
