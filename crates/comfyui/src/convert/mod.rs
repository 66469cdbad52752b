//! From editor format to API format, as the editor itself does it when it queues a workflow.
//!
//! Muted nodes are dropped and bypassed ones routed through by type; notes vanish, reroutes and
//! Get/Set pairs are followed, primitives become values; subgraphs are expanded to nodes with ids
//! such as `outer:inner`. Only the nodes that an output needs are kept, so that what a workflow
//! does not use cannot keep it from running.
//!
//! Invariant: time and memory are bounded by the workflow's limits, whatever it links to what.

mod dynamic_prompt;
mod expand;
mod resolve;
mod seeds;
mod widgets;

pub use seeds::draw_seeds;
pub use widgets::widget_names;

use crate::{
    limits,
    object_info::{NodeClass, ObjectInfo},
    workflow::{Graph, Mode, Node, Prompt},
};
use domain::weight;
use expand::{Expansion, Key};
use resolve::{Resolver, Source};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What a node of a prompt takes besides its texts and its inputs.
const NODE: usize = 1_500;

/// A converted workflow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    /// What `/prompt` takes.
    pub prompt: Prompt,
    /// The values that the editor would change after each run.
    pub seeds: Vec<Seed>,
    /// Active nodes of classes that the server does not have, and that no output needs.
    pub left_out: Vec<NodeName>,
}

/// A value that the editor would change after each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The node's id in the prompt.
    pub node: String,
    /// The input.
    pub input: String,
    /// How it would be changed.
    pub control: Control,
    /// The id of the primitive whose value it is. All that a primitive feeds changes with it.
    pub primitive: Option<String>,
}

/// How the editor changes a value after each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Not at all.
    Fixed,
    /// By one up.
    Increment,
    /// By one down.
    Decrement,
    /// To anything.
    Randomize,
}

/// A node, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName {
    /// Its id; `outer:inner` within a subgraph.
    pub id: String,
    /// Its class, shortened.
    pub class: String,
    /// The title that people gave it, shortened.
    pub title: Option<String>,
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = crate::error::shorten(&self.class);
        match &self.title {
            Some(title) if *title != self.class => {
                let title = crate::error::shorten(title);
                write!(f, "node {} \"{title}\" ({class})", self.id)
            }
            _ => write!(f, "node {} ({class})", self.id),
        }
    }
}

/// Why a workflow cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The server does not have classes that an output needs: install them, or replace the nodes.
    #[error("the service does not have {}", names(.0))]
    UnknownNodes(Vec<NodeName>),
    /// No active node is one that a prompt may end with.
    #[error("no active node saves or shows a result{}", but_unknown(.unknown))]
    NoOutput {
        /// The nodes of classes that the server does not have, one of which may be meant.
        unknown: Vec<NodeName>,
    },
    /// A group node of old versions: turn it into a subgraph in the editor.
    #[error("{0} is a group node of an old version; convert it to a subgraph in the editor")]
    GroupNode(NodeName),
    /// An instance of a subgraph that the workflow does not define.
    #[error("{0} is a subgraph whose definition is missing")]
    MissingSubgraph(NodeName),
    /// Subgraphs within subgraphs beyond [`limits::SUBGRAPH_DEPTH`], or one within itself.
    #[error("{0} holds subgraphs too deep, or itself")]
    TooDeep(NodeName),
    /// Over a limit once its subgraphs are expanded.
    #[error("the workflow has over {limit} {what} once its subgraphs are expanded")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Over [`limits::NODE_ID`] once a subgraph is expanded.
    #[error("the ids of the nodes in {0} are over {most} bytes once it is expanded", most = limits::NODE_ID)]
    LongIds(NodeName),
    /// Over [`limits::PROMPT_WEIGHT`] once subgraphs are expanded.
    #[error("the workflow is too large once its subgraphs are expanded")]
    TooHeavy,
    /// Reroutes or bypassed nodes that lead to themselves.
    #[error("the links behind {0} lead in a circle")]
    Circular(NodeName),
    /// A `GetNode` for a name that no `SetNode` sets.
    #[error("{node} gets \"{name}\", which no node sets")]
    NothingSet {
        /// The `GetNode`.
        node: NodeName,
        /// The name.
        name: String,
    },
    /// The saved values do not fit the class: the workflow is of another version of the node.
    #[error(
        "{node}: its saved values do not fit the service's version of the node ({input} would be {found})"
    )]
    WidgetValue {
        /// The node.
        node: NodeName,
        /// The first input whose value does not fit.
        input: String,
        /// What it would be, shortened.
        found: String,
    },
}

/// Converts a workflow for the server that has these classes. `pick` chooses one of so many
/// alternatives of a text such as `a {red|blue} house`, counted from 0.
///
/// # Errors
/// [`ConvertError`], which names the node at fault.
pub fn convert(
    graph: &Graph,
    info: &ObjectInfo,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Result<Converted, ConvertError> {
    let expansion = Expansion::new(graph)?;
    let mut conversion = Conversion {
        info,
        resolver: Resolver::new(&expansion, info),
        expansion: &expansion,
        pick,
        queue: Vec::new(),
        queued: BTreeSet::new(),
        unknown: Vec::new(),
        weight: 0,
        converted: Converted::default(),
    };
    conversion.queue_outputs()?;
    conversion.run()?;
    let Conversion {
        queued,
        unknown,
        mut converted,
        ..
    } = conversion;
    if !unknown.is_empty() {
        return Err(ConvertError::UnknownNodes(unknown));
    }
    converted.left_out = unknown_nodes(&expansion, info, &queued);
    Ok(converted)
}

struct Conversion<'a> {
    info: &'a ObjectInfo,
    expansion: &'a Expansion<'a>,
    resolver: Resolver<'a>,
    pick: &'a mut dyn FnMut(usize) -> usize,
    queue: Vec<Key>,
    queued: BTreeSet<Key>,
    unknown: Vec<NodeName>,
    /// What the prompt takes so far.
    weight: usize,
    converted: Converted,
}

impl Conversion<'_> {
    fn queue_outputs(&mut self) -> Result<(), ConvertError> {
        for (key, node) in self.expansion.nodes() {
            if node.mode != Mode::Active {
                continue;
            }
            if is_group_node(&node.class) && self.info.class(&node.class).is_none() {
                return Err(ConvertError::GroupNode(self.expansion.name(key)));
            }
            if self
                .info
                .class(&node.class)
                .is_some_and(|class| class.is_output)
            {
                self.needs(key);
            }
        }
        if self.queue.is_empty() {
            return Err(ConvertError::NoOutput {
                unknown: unknown_nodes(self.expansion, self.info, &self.queued),
            });
        }
        Ok(())
    }

    fn needs(&mut self, key: Key) {
        if self.queued.insert(key) {
            self.queue.push(key);
        }
    }

    fn run(&mut self) -> Result<(), ConvertError> {
        while let Some(key) = self.queue.pop() {
            let Some(node) = self.expansion.node(key) else {
                continue;
            };
            match self.info.class(&node.class) {
                Some(class) => self.emit(key, node, class)?,
                None if expand::is_subgraph_id(&node.class) => {
                    return Err(ConvertError::MissingSubgraph(self.expansion.name(key)));
                }
                // Its own inputs are not looked at: the list of what is missing may be short of
                // some, but it has no false ones.
                None => self.unknown.push(self.expansion.name(key)),
            }
        }
        Ok(())
    }

    fn emit(&mut self, key: Key, node: &Node, class: &NodeClass) -> Result<(), ConvertError> {
        let id = self.expansion.full_id(key);
        let saved = widgets::read(class, node).map_err(|mismatch| ConvertError::WidgetValue {
            node: self.expansion.name(key),
            input: mismatch.input,
            found: mismatch.found,
        })?;
        let mut inputs = Map::new();
        for (name, value) in saved.values {
            let value = self
                .expansion
                .shown_by_instance(key, &name)
                .unwrap_or(value);
            let value = self.choose(class, &name, value);
            self.put(&mut inputs, name, wrapped(value))?;
        }
        let seed = |input: String, control, primitive| Seed {
            node: id.clone(),
            input,
            control,
            primitive,
        };
        let saved_seeds = saved.seeds.into_iter();
        let mut seeds: BTreeMap<String, Seed> = saved_seeds
            .map(|(input, control)| (input.clone(), seed(input, control, None)))
            .collect();
        for (slot, input) in node.inputs.iter().enumerate() {
            let name = input.name.clone();
            match self.resolver.input(key, slot)? {
                Source::Nothing => {}
                Source::Value(value) => self.put(&mut inputs, name, wrapped(value))?,
                Source::Primitive(origin, value, control) => {
                    // The editor copies the value over the node's own before each run: how that
                    // one would change does not count.
                    seeds.remove(&name);
                    self.put(&mut inputs, name.clone(), wrapped(value))?;
                    if let Some(control) = control {
                        let primitive = self.expansion.full_id(origin);
                        let texts = [&id, &name, &name, &primitive].map(|it| weight::of_text(it));
                        self.grow(texts.iter().sum())?;
                        seeds.insert(name.clone(), seed(name, control, Some(primitive)));
                    }
                }
                Source::Node(origin, origin_slot) => {
                    seeds.remove(&name);
                    let link = json!([self.expansion.full_id(origin), origin_slot]);
                    self.put(&mut inputs, name, link)?;
                    self.needs(origin);
                }
            }
        }
        self.converted.seeds.extend(seeds.into_values());
        let title = node.title.as_deref().unwrap_or(&class.display_name);
        let texts = [id.as_str(), class.name.as_str(), title].map(weight::of_text);
        self.grow(NODE + texts.iter().sum::<usize>())?;
        self.converted
            .prompt
            .insert(id, &class.name, title, &inputs);
        Ok(())
    }

    /// Sets an input, unless the prompt has grown too large: a subgraph's values are in it once
    /// for each instance.
    fn put(
        &mut self,
        inputs: &mut Map<String, Value>,
        name: String,
        value: Value,
    ) -> Result<(), ConvertError> {
        self.grow(weight::of_member(&name, &value))?;
        inputs.insert(name, value);
        Ok(())
    }

    fn grow(&mut self, weight: usize) -> Result<(), ConvertError> {
        self.weight = self.weight.saturating_add(weight);
        match self.weight > limits::PROMPT_WEIGHT {
            true => Err(ConvertError::TooHeavy),
            false => Ok(()),
        }
    }

    /// The value with one alternative of each `{a|b}` chosen, where the class wants that.
    fn choose(&mut self, class: &NodeClass, name: &str, value: Value) -> Value {
        let wanted = class
            .input(name)
            .is_some_and(|input| input.spec.has("dynamicPrompts"));
        match value {
            Value::String(text) if wanted => {
                Value::String(dynamic_prompt::choose(&text, &mut *self.pick))
            }
            value => value,
        }
    }
}

/// A list would be taken for a link.
fn wrapped(value: Value) -> Value {
    match value {
        Value::Array(_) => json!({"__value__": value}),
        value => value,
    }
}

fn is_group_node(class: &str) -> bool {
    class.starts_with("workflow>") || class.starts_with("workflow/")
}

/// Active nodes of classes that the server does not have, besides those of `needed`.
fn unknown_nodes(
    expansion: &Expansion<'_>,
    info: &ObjectInfo,
    needed: &BTreeSet<Key>,
) -> Vec<NodeName> {
    expansion
        .nodes()
        .filter(|(key, node)| node.mode == Mode::Active && !needed.contains(key))
        .filter(|(key, _)| expansion.instance(*key).is_none())
        .filter(|(_, node)| !resolve::is_of_the_editor(&node.class))
        .filter(|(_, node)| info.class(&node.class).is_none())
        .map(|(key, _)| expansion.name(key))
        .collect()
}

fn names(nodes: &[NodeName]) -> String {
    let mut text: Vec<String> = nodes
        .iter()
        .take(limits::NAMES)
        .map(NodeName::to_string)
        .collect();
    if let Some(more) = nodes
        .len()
        .checked_sub(limits::NAMES)
        .filter(|more| *more > 0)
    {
        text.push(format!("{more} more"));
    }
    text.join(", ")
}

fn but_unknown(nodes: &[NodeName]) -> String {
    if nodes.is_empty() {
        String::new()
    } else {
        format!("; the service does not have {}", names(nodes))
    }
}
