//! Classes of nodes as models read them.

use super::shown::{cut, short};
use comfyui::{Input, InputSpec, Kind, NodeClass};
use serde_json::Value;
use std::fmt::Write as _;

/// Choices that are shown of a list, and characters of a description.
const CHOICES: usize = 40;
const DESCRIPTION: usize = 300;

/// How deep choices that bring inputs of their own are shown.
const DEPTH: usize = 3;

/// What an input's options say that a model needs.
const OPTIONS: [&str; 6] = ["default", "min", "max", "step", "multiline", "tooltip"];

/// A class in one line: `KSampler (sampling): MODEL, LATENT -> LATENT. What it does`.
pub(super) fn line(class: &NodeClass) -> String {
    let takes = class.inputs.iter();
    let takes = takes.filter(|input| !input.spec.is_widget());
    let takes: Vec<&str> = takes.map(|input| input.spec.type_name()).collect();
    let gives: Vec<&str> = class
        .outputs
        .iter()
        .map(|output| kind(&output.kind))
        .collect();
    let mut text = format!(
        "{} ({}): {} -> {}",
        class.name,
        class.category,
        or_nothing(&takes),
        or_nothing(&gives)
    );
    if class.is_output {
        text.push_str(", shows or saves its result");
    }
    if class.is_deprecated {
        text.push_str(", deprecated");
    }
    if !class.description.is_empty() {
        let _ = write!(text, ". {}", cut(&class.description, 120));
    }
    text
}

/// All that a model needs to know of a class.
pub(super) fn whole(class: &NodeClass) -> String {
    let mut text = format!(
        "{} ({:?}, {})",
        class.name, class.display_name, class.category
    );
    if class.is_output {
        text.push_str(", an output: a workflow may end with it");
    }
    if class.is_deprecated {
        text.push_str(", deprecated");
    }
    if !class.description.is_empty() {
        let _ = write!(text, "\n{}", cut(&class.description, DESCRIPTION));
    }
    text.push_str("\ninputs:");
    inputs(&mut text, &class.inputs, 1);
    text.push_str("\noutputs:");
    for (slot, output) in class.outputs.iter().enumerate() {
        let _ = write!(text, "\n  {slot} {}: {}", output.name, kind(&output.kind));
    }
    text
}

fn inputs(text: &mut String, all: &[Input], level: usize) {
    let indent = "  ".repeat(level);
    for input in all {
        let needed = if input.is_required { "" } else { " (optional)" };
        let what = what(&input.spec);
        let _ = write!(text, "\n{indent}{}{needed}: {what}", input.name);
        if let Kind::DynamicCombo(choices) = &input.spec.kind {
            for choice in choices.iter().take(CHOICES).filter(|_| level < DEPTH) {
                let _ = write!(text, "\n{indent}  with {}:", short(&choice.key));
                inputs(text, &choice.inputs, level + 2);
            }
        }
    }
}

fn what(spec: &InputSpec) -> String {
    let mut text = match &spec.kind {
        Kind::Combo(values) => one_of(values),
        Kind::DynamicCombo(choices) => {
            let keys: Vec<Value> = choices.iter().map(|choice| choice.key.clone()).collect();
            one_of(&keys)
        }
        Kind::Connection(name) => format!("a link to {name}"),
        _ => spec.type_name().to_owned(),
    };
    for name in OPTIONS {
        if let Some(value) = spec.options.get(name).filter(|value| !value.is_null()) {
            let _ = write!(text, ", {name} {}", cut(&value.to_string(), 200));
        }
    }
    text
}

fn one_of(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().take(CHOICES).map(short).collect();
    let more = match values.len().saturating_sub(CHOICES) {
        0 => String::new(),
        more => format!(" and {more} more, which list_models shows"),
    };
    format!("one of {}{more}", shown.join(", "))
}

fn kind(kind: &Value) -> &str {
    kind.as_str().unwrap_or("COMBO")
}

fn or_nothing(kinds: &[&str]) -> String {
    match kinds {
        [] => "nothing".to_owned(),
        kinds => kinds.join(", "),
    }
}
