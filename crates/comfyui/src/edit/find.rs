//! Nodes of a workflow by class and title.

use crate::{
    error::shorten,
    workflow::{Graph, Mode, Node, Origin, Widgets, Workflow},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A node of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNode {
    /// Its id; `definition/inner` for a node of a subgraph's definition.
    pub id: String,
    /// Its class.
    pub class: String,
    /// The title that people gave it.
    pub title: Option<String>,
}

impl FoundNode {
    /// Such as `5 "Upscale" (KSampler)`.
    pub(super) fn name(&self) -> String {
        let class = shorten(&self.class);
        match &self.title {
            Some(title) if *title != self.class => {
                format!("{} \"{}\" ({class})", self.id, shorten(title))
            }
            _ => format!("{} ({class})", self.id),
        }
    }
}

/// The nodes whose id is `text`, or whose class or title has it, without regard to case; all for
/// an empty text. At most `limit`, and how many there are in all.
#[must_use]
pub fn find_nodes(workflow: &Workflow, text: &str, limit: usize) -> (Vec<FoundNode>, usize) {
    let wanted = text.trim().to_lowercase();
    let fits = |facts: &Facts| {
        let title = facts.title.as_deref().unwrap_or_default();
        facts.id == text.trim()
            || facts.class.to_lowercase().contains(&wanted)
            || title.to_lowercase().contains(&wanted)
    };
    let all = facts(workflow);
    let found: Vec<_> = all.into_values().filter(fits).collect();
    let total = found.len();
    let nodes = found.into_iter().take(limit).map(|facts| FoundNode {
        id: facts.id,
        class: facts.class,
        title: facts.title,
    });
    (nodes.collect(), total)
}

/// What people care for of a node.
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) class: String,
    title: Option<String>,
    pub(super) values: BTreeMap<String, Value>,
}

impl Facts {
    pub(super) fn node(&self) -> FoundNode {
        FoundNode {
            id: self.id.clone(),
            class: self.class.clone(),
            title: self.title.clone(),
        }
    }
}

/// The order of ids for people: numbers by value, before texts.
pub(super) type Place = (u64, String);

pub(super) fn facts(workflow: &Workflow) -> BTreeMap<Place, Facts> {
    let mut facts = Vec::new();
    match workflow {
        Workflow::Api(prompt) => facts.extend(prompt.nodes().map(|node| {
            let inputs = node.inputs().into_iter().flatten();
            Facts {
                id: node.id.to_owned(),
                class: node.class_type().unwrap_or_default().to_owned(),
                title: node.title().map(str::to_owned),
                values: inputs
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .chain([("title".to_owned(), json!(node.title()))])
                    .collect(),
            }
        })),
        Workflow::Editor(graph) => {
            facts.extend(graph.nodes.iter().map(|node| of_editor(graph, node, "")));
            for (id, subgraph) in &graph.subgraphs {
                let nodes = subgraph.graph.nodes.iter();
                let prefix = format!("{id}/");
                facts.extend(nodes.map(|node| of_editor(&subgraph.graph, node, &prefix)));
            }
        }
    }
    let placed = facts.into_iter().map(|facts| {
        let number = facts.id.parse().unwrap_or(u64::MAX);
        ((number, facts.id.clone()), facts)
    });
    placed.collect()
}

fn of_editor(graph: &Graph, node: &Node, prefix: &str) -> Facts {
    let mut values = BTreeMap::new();
    match &node.widgets {
        // Without the class there are no names, only places.
        Widgets::List(list) => values.extend(
            list.iter()
                .enumerate()
                .map(|(at, value)| (format!("value {}", at + 1), value.clone())),
        ),
        Widgets::Map(map) => {
            values.extend(
                map.iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
    }
    for input in &node.inputs {
        let link = input.link.as_ref().and_then(|id| graph.links.get(id));
        if let Some(link) = link {
            let origin = match &link.origin {
                Origin::Node(id) => id.as_str(),
                Origin::SubgraphInput => "the subgraph's input",
            };
            values.insert(input.name.clone(), json!([origin, link.origin_slot]));
        }
    }
    let mode = match node.mode {
        Mode::Active => "active",
        Mode::Muted => "muted",
        Mode::Bypassed => "bypassed",
    };
    values.insert("mode".to_owned(), json!(mode));
    values.insert("title".to_owned(), json!(node.title));
    Facts {
        id: format!("{prefix}{}", node.id),
        class: node.class.clone(),
        title: node.title.clone(),
        values,
    }
}
