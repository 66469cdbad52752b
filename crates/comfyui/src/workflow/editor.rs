//! The editor format: nodes with positional widget values, and links between slots.

use super::{WorkflowError, checked_id};
use crate::{frame::as_id, limits};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The id that stands for a subgraph's own inputs in its links.
const INPUTS: &str = "-10";
/// The id that stands for a subgraph's own outputs in its links.
const OUTPUTS: &str = "-20";

/// A workflow in editor format, or what a subgraph holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// The links by id.
    pub links: BTreeMap<String, Link>,
    /// The subgraphs that nodes of any level are instances of, by id. Empty within a subgraph.
    pub subgraphs: BTreeMap<String, Subgraph>,
}

/// What an instance of a subgraph stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Subgraph {
    /// Its name.
    pub name: String,
    /// Its inputs' names, by slot.
    pub inputs: Vec<String>,
    /// For each output slot, the link that ends there.
    pub outputs: Vec<Option<String>>,
    /// What it holds.
    pub graph: Graph,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its id, unique in its graph.
    pub id: String,
    /// Its class, or the id of a subgraph.
    pub class: String,
    /// The title that people gave it.
    pub title: Option<String>,
    /// Whether it runs.
    pub mode: Mode,
    /// Its input slots.
    pub inputs: Vec<Slot>,
    /// The types of its output slots.
    pub outputs: Vec<String>,
    /// The values of its widgets.
    pub widgets: Widgets,
    /// Of an instance: the inner widgets that it shows, as `(inner node, widget)`.
    pub proxy_widgets: Vec<(String, String)>,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It runs.
    Active,
    /// It does not, nor gives anything.
    Muted,
    /// It does not, but passes its inputs on by type.
    Bypassed,
}

/// An input slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The link that ends there.
    pub link: Option<String>,
    /// Whether it stands for a widget.
    pub is_widget: bool,
}

/// A link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Where it begins.
    pub origin: Origin,
    /// The output slot there.
    pub origin_slot: usize,
}

/// Where a link begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// At a node of the same graph.
    Node(String),
    /// At an input of the subgraph that the link is in.
    SubgraphInput,
}

/// The values of a node's widgets.
#[derive(Clone, Debug, PartialEq)]
pub enum Widgets {
    /// By place; the names are known from the class.
    List(Vec<Value>),
    /// By name.
    Map(Map<String, Value>),
}

impl Graph {
    pub(super) fn read(workflow: &Map<String, Value>) -> Result<Self, WorkflowError> {
        let mut graph = read_graph(workflow)?;
        if graph.nodes.is_empty() {
            return Err(WorkflowError::Empty);
        }
        let subgraphs = workflow
            .get("definitions")
            .and_then(|definitions| definitions.get("subgraphs")?.as_array());
        for subgraph in subgraphs.into_iter().flatten() {
            let Some(members) = subgraph.as_object() else {
                continue;
            };
            let Some(id) = members.get("id").and_then(as_id) else {
                return Err(WorkflowError::Broken("a subgraph without id".to_owned()));
            };
            let id = checked_id(id)?;
            graph.subgraphs.insert(id, Subgraph::read(members)?);
        }
        Ok(graph)
    }

    /// The node of this id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

impl Subgraph {
    fn read(members: &Map<String, Value>) -> Result<Self, WorkflowError> {
        let empty = Map::new();
        let inputs =
            list(members, "inputs").map(|slot| text(slot.as_object().unwrap_or(&empty), "name"));
        let ends = links_to_outputs(members);
        let outputs = list(members, "outputs").enumerate().map(|(slot, output)| {
            let listed = output.get("linkIds").and_then(|ids| as_id(ids.get(0)?));
            listed.or_else(|| ends.get(&slot).cloned())
        });
        Ok(Self {
            name: text(members, "name"),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            graph: read_graph(members)?,
        })
    }
}

fn read_graph(members: &Map<String, Value>) -> Result<Graph, WorkflowError> {
    let mut graph = Graph::default();
    for node in list(members, "nodes") {
        if graph.nodes.len() >= limits::NODES {
            return Err(too_many("nodes", limits::NODES));
        }
        graph.nodes.push(read_node(node)?);
    }
    // The editor leaves empty places in the list.
    for link in list(members, "links").filter(|link| !link.is_null()) {
        if graph.links.len() >= limits::LINKS {
            return Err(too_many("links", limits::LINKS));
        }
        let (id, link) = read_link(link)?;
        graph.links.insert(id, link);
    }
    Ok(graph)
}

fn read_node(node: &Value) -> Result<Node, WorkflowError> {
    let broken = |what: &str| WorkflowError::Broken(format!("a node without {what}"));
    let node = node.as_object().ok_or_else(|| broken("members"))?;
    let id = node.get("id").and_then(as_id).ok_or_else(|| broken("id"))?;
    let id = checked_id(id)?;
    let empty = Map::new();
    let properties = node.get("properties").and_then(Value::as_object);
    let title = text(node, "title");
    Ok(Node {
        class: text(node, "type"),
        title: (!title.is_empty()).then_some(title),
        mode: match node.get("mode").and_then(Value::as_i64) {
            Some(2) => Mode::Muted,
            Some(4) => Mode::Bypassed,
            _ => Mode::Active,
        },
        inputs: list(node, "inputs").map(read_slot).collect(),
        outputs: list(node, "outputs")
            .map(|slot| kind(slot.get("type")))
            .collect(),
        widgets: match node.get("widgets_values") {
            Some(Value::Array(values)) => Widgets::List(values.clone()),
            Some(Value::Object(values)) => Widgets::Map(values.clone()),
            _ => Widgets::List(Vec::new()),
        },
        proxy_widgets: list(properties.unwrap_or(&empty), "proxyWidgets")
            .filter_map(|pair| Some((as_id(pair.get(0)?)?, as_id(pair.get(1)?)?)))
            .collect(),
        id,
    })
}

fn read_slot(slot: &Value) -> Slot {
    let name = slot.get("name").and_then(Value::as_str).unwrap_or_default();
    Slot {
        name: name.to_owned(),
        kind: kind(slot.get("type")),
        link: slot.get("link").and_then(as_id),
        is_widget: slot.get("widget").is_some_and(Value::is_object),
    }
}

/// A slot's type: a text; some nodes write `0` or nothing for any.
fn kind(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(kind)) if !kind.is_empty() => kind.clone(),
        Some(Value::Array(_)) => "COMBO".to_owned(),
        _ => "*".to_owned(),
    }
}

/// A member of a link, which is a list in files and an object in subgraphs.
fn member(link: &Value, place: usize, name: &str) -> Option<String> {
    as_id(match link {
        Value::Array(items) => items.get(place)?,
        _ => link.get(name)?,
    })
}

fn read_link(link: &Value) -> Result<(String, Link), WorkflowError> {
    let read = || {
        let origin = member(link, 1, "origin_id")?;
        let origin_slot = member(link, 2, "origin_slot")?.parse().ok()?;
        Some((member(link, 0, "id")?, origin, origin_slot))
    };
    let broken = || WorkflowError::Broken("a link that names no node and slot".to_owned());
    let (id, origin, origin_slot) = read().ok_or_else(broken)?;
    let origin = match checked_id(origin)? {
        id if id == INPUTS => Origin::SubgraphInput,
        id => Origin::Node(id),
    };
    let link = Link {
        origin,
        origin_slot,
    };
    Ok((id, link))
}

/// The links that end at a subgraph's own outputs, by slot.
fn links_to_outputs(subgraph: &Map<String, Value>) -> BTreeMap<usize, String> {
    list(subgraph, "links")
        .filter(|link| member(link, 3, "target_id").as_deref() == Some(OUTPUTS))
        .filter_map(|link| {
            let slot = member(link, 4, "target_slot")?.parse().ok()?;
            Some((slot, member(link, 0, "id")?))
        })
        .collect()
}

fn too_many(what: &'static str, limit: usize) -> WorkflowError {
    WorkflowError::TooMany { what, limit }
}

fn list<'a>(members: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = members.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text(members: &Map<String, Value>, name: &str) -> String {
    let text = members.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
