//! Gives a node's saved values their names.
//!
//! The editor saves them by place: one for each input that has a widget, in the order of the
//! class, and after some of them one more that says how the value changes after a run.

use super::Control;
use crate::{
    error::shorten,
    object_info::{Input, InputSpec, Kind, NodeClass},
    workflow::{Node, Widgets},
};
use serde_json::Value;

/// A node's values by name, in the order of the class.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) values: Vec<(String, Value)>,
    pub(super) seeds: Vec<(String, Control)>,
    /// Where each value was found.
    places: Vec<(usize, String)>,
}

/// A value that cannot be one of its input.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) input: String,
    pub(super) found: String,
}

pub(super) fn read(class: &NodeClass, node: &Node) -> Result<Saved, Mismatch> {
    let values = match &node.widgets {
        Widgets::List(values) => values,
        Widgets::Map(values) => return Ok(by_name(class, values)),
    };
    // Versions of the editor differ in whether `defaultInput` takes the widget away.
    match Walk::new(values, true).run(class) {
        Ok(walk) if walk.missing == 0 => Ok(walk.saved),
        first => match (first, Walk::new(values, false).run(class)) {
            (Err(mismatch), Err(_)) => Err(mismatch),
            (Ok(walk), Err(_)) | (Err(_), Ok(walk)) => Ok(walk.saved),
            (Ok(with), Ok(without)) if with.missing > 0 && without.missing == 0 => {
                Ok(without.saved)
            }
            (Ok(with), Ok(_)) => Ok(with.saved),
        },
    }
}

/// The name of each of a node's saved values, by its place; `None` for what is no input's, such as
/// how a seed changes after a run. Empty where the values have names of their own, or do not fit
/// the class.
#[must_use]
pub fn widget_names(class: &NodeClass, node: &Node) -> Vec<Option<String>> {
    let Widgets::List(values) = &node.widgets else {
        return Vec::new();
    };
    let Ok(saved) = read(class, node) else {
        return Vec::new();
    };
    let mut names = vec![None; values.len()];
    for (place, name) in saved.places {
        if let Some(slot) = names.get_mut(place) {
            *slot = Some(name);
        }
    }
    names
}

/// Some extensions save the names with the values.
fn by_name(class: &NodeClass, values: &serde_json::Map<String, Value>) -> Saved {
    let named = values
        .iter()
        // What the editor shows, not what it sends.
        .filter(|(name, _)| !matches!(name.as_str(), "videopreview" | "preview"));
    let mut saved = Saved::default();
    saved
        .values
        .extend(named.map(|(name, value)| (name.clone(), value.clone())));
    for input in &class.inputs {
        let is_missing = input.is_required && !values.contains_key(&input.name);
        if is_missing && input.spec.is_widget() {
            let default = input.spec.default_value();
            saved
                .values
                .extend(default.map(|value| (input.name.clone(), value)));
        }
    }
    saved
}

struct Walk<'a> {
    values: &'a [Value],
    at: usize,
    default_inputs: bool,
    missing: usize,
    saved: Saved,
}

impl<'a> Walk<'a> {
    fn new(values: &'a [Value], default_inputs: bool) -> Self {
        Self {
            values,
            at: 0,
            default_inputs,
            missing: 0,
            saved: Saved::default(),
        }
    }

    fn run(mut self, class: &NodeClass) -> Result<Self, Mismatch> {
        let first_optional = class.inputs.iter().position(|input| !input.is_required);
        let (required, optional) = class
            .inputs
            .split_at(first_optional.unwrap_or(class.inputs.len()));
        self.inputs(required, "")?;
        self.skip_upload(required);
        self.inputs(optional, "")?;
        self.keep_loras();
        Ok(self)
    }

    fn inputs(&mut self, inputs: &[Input], prefix: &str) -> Result<(), Mismatch> {
        let mut widgets = inputs
            .iter()
            .filter(|input| self.has_widget(&input.spec))
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        while let Some(input) = widgets.next() {
            let name = format!("{prefix}{}", input.name);
            self.input(name, &input.spec, widgets.peek().map(|next| &next.spec))?;
        }
        Ok(())
    }

    fn has_widget(&self, spec: &InputSpec) -> bool {
        spec.is_widget() && (self.default_inputs || !spec.has("defaultInput"))
    }

    fn input(
        &mut self,
        name: String,
        spec: &InputSpec,
        next: Option<&InputSpec>,
    ) -> Result<(), Mismatch> {
        let Some(value) = self.values.get(self.at) else {
            self.missing += 1;
            let default = spec.default_value();
            self.saved.values.extend(default.map(|value| (name, value)));
            return Ok(());
        };
        if !fits(spec, value) {
            return Err(Mismatch {
                input: name,
                found: shorten(&value.to_string()).chars().take(60).collect(),
            });
        }
        self.saved.places.push((self.at, name.clone()));
        self.at += 1;
        // Nothing was chosen: what a new node has is as good.
        let value = match value {
            Value::Null => &spec.default_value().unwrap_or_default(),
            value => value,
        };
        self.saved.values.push((name.clone(), value.clone()));
        if let Kind::DynamicCombo(choices) = &spec.kind {
            let choice = choices.iter().find(|choice| choice.key == *value);
            return match choice {
                Some(choice) => self.inputs(&choice.inputs, &format!("{name}.")),
                // What follows belongs to a choice that is gone.
                None if self.at < self.values.len() => Err(Mismatch {
                    input: name,
                    found: shorten(&value.to_string()).chars().take(60).collect(),
                }),
                None => Ok(()),
            };
        }
        self.skip_control(name, spec, next);
        Ok(())
    }

    /// Takes the value that says how the last one changes after a run, and the filter that comes
    /// after it where the last one is of a list.
    fn skip_control(&mut self, name: String, spec: &InputSpec, next: Option<&InputSpec>) {
        let Some(control) = self.values.get(self.at).and_then(control) else {
            return;
        };
        // Old versions go by the name alone.
        let is_seed = spec.kind == Kind::Int && name.to_lowercase().contains("seed");
        let is_next = next.is_some_and(|next| lists(next, self.values.get(self.at)));
        if !spec.has("control_after_generate") && (!is_seed || is_next) {
            return;
        }
        self.at += 1;
        self.saved.seeds.push((name, control));
        let is_list = matches!(spec.kind, Kind::Combo(_));
        let is_filter = self.values.get(self.at).is_some_and(|value| value == "");
        if is_list && is_filter {
            self.at += 1;
        }
    }

    /// Takes the value of the button that the editor adds after the required inputs of a node
    /// that a file can be uploaded to.
    fn skip_upload(&mut self, required: &[Input]) {
        let uploads = required.iter().any(|input| {
            [
                "image_upload",
                "animated_image_upload",
                "video_upload",
                "audio_upload",
            ]
            .iter()
            .any(|flag| input.spec.has(flag))
        });
        let is_button = self.values.get(self.at).is_some_and(|value| {
            value.is_null() || matches!(value.as_str(), Some("image" | "video" | "audio"))
        });
        if uploads && is_button {
            self.at += 1;
        }
    }

    /// A list of LoRAs that grows as people add to it is in no class.
    fn keep_loras(&mut self) {
        let rest = self.values.get(self.at..).unwrap_or_default();
        let loras = rest.iter().filter(|value| value.get("lora").is_some());
        let named = loras.enumerate();
        self.saved
            .values
            .extend(named.map(|(at, value)| (format!("lora_{}", at + 1), value.clone())));
    }
}

/// Whether a value can be one of the input; whether it is allowed is for [`crate::validate`].
fn fits(spec: &InputSpec, value: &Value) -> bool {
    match (&spec.kind, value) {
        (_, Value::Null) | (Kind::Widget(_) | Kind::Connection(_), _) => true,
        (Kind::Int | Kind::Float, Value::String(text)) => text.trim().parse::<f64>().is_ok(),
        (Kind::Int | Kind::Float, Value::Number(_) | Value::Bool(_)) => true,
        (Kind::Int | Kind::Float, _) => false,
        (Kind::Boolean, Value::String(text)) => {
            matches!(text.to_lowercase().as_str(), "true" | "false" | "")
        }
        (Kind::Boolean, value) => value.is_boolean() || value.is_number(),
        (Kind::String | Kind::DynamicCombo(_), value) => !value.is_object() && !value.is_array(),
        (Kind::Combo(_), value) => !value.is_object(),
    }
}

/// How a value changes after a run, where this says so.
pub(super) fn control(value: &Value) -> Option<Control> {
    Some(match value.as_str()? {
        "fixed" => Control::Fixed,
        "increment" => Control::Increment,
        "decrement" => Control::Decrement,
        "randomize" => Control::Randomize,
        _ => return None,
    })
}

/// Whether a value is one of the list that an input takes.
fn lists(spec: &InputSpec, value: Option<&Value>) -> bool {
    match (&spec.kind, value) {
        (Kind::Combo(values), Some(value)) => values.contains(value),
        _ => false,
    }
}
