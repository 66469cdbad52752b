//! Says what is wrong with a prompt, as the server would.
//!
//! The checks, their order, their names and their texts are the server's, so that what passes
//! here runs there and what fails reads the same from both. What a class checks with code of its
//! own is not known here; the server has the last word.

mod inputs;
mod python;

use crate::{
    error::shorten,
    limits,
    object_info::ObjectInfo,
    report::{NodeErrors, NodeProblems, Problem, Refusal},
    workflow::Prompt,
};
use inputs::Checked;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a server would make of a prompt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validation {
    /// The outputs that would run, by node id.
    pub outputs: Vec<String>,
    /// What is wrong with nodes. With [`Validation::outputs`] beside it, the other outputs run.
    pub node_errors: NodeErrors,
}

/// Checks a prompt against a server's classes.
///
/// # Errors
/// [`Refusal`], as the server's 400: nothing of the prompt would run.
pub fn validate(prompt: &Prompt, info: &ObjectInfo) -> Result<Validation, Box<Refusal>> {
    validate_outputs(prompt, info, None)
}

/// [`validate`] where only these outputs are asked for.
///
/// # Errors
/// As [`validate`].
pub fn validate_outputs(
    prompt: &Prompt,
    info: &ObjectInfo,
    only: Option<&[String]>,
) -> Result<Validation, Box<Refusal>> {
    let outputs = find_outputs(prompt, info, only)?;
    let mut walk = Walk::new(prompt, info);
    let mut validation = Validation::default();
    let mut details = Vec::new();
    // Nodes at fault of which more outputs are to be named.
    let mut open: Vec<&str> = Vec::new();
    for output in outputs {
        if walk.visit(output) {
            validation.outputs.push(output.to_owned());
            continue;
        }
        let nodes = &mut validation.node_errors.0;
        for (id, errors) in walk.take_failed() {
            let problems = NodeProblems {
                errors,
                dependent_outputs: Vec::new(),
                class_type: class_of(prompt, id).to_owned(),
            };
            nodes.insert(id.to_owned(), problems);
            open.push(id);
        }
        let errors = nodes.get(output).into_iter().flat_map(|node| &node.errors);
        details.extend(errors.map(|error| format!("{}: {}", error.message, error.details)));
        open.retain(|id| name_output(nodes, id, output));
    }
    if validation.outputs.is_empty() {
        return Err(Box::new(Refusal {
            error: Problem {
                kind: "prompt_outputs_failed_validation".to_owned(),
                message: "Prompt outputs failed validation".to_owned(),
                details: details.join("\n"),
                extra_info: json!({}),
            },
            node_errors: validation.node_errors,
        }));
    }
    Ok(validation)
}

/// Names an output that a node at fault keeps from running; whether more are to be named. The
/// server names them all, which is the square of the prompt at worst.
fn name_output(nodes: &mut BTreeMap<String, NodeProblems>, id: &str, output: &str) -> bool {
    let Some(node) = nodes.get_mut(id) else {
        return false;
    };
    node.dependent_outputs.push(output.to_owned());
    node.dependent_outputs.len() < limits::NAMED_NODES
}

/// The nodes that the prompt may end with. A node of a class that is not there ends everything.
fn find_outputs<'a>(
    prompt: &'a Prompt,
    info: &ObjectInfo,
    only: Option<&[String]>,
) -> Result<Vec<&'a str>, Box<Refusal>> {
    let refusal = |kind: &str, message: String, details: String, extra_info: Value| {
        Box::new(Refusal {
            error: Problem {
                kind: kind.to_owned(),
                message,
                details,
                extra_info,
            },
            node_errors: NodeErrors::default(),
        })
    };
    let mut outputs = Vec::new();
    for node in prompt.nodes() {
        let id = node.id;
        let class = node.class_type();
        let known = class.and_then(|class| info.class(class));
        let Some(known) = known else {
            let title = node.title();
            let message = match (class, title) {
                (None, title) => {
                    let name = title.map_or_else(|| format!("ID #{id}"), str::to_owned);
                    format!(
                        "Node '{name}' has no class_type. The workflow may be corrupted or a custom node is missing."
                    )
                }
                (Some(class), title) => format!(
                    "Node '{}' not found. The custom node may not be installed.",
                    title.unwrap_or(class)
                ),
            };
            return Err(refusal(
                "missing_node_type",
                message,
                format!("Node ID '#{id}'"),
                json!({"node_id": id, "class_type": class, "node_title": title.or(class)}),
            ));
        };
        let is_asked_for = only.is_none_or(|only| only.iter().any(|one| one == id));
        if known.is_output && is_asked_for {
            outputs.push(id);
        }
    }
    if outputs.is_empty() {
        let message = "Prompt has no outputs".to_owned();
        return Err(refusal(
            "prompt_no_outputs",
            message,
            String::new(),
            json!({}),
        ));
    }
    Ok(outputs)
}

fn class_of<'a>(prompt: &'a Prompt, id: &str) -> &'a str {
    let node = prompt.node(id).and_then(|node| node.class_type());
    node.unwrap_or_default()
}

/// Visits nodes from the outputs up, each once. Without recursion: a chain may be as long as the
/// prompt.
struct Walk<'a> {
    prompt: &'a Prompt,
    info: &'a ObjectInfo,
    states: BTreeMap<&'a str, State>,
    /// Nodes with errors that nobody has taken yet.
    failed: Vec<&'a str>,
    /// How many errors were found. Of those beyond [`limits::PROBLEMS`] no more is kept than that
    /// their nodes are not valid.
    problems: usize,
}

#[derive(Debug, Default)]
struct State {
    is_valid: bool,
    errors: Vec<Problem>,
}

/// A node whose links are being followed.
struct Visit<'a> {
    id: &'a str,
    checked: Checked<'a>,
    next_link: usize,
    links_are_valid: bool,
    /// Whether it was found to need itself.
    in_circle: bool,
}

impl<'a> Walk<'a> {
    fn new(prompt: &'a Prompt, info: &'a ObjectInfo) -> Self {
        Self {
            prompt,
            info,
            states: BTreeMap::new(),
            failed: Vec::new(),
            problems: 0,
        }
    }

    /// What is wrong with the nodes that were left since this was last asked.
    fn take_failed(&mut self) -> Vec<(&'a str, Vec<Problem>)> {
        let failed = std::mem::take(&mut self.failed);
        let taken = failed.into_iter().filter_map(|id| {
            let state = self.states.get_mut(id)?;
            Some((id, std::mem::take(&mut state.errors)))
        });
        taken.collect()
    }

    /// Whether `output` and all that it needs is in order.
    fn visit(&mut self, output: &'a str) -> bool {
        let mut path: Vec<Visit<'a>> = Vec::new();
        let mut on_path = BTreeSet::new();
        self.enter(output, &mut path, &mut on_path);
        while let Some(visit) = path.last_mut() {
            let link = visit.checked.links.get(visit.next_link).copied();
            visit.next_link += 1;
            match link {
                Some(id) => match self.states.get(id) {
                    Some(state) => visit.links_are_valid &= state.is_valid,
                    None if on_path.contains(id) => {
                        visit.links_are_valid = false;
                        self.found_cycle(id, &mut path);
                    }
                    None => self.enter(id, &mut path, &mut on_path),
                },
                None => self.leave(&mut path, &mut on_path),
            }
        }
        self.states.get(output).is_some_and(|state| state.is_valid)
    }

    fn enter(&mut self, id: &'a str, path: &mut Vec<Visit<'a>>, on_path: &mut BTreeSet<&'a str>) {
        if self.states.contains_key(id) {
            return;
        }
        on_path.insert(id);
        path.push(Visit {
            id,
            checked: inputs::check(self.prompt, self.info, id),
            next_link: 0,
            links_are_valid: true,
            in_circle: false,
        });
    }

    fn leave(&mut self, path: &mut Vec<Visit<'a>>, on_path: &mut BTreeSet<&'a str>) {
        let Some(visit) = path.pop() else { return };
        on_path.remove(visit.id);
        let mut errors = visit.checked.errors;
        if let Some(exception) = visit.checked.exception {
            // It ends the node's check, and with it what was found before.
            let linked_from = path.last().map(|parent| parent.id);
            errors = vec![exception.into_problem(linked_from.is_some())];
        }
        let is_valid = visit.links_are_valid && errors.is_empty();
        errors.truncate(limits::PROBLEMS.saturating_sub(self.problems));
        self.problems += errors.len();
        // A circle through the node was noted already.
        let state = self.states.entry(visit.id).or_insert(State {
            is_valid: true,
            errors: Vec::new(),
        });
        state.errors.extend(errors);
        state.is_valid &= is_valid;
        if !state.errors.is_empty() {
            self.failed.push(visit.id);
        }
        if let Some(parent) = path.last_mut() {
            parent.links_are_valid &= state.is_valid;
        }
    }

    /// Notes that the nodes from `id` on need themselves. Of one that is in several circles the
    /// first is told, of a long circle its beginning; the server tells all to each of them, and a
    /// circle may be as long as the prompt.
    fn found_cycle(&mut self, id: &'a str, path: &mut [Visit<'a>]) {
        let begin = path.iter().position(|visit| visit.id == id);
        let circle = path.get_mut(begin.unwrap_or_default()..);
        let circle = circle.unwrap_or_default();
        let shown = circle.iter().take(limits::NAMED_NODES);
        let shown: Vec<&str> = shown.map(|visit| visit.id).collect();
        let name = |id: &str| format!("{id} ({})", class_of(self.prompt, id));
        let mut details: Vec<String> = shown.iter().map(|id| name(id)).collect();
        if shown.len() < circle.len() {
            details.push("…".to_owned());
        }
        details.push(name(id));
        let details = shorten(&details.join(" -> "));
        for visit in circle.iter_mut().filter(|visit| !visit.in_circle) {
            visit.in_circle = true;
            let mut errors = Vec::new();
            if self.problems < limits::PROBLEMS {
                self.problems += 1;
                errors.push(Problem {
                    kind: "dependency_cycle".to_owned(),
                    message: "Dependency cycle detected".to_owned(),
                    details: details.clone(),
                    extra_info: json!({"node_id": visit.id, "cycle_nodes": shown}),
                });
            }
            let state = State {
                is_valid: false,
                errors,
            };
            self.states.insert(visit.id, state);
        }
    }
}
