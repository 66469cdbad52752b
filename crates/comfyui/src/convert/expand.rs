//! Subgraphs expanded: every graph that runs, with the instance it came from.

use super::{ConvertError, NodeName};
use crate::{
    limits,
    workflow::{Graph, Mode, Node, Origin, Subgraph, Widgets},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The id of the inner node that stands for the subgraph's own inputs in a list of proxies.
const OWN_INPUT: &str = "-1";

/// Characters of a class and of a title that name a node: a subgraph's nodes are named once for
/// each of its instances.
const NAME: usize = 200;

/// A node, by the place of its graph and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    place: usize,
    node: usize,
}

/// A workflow with its subgraphs expanded.
pub(super) struct Expansion<'a> {
    places: Vec<Place<'a>>,
}

/// A graph at its place: the workflow itself, or a subgraph as one instance holds it.
pub(super) struct Place<'a> {
    pub(super) graph: &'a Graph,
    /// The instance and its subgraph; `None` for the workflow itself.
    pub(super) instance: Option<(Key, &'a Subgraph)>,
    prefix: String,
    depth: usize,
    by_id: BTreeMap<&'a str, usize>,
    /// The names that `SetNode`s set.
    set: BTreeMap<&'a str, usize>,
    /// The places that instances among the nodes expand to.
    expands_to: BTreeMap<usize, usize>,
    /// The values that the instance sets, by inner node ([`OWN_INPUT`] for an input) and name.
    values: BTreeMap<(&'a str, &'a str), &'a Value>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(root: &'a Graph) -> Result<Self, ConvertError> {
        let mut expansion = Self { places: Vec::new() };
        expansion
            .places
            .push(Place::new(root, None, String::new(), 0));
        let mut size = Size::default();
        size.add(root)?;
        let mut place = 0;
        while let Some(current) = expansion.places.get(place) {
            let (graph, depth) = (current.graph, current.depth + 1);
            for (index, node) in graph.nodes.iter().enumerate() {
                let Some(subgraph) = root.subgraphs.get(&node.class) else {
                    continue;
                };
                if node.mode != Mode::Active {
                    continue;
                }
                let key = Key { place, node: index };
                if depth > limits::SUBGRAPH_DEPTH {
                    return Err(ConvertError::TooDeep(expansion.name(key)));
                }
                size.add(&subgraph.graph)?;
                size.add_values(node.proxy_widgets.len() + subgraph.inputs.len())?;
                if expansion.places.len() > limits::NODES {
                    return Err(too_many("nodes", limits::NODES));
                }
                let prefix = format!("{}:", expansion.full_id(key));
                if prefix.len() + longest_id(&subgraph.graph) > limits::NODE_ID {
                    return Err(ConvertError::LongIds(expansion.name(key)));
                }
                let mut inner = Place::new(&subgraph.graph, Some((key, subgraph)), prefix, depth);
                inner.values = instance_values(node, subgraph);
                let at = expansion.places.len();
                expansion.places.push(inner);
                if let Some(current) = expansion.places.get_mut(place) {
                    current.expands_to.insert(index, at);
                }
            }
            place += 1;
        }
        Ok(expansion)
    }

    /// Every node of every graph.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (Key, &'a Node)> {
        self.places.iter().enumerate().flat_map(|(place, at)| {
            let nodes = at.graph.nodes.iter().enumerate();
            nodes.map(move |(node, value)| (Key { place, node }, value))
        })
    }

    pub(super) fn place(&self, key: Key) -> Option<&Place<'a>> {
        self.places.get(key.place)
    }

    pub(super) fn node(&self, key: Key) -> Option<&'a Node> {
        self.places.get(key.place)?.graph.nodes.get(key.node)
    }

    /// The node of this id beside `key`.
    pub(super) fn beside(&self, key: Key, id: &str) -> Option<Key> {
        let node = *self.place(key)?.by_id.get(id)?;
        Some(Key { node, ..key })
    }

    /// The node of this id within the instance `key`.
    pub(super) fn within(&self, key: Key, id: &str) -> Option<Key> {
        let place = *self.place(key)?.expands_to.get(&key.node)?;
        let node = *self.places.get(place)?.by_id.get(id)?;
        Some(Key { place, node })
    }

    /// The subgraph that `key` is an expanded instance of.
    pub(super) fn instance(&self, key: Key) -> Option<&'a Subgraph> {
        let place = *self.place(key)?.expands_to.get(&key.node)?;
        let (_, subgraph) = self.places.get(place)?.instance?;
        Some(subgraph)
    }

    /// The `SetNode` that sets `name`, in the graph of `key` or one around it.
    pub(super) fn set_node(&self, key: Key, name: &str) -> Option<Key> {
        let mut place = key.place;
        loop {
            let at = self.places.get(place)?;
            if let Some(&node) = at.set.get(name) {
                return Some(Key { place, node });
            }
            place = at.instance?.0.place;
        }
    }

    /// The value that the instance around `key` sets for the subgraph's input `name`.
    pub(super) fn own_input(&self, key: Key, name: &str) -> Option<Value> {
        let value = *self.place(key)?.values.get(&(OWN_INPUT, name))?;
        Some(value.clone())
    }

    /// The value that the instance around `key` shows and sets for its widget `name`.
    pub(super) fn shown_by_instance(&self, key: Key, name: &str) -> Option<Value> {
        let id = self.node(key)?.id.as_str();
        let value = *self.place(key)?.values.get(&(id, name))?;
        Some(value.clone())
    }

    pub(super) fn full_id(&self, key: Key) -> String {
        let prefix = self.place(key).map_or("", |place| place.prefix.as_str());
        let id = self.node(key).map_or("", |node| node.id.as_str());
        format!("{prefix}{id}")
    }

    pub(super) fn name(&self, key: Key) -> NodeName {
        let node = self.node(key);
        let class = node.map_or("", |node| node.class.as_str());
        let class = match self.places.first() {
            // An instance's class is an id that nobody knows it by.
            Some(root) => root.graph.subgraphs.get(class).map_or(class, |it| &it.name),
            None => class,
        };
        let short = |text: &str| text.chars().take(NAME).collect::<String>();
        NodeName {
            id: self.full_id(key),
            class: short(class),
            title: node.and_then(|node| node.title.as_deref()).map(short),
        }
    }
}

/// What an expansion has in all.
#[derive(Default)]
struct Size {
    nodes: usize,
    values: usize,
}

impl Size {
    /// Adds the nodes of a graph, unless that is too much.
    fn add(&mut self, graph: &Graph) -> Result<(), ConvertError> {
        self.nodes += graph.nodes.len();
        if self.nodes > limits::NODES {
            return Err(too_many("nodes", limits::NODES));
        }
        let saved = |node: &Node| match &node.widgets {
            Widgets::List(values) => values.len(),
            Widgets::Map(values) => values.len(),
        };
        let values = graph.nodes.iter();
        self.add_values(values.map(|node| node.inputs.len() + saved(node)).sum())
    }

    fn add_values(&mut self, values: usize) -> Result<(), ConvertError> {
        self.values += values;
        match self.values > limits::VALUES {
            true => Err(too_many("inputs and values", limits::VALUES)),
            false => Ok(()),
        }
    }
}

fn too_many(what: &'static str, limit: usize) -> ConvertError {
    ConvertError::TooMany { what, limit }
}

fn longest_id(graph: &Graph) -> usize {
    let ids = graph.nodes.iter().map(|node| node.id.len());
    ids.max().unwrap_or_default()
}

impl<'a> Place<'a> {
    fn new(
        graph: &'a Graph,
        instance: Option<(Key, &'a Subgraph)>,
        prefix: String,
        depth: usize,
    ) -> Self {
        let nodes = || graph.nodes.iter().enumerate();
        let set = nodes().filter(|(_, node)| node.class == "SetNode");
        Self {
            graph,
            instance,
            prefix,
            depth,
            by_id: nodes().map(|(at, node)| (node.id.as_str(), at)).collect(),
            set: set
                .filter_map(|(at, node)| Some((first_text(node)?, at)))
                .collect(),
            expands_to: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }
}

/// The first widget's value, where that is a text: the name of a Get or Set node.
pub(super) fn first_text(node: &Node) -> Option<&str> {
    match &node.widgets {
        Widgets::List(values) => values.first()?.as_str(),
        Widgets::Map(values) => values.values().next()?.as_str(),
    }
}

/// Whether a class is the id of a subgraph: a UUID.
pub(super) fn is_subgraph_id(class: &str) -> bool {
    let lengths = class.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && class.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// The values that an instance sets within its subgraph.
///
/// Versions of the editor differ: the newest saves the values of the inputs that are widgets, in
/// their order; those before named the widgets in `proxyWidgets`, first with their values in the
/// inner nodes alone, later with a list beside it.
fn instance_values<'a>(
    node: &'a Node,
    subgraph: &'a Subgraph,
) -> BTreeMap<(&'a str, &'a str), &'a Value> {
    let values = match &node.widgets {
        Widgets::Map(values) => {
            let values = values.iter();
            return values
                .map(|(name, value)| ((OWN_INPUT, name.as_str()), value))
                .collect();
        }
        Widgets::List(values) => values,
    };
    if !node.proxy_widgets.is_empty() {
        if node.proxy_widgets.len() != values.len() {
            return BTreeMap::new();
        }
        let names = node.proxy_widgets.iter();
        let names = names.map(|(inner, name)| (inner.as_str(), name.as_str()));
        return names.zip(values).collect();
    }
    let widgets = widget_inputs(subgraph);
    let names = subgraph.inputs.iter().enumerate();
    names
        .filter(|(slot, _)| widgets.contains(slot))
        .map(|(_, name)| (OWN_INPUT, name.as_str()))
        .zip(values)
        .collect()
}

/// The input slots of a subgraph that stand for a widget within it.
fn widget_inputs(subgraph: &Subgraph) -> std::collections::BTreeSet<usize> {
    let nodes = subgraph.graph.nodes.iter();
    nodes
        .flat_map(|node| &node.inputs)
        .filter(|slot| slot.is_widget)
        .filter_map(|slot| subgraph.graph.links.get(slot.link.as_ref()?))
        .filter(|link| link.origin == Origin::SubgraphInput)
        .map(|link| link.origin_slot)
        .collect()
}
