//! The checks of one node's inputs.

use super::python;
use crate::{
    object_info::{Input, InputSpec, Kind, ObjectInfo},
    report::Problem,
    workflow::Prompt,
};
use domain::weight;
use serde_json::{Map, Value, json};

/// Longer lists of allowed values are not repeated in problems.
const LISTED: usize = 20;

/// Nor are values that take more bytes than that, and of texts these characters are. The server
/// repeats all, in each problem.
const REPEATED: usize = 4_096;
const TEXT: usize = 1_000;

/// What the check of a node found.
pub(super) struct Checked<'a> {
    pub(super) errors: Vec<Problem>,
    /// The nodes whose outputs it takes, in order.
    pub(super) links: Vec<&'a str>,
    pub(super) exception: Option<Exception>,
}

/// What makes the server's own check fail.
pub(super) struct Exception {
    kind: &'static str,
    message: String,
}

impl Exception {
    /// The problem that the server makes of it; `inner` for a node that is no output.
    pub(super) fn into_problem(self, inner: bool) -> Problem {
        let (kind, message) = if inner {
            (
                "exception_during_inner_validation",
                "Exception when validating inner node",
            )
        } else {
            (
                "exception_during_validation",
                "Exception when validating node",
            )
        };
        Problem {
            kind: kind.to_owned(),
            message: message.to_owned(),
            details: cut(&self.message),
            extra_info: json!({"exception_type": self.kind, "traceback": []}),
        }
    }
}

pub(super) fn check<'a>(prompt: &'a Prompt, info: &ObjectInfo, id: &'a str) -> Checked<'a> {
    let mut checked = Checked {
        errors: Vec::new(),
        links: Vec::new(),
        exception: None,
    };
    let node = prompt.node(id);
    let class = node
        .and_then(|node| node.class_type())
        .and_then(|class| info.class(class));
    let inputs = node.and_then(|node| node.inputs());
    let (Some(class), Some(inputs)) = (class, inputs) else {
        checked.exception = Some(Exception {
            kind: "KeyError",
            message: "'inputs'".to_owned(),
        });
        return checked;
    };
    let mut check = Check {
        prompt,
        info,
        inputs,
        checked: &mut checked,
    };
    if let Err(exception) = check.inputs(&class.inputs, "") {
        checked.exception = Some(exception);
    }
    checked
}

struct Check<'a, 'c> {
    prompt: &'a Prompt,
    info: &'c ObjectInfo,
    inputs: &'a Map<String, Value>,
    checked: &'c mut Checked<'a>,
}

impl Check<'_, '_> {
    fn inputs(&mut self, inputs: &[Input], prefix: &str) -> Result<(), Exception> {
        for input in inputs {
            self.input(input, &format!("{prefix}{}", input.name))?;
        }
        Ok(())
    }

    fn input(&mut self, input: &Input, name: &str) -> Result<(), Exception> {
        let Some(value) = self.inputs.get(name) else {
            // It grows inputs of its own, such as `images.image0`.
            let grows = matches!(&input.spec.kind, Kind::Connection(kind) if kind.starts_with("COMFY_AUTOGROW"));
            if input.is_required && !grows {
                let problem = problem("required_input_missing", "Required input is missing", name);
                self.checked.errors.push(problem);
            }
            return Ok(());
        };
        match value {
            Value::Array(link) => self.link(name, &input.spec, link),
            value => {
                // A list that is no link comes wrapped.
                let value = value.get("__value__").unwrap_or(value);
                self.value(name, &input.spec, value)
            }
        }
    }

    fn link(&mut self, name: &str, spec: &InputSpec, link: &[Value]) -> Result<(), Exception> {
        let [origin, slot] = link else {
            let mut problem = problem(
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                name,
            );
            config(&mut problem, spec);
            let received = Value::Array(link.to_vec());
            add(&mut problem, "received_value", repeated(&received));
            self.checked.errors.push(problem);
            return Ok(());
        };
        let no_key = |key: String| Exception {
            kind: "KeyError",
            message: key,
        };
        let (origin, kind) = self.output(origin, slot, no_key)?;
        if !connects(&kind, spec) {
            let mut problem = problem(
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                &format!(
                    "{name}, received_type({}) mismatch input_type({})",
                    python::text(&kind),
                    python::text(&spec.wire_type())
                ),
            );
            config(&mut problem, spec);
            add(&mut problem, "input_name", json!(name));
            add(&mut problem, "received_type", repeated(&kind));
            add(&mut problem, "linked_node", json!(link));
            self.checked.errors.push(problem);
            return Ok(());
        }
        self.checked.links.push(origin);
        Ok(())
    }
}

impl<'a> Check<'a, '_> {
    /// The node that a link begins at, and the type of its slot there.
    fn output(
        &self,
        origin: &Value,
        slot: &Value,
        no_key: impl Fn(String) -> Exception,
    ) -> Result<(&'a str, Value), Exception> {
        let node = origin.as_str().and_then(|id| self.prompt.node(id));
        let node = node.ok_or_else(|| no_key(python::repr(origin)))?;
        let class = node.class_type().and_then(|class| self.info.class(class));
        let class = class.ok_or_else(|| no_key(python::repr(origin)))?;
        let output = slot
            .as_u64()
            .and_then(|slot| usize::try_from(slot).ok())
            .and_then(|slot| class.outputs.get(slot));
        let output = output.ok_or(if slot.is_i64() || slot.is_u64() {
            Exception {
                kind: "IndexError",
                message: "tuple index out of range".to_owned(),
            }
        } else {
            Exception {
                kind: "TypeError",
                message: format!(
                    "tuple indices must be integers or slices, not {}",
                    python::type_name(slot)
                ),
            }
        })?;
        Ok((node.id, output.kind.clone()))
    }

    fn value(&mut self, name: &str, spec: &InputSpec, value: &Value) -> Result<(), Exception> {
        let converted = match &spec.kind {
            Kind::Int => python::int(value),
            Kind::Float => python::float(value),
            Kind::String => Ok(Value::String(python::text(value))),
            Kind::Boolean => Ok(Value::Bool(python::is_true(value))),
            _ => Ok(value.clone()),
        };
        let value = match converted {
            Ok(value) => value,
            Err(why) => {
                let kind = spec.type_name();
                let mut problem = problem(
                    "invalid_input_type",
                    &format!("Failed to convert an input value to a {kind} value"),
                    &format!("{name}, {}, {why}", python::text(value)),
                );
                config(&mut problem, spec);
                add(&mut problem, "input_name", json!(name));
                add(&mut problem, "received_value", repeated(value));
                add(&mut problem, "exception_message", json!(cut(&why)));
                self.checked.errors.push(problem);
                return Ok(());
            }
        };
        if let Some(problem) = out_of_range(name, spec, &value) {
            self.checked.errors.push(problem);
            return Ok(());
        }
        match &spec.kind {
            Kind::Combo(allowed) if let Some(what) = uploaded(spec) => {
                let problem = no_such_file(name, what, &value, allowed);
                self.checked.errors.extend(problem);
                Ok(())
            }
            Kind::Combo(allowed) => {
                let is_remote = spec.has("remote_combo") || spec.has("remote");
                if !is_remote && let Some(problem) = not_listed(name, spec, &value, allowed) {
                    self.checked.errors.push(problem);
                }
                Ok(())
            }
            Kind::DynamicCombo(choices) => {
                if let Some(choice) = choices.iter().find(|choice| choice.key == value) {
                    return self.inputs(&choice.inputs, &format!("{name}."));
                }
                let keys: Vec<Value> = choices.iter().map(|choice| choice.key.clone()).collect();
                let problem = not_listed(name, spec, &value, &keys);
                self.checked.errors.extend(problem);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn out_of_range(name: &str, spec: &InputSpec, value: &Value) -> Option<Problem> {
    let limit = |option| spec.options.get(option).filter(|limit| limit.is_number());
    let (kind, message) = if let Some(min) = limit("min")
        && python::is_less(value, min)
    {
        (
            "value_smaller_than_min",
            format!(
                "Value {} smaller than min of {}",
                python::text(value),
                python::text(min)
            ),
        )
    } else if let Some(max) = limit("max")
        && python::is_less(max, value)
    {
        (
            "value_bigger_than_max",
            format!(
                "Value {} bigger than max of {}",
                python::text(value),
                python::text(max)
            ),
        )
    } else {
        return None;
    };
    let mut problem = problem(kind, &message, name);
    config(&mut problem, spec);
    add(&mut problem, "received_value", value.clone());
    Some(problem)
}

fn not_listed(name: &str, spec: &InputSpec, value: &Value, allowed: &[Value]) -> Option<Problem> {
    let values = match value {
        Value::Array(values) if spec.has("multiselect") => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let unknown: Vec<String> = values
        .iter()
        .filter(|value| {
            !allowed
                .iter()
                .any(|allowed| python::is_equal(allowed, value))
        })
        .map(python::repr)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let list = if allowed.len() <= LISTED {
        python::repr(&json!(allowed))
    } else {
        format!("(list of length {})", allowed.len())
    };
    let mut problem = problem(
        "value_not_in_list",
        "Value not in list",
        &format!("{name}: {} not in {list}", unknown.join(", ")),
    );
    config(&mut problem, spec);
    add(&mut problem, "input_name", json!(name));
    add(&mut problem, "received_value", repeated(value));
    Some(problem)
}

/// What can be uploaded for an input, if something can.
fn uploaded(spec: &InputSpec) -> Option<&'static str> {
    [
        ("image_upload", "image"),
        ("video_upload", "video"),
        ("audio_upload", "audio"),
    ]
    .into_iter()
    .find_map(|(flag, what)| spec.has(flag).then_some(what))
}

/// Nodes that files are uploaded for look for the file themselves. It may be in a folder, or in
/// the output folder (`name [output]`), which the list does not tell.
fn no_such_file(name: &str, what: &str, value: &Value, listed: &[Value]) -> Option<Problem> {
    let file = value.as_str()?;
    let is_elsewhere = file.contains(['/', '\\']) || file.ends_with(']');
    if is_elsewhere || listed.contains(value) {
        return None;
    }
    Some(Problem {
        extra_info: json!({"input_name": name}),
        ..problem(
            "custom_validation_failed",
            "Custom validation failed for node",
            &format!("{name} - Invalid {what} file: {file}"),
        )
    })
}

/// A problem whose details are its input's name, unless they are overwritten.
fn problem(kind: &str, message: &str, details: &str) -> Problem {
    Problem {
        kind: kind.to_owned(),
        message: message.to_owned(),
        details: cut(details),
        extra_info: json!({"input_name": cut(details)}),
    }
}

/// Says what the input takes, unless that is much.
fn config(problem: &mut Problem, spec: &InputSpec) {
    let is_listed = match &spec.kind {
        Kind::Combo(values) => values.len() <= LISTED,
        Kind::DynamicCombo(choices) => choices.len() <= LISTED,
        _ => true,
    };
    let config = is_listed.then(|| spec.to_wire());
    let config = config.filter(|config| weight::of_value(config) <= REPEATED);
    add(problem, "input_config", json!(config));
}

/// A value as it is; of one that takes much, how its text begins.
fn repeated(value: &Value) -> Value {
    match weight::of_value(value) > REPEATED {
        true => Value::String(cut(&python::text(value))),
        false => value.clone(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

fn add(problem: &mut Problem, name: &str, value: Value) {
    if let Value::Object(extra) = &mut problem.extra_info {
        extra.insert(name.to_owned(), value);
    }
}

/// Whether the server takes an output of type `received` for an input.
fn connects(received: &Value, spec: &InputSpec) -> bool {
    const MATCHED_BY_THE_EDITOR: &str = "COMFY_MATCHTYPE_V3";
    let is_any = |name: &str| matches!(name, "*" | MATCHED_BY_THE_EDITOR);
    if received.as_str().is_some_and(is_any) {
        return true;
    }
    let wanted = match (&spec.kind, spec.type_text.as_deref()) {
        (Kind::Combo(values), None) => return received.as_array() == Some(values),
        (_, wanted) => wanted.unwrap_or("*"),
    };
    if is_any(wanted) || received == wanted || received.is_array() && wanted == "COMBO" {
        return true;
    }
    let Some(received) = received.as_str() else {
        return false;
    };
    received.split(',').any(|received| {
        let mut wanted = wanted.split(',').map(str::trim);
        let received = received.trim();
        received == "*" || wanted.any(|wanted| wanted == received || wanted == "*")
    })
}
