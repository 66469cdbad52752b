//! Workflows as models read them: a line a node, with the paths that a patch takes.
//!
//! Invariant: what is shown of one value is bounded; a workflow beyond the window is shown in
//! parts, each of which says how to go on.

use comfyui::{
    Graph, Mode, Node, ObjectInfo, Origin, Prompt, Slot, Widgets, Workflow, widget_names,
};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Characters that are shown of one value.
const VALUE: usize = 400;

/// Which nodes are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Only those whose id this is, or whose class or title has it; all if it is empty.
    pub(super) find: &'a str,
    /// How many are left out at the beginning.
    pub(super) offset: usize,
    /// How many are shown.
    pub(super) limit: usize,
}

/// A node, as a line of text, and what it is found by.
struct Line {
    id: String,
    words: String,
    text: String,
}

/// The nodes of a workflow, which is stored as `stored`, and how its values are changed.
pub(super) fn workflow(
    workflow: &Workflow,
    stored: &Value,
    info: Option<&ObjectInfo>,
    part: Part<'_>,
) -> String {
    let (lines, note) = match workflow {
        Workflow::Api(prompt) => (api(prompt), API_NOTE),
        Workflow::Editor(graph) => (editor(graph, stored, info), EDITOR_NOTE),
    };
    let wanted = part.find.trim().to_lowercase();
    let fitting: Vec<_> = lines
        .into_iter()
        .filter(|line| line.id == part.find.trim() || line.words.contains(&wanted))
        .collect();
    let total = fitting.len();
    let mut text = String::new();
    for line in fitting.iter().skip(part.offset).take(part.limit) {
        text.push_str(&line.text);
        text.push('\n');
    }
    let next = part.offset.saturating_add(part.limit);
    if total == 0 {
        text.push_str("No node fits.\n");
    } else if next < total {
        text.push_str(&footer(total, next));
        text.push('\n');
    }
    text.push_str(note);
    text
}

const API_NOTE: &str = "\
This is API format. Paths for edit_workflow: /ID/inputs/NAME. An input that is [\"ID\", SLOT] is a \
link to an output of another node. A new node is added at /ID, with an id that is not taken: \
{\"class_type\": CLASS, \"inputs\": {…}, \"_meta\": {\"title\": TITLE}}.";

const EDITOR_NOTE: &str = "\
This is the editor's format. Each line begins with the node's path for edit_workflow. A value is at \
PATH/widgets_values/PLACE, the place being the number in front of it; the mode at PATH/mode (0 \
active, 2 muted, 4 bypassed). A link stands in three places, which must agree: the list `links` \
beside `nodes` has [LINK, FROM_NODE, FROM_SLOT, TO_NODE, TO_SLOT, TYPE], the input's `link` is the \
LINK, and the output's `links` lists it. The path argument of get_workflow shows any part as it is \
stored.";

fn api(prompt: &Prompt) -> Vec<Line> {
    let nodes = prompt.nodes().map(|node| {
        let class = node.class_type().unwrap_or("(no class)");
        let title = node.title().filter(|title| *title != class);
        let mut text = format!("/{}: {class}", pointer(node.id));
        name(&mut text, title);
        inputs(&mut text, node.inputs());
        Line {
            id: node.id.to_owned(),
            words: words(class, title),
            text,
        }
    });
    let mut lines: Vec<Line> = nodes.collect();
    // Numbers as people count them.
    lines.sort_by_cached_key(|line| (line.id.parse().unwrap_or(u64::MAX), line.id.clone()));
    lines
}

fn inputs(text: &mut String, inputs: Option<&Map<String, Value>>) {
    for (name, value) in inputs.into_iter().flatten() {
        // Writing to a text does not fail.
        let _ = write!(text, "\n    {name} = {}", short(value));
    }
}

fn editor(graph: &Graph, stored: &Value, info: Option<&ObjectInfo>) -> Vec<Line> {
    let mut lines = below(graph, info, "", "");
    let definitions = stored.pointer("/definitions/subgraphs");
    let definitions = definitions.and_then(Value::as_array);
    for (place, definition) in definitions.into_iter().flatten().enumerate() {
        let id = definition.get("id").and_then(Value::as_str);
        if let Some((id, subgraph)) = id.and_then(|id| graph.subgraphs.get_key_value(id)) {
            let path = format!("/definitions/subgraphs/{place}");
            let inner = below(&subgraph.graph, info, &path, &format!("{id}/"));
            lines.extend(inner);
        }
    }
    lines
}

/// The nodes of one graph, which stands at `path`.
fn below(graph: &Graph, info: Option<&ObjectInfo>, path: &str, prefix: &str) -> Vec<Line> {
    let nodes = graph.nodes.iter().enumerate();
    let lines = nodes.map(|(place, node)| {
        let title = node.title.as_deref().filter(|title| *title != node.class);
        let mut text = format!("{path}/nodes/{place}: id {} {}", node.id, node.class);
        name(&mut text, title);
        match node.mode {
            Mode::Active => {}
            Mode::Muted => text.push_str(" (muted)"),
            Mode::Bypassed => text.push_str(" (bypassed)"),
        }
        for (slot, input) in node.inputs.iter().enumerate() {
            link(&mut text, graph, slot, input);
        }
        values(&mut text, node, info);
        Line {
            id: format!("{prefix}{}", node.id),
            words: words(&node.class, title),
            text,
        }
    });
    lines.collect()
}

fn link(text: &mut String, graph: &Graph, slot: usize, input: &Slot) {
    let Some(id) = &input.link else { return };
    let from = match graph.links.get(id) {
        None => "nowhere".to_owned(),
        Some(link) => match &link.origin {
            Origin::Node(node) => format!("node {node} slot {}", link.origin_slot),
            Origin::SubgraphInput => format!("the subgraph's input {}", link.origin_slot),
        },
    };
    let _ = write!(
        text,
        "\n    input {slot} {} <- link {id} from {from}",
        input.name
    );
}

fn values(text: &mut String, node: &Node, info: Option<&ObjectInfo>) {
    match &node.widgets {
        Widgets::List(values) => {
            let class = info.and_then(|info| info.class(&node.class));
            let names = class.map(|class| widget_names(class, node));
            let names = names.unwrap_or_default();
            for (place, value) in values.iter().enumerate() {
                let name = names.get(place).and_then(Option::as_deref);
                let name = name.map(|name| format!(" {name}")).unwrap_or_default();
                let _ = write!(text, "\n    {place}{name} = {}", short(value));
            }
        }
        Widgets::Map(values) => inputs(text, Some(values)),
    }
}

fn name(text: &mut String, title: Option<&str>) {
    if let Some(title) = title {
        let _ = write!(text, " {:?}", cut(title, 100));
    }
}

fn words(class: &str, title: Option<&str>) -> String {
    format!("{class}\n{}", title.unwrap_or_default()).to_lowercase()
}

/// A segment of a JSON pointer.
fn pointer(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// A value as JSON, shortened.
pub(super) fn short(value: &Value) -> String {
    cut(&value.to_string(), VALUE)
}

/// The last line of a list: how many there are, and where it continues.
pub(super) fn footer(total: usize, next: usize) -> String {
    match next < total {
        true => format!("[{total} in all; continue with offset {next}]"),
        false => format!("[{total} in all]"),
    }
}

/// At most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
