//! What one input of a node takes.

use super::ordered::{Json, to_map};
use serde_json::{Map, Value};

/// The option that holds the choices of a combo.
const CHOICES: &str = "options";

/// How deep choices of a dynamic combo may hold dynamic combos.
const CHOICE_DEPTH: usize = 8;

/// Types that the front end shows a widget for besides those of [`Kind`].
const WIDGET_TYPES: [&str; 16] = [
    "AUDIO_RECORD",
    "AUDIO_UI",
    "BOUNDING_BOX",
    "CHART",
    "COLOR",
    "CURVE",
    "GALLERIA",
    "IMAGECOMPARE",
    "IMAGEUPLOAD",
    "LOAD_3D",
    "MARKDOWN",
    "PAINTER",
    "PREVIEW_3D",
    "RANGE",
    "TEXTAREA",
    "WEBCAM",
];

/// An input of a class of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name in a prompt.
    pub name: String,
    /// Whether a prompt must have it.
    pub is_required: bool,
    /// What it takes.
    pub spec: InputSpec,
}

/// What an input takes.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// The kind of its values.
    pub kind: Kind,
    /// Its type, where the server writes it as a text. Where it writes the list of a combo there
    /// is none: lists of models are long, and stand in [`InputSpec::kind`] alone.
    pub type_text: Option<String>,
    /// `default`, `min`, `max`, `tooltip` and the like; not the choices of combos.
    pub options: Map<String, Value>,
}

/// The kind of an input's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A text.
    String,
    /// Yes or no.
    Boolean,
    /// One of these values.
    Combo(Vec<Value>),
    /// One of these choices, each of which brings inputs of its own.
    DynamicCombo(Vec<Choice>),
    /// A value of another kind that the front end shows a widget for.
    Widget(String),
    /// A link to an output of this type.
    Connection(String),
}

/// A choice of a dynamic combo.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The combo's value.
    pub key: Value,
    /// The inputs that come with it; in a prompt, `{combo}.{name}`.
    pub inputs: Vec<Input>,
}

impl InputSpec {
    /// Whether the front end shows a widget for it, whose value it saves.
    #[must_use]
    pub fn is_widget(&self) -> bool {
        !self.has("forceInput") && !matches!(self.kind, Kind::Connection(_))
    }

    /// Whether option `name` is set.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self.options.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(_) => true,
        }
    }

    /// The value that a new node has.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        let default = self.options.get("default").cloned();
        default.or_else(|| match &self.kind {
            Kind::Combo(values) => values.first().cloned(),
            Kind::DynamicCombo(choices) => choices.first().map(|choice| choice.key.clone()),
            Kind::Int | Kind::Float => Some(Value::from(0)),
            Kind::String => Some(Value::from("")),
            Kind::Boolean => Some(Value::Bool(false)),
            Kind::Widget(_) | Kind::Connection(_) => None,
        })
    }

    /// The type as one word, for people: `COMBO` for any list.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.type_text.as_deref().unwrap_or("COMBO")
    }

    /// Its type as the server writes it: a text, or the list of a combo.
    pub(crate) fn wire_type(&self) -> Value {
        match (&self.kind, &self.type_text) {
            (Kind::Combo(values), None) => Value::Array(values.clone()),
            _ => Value::from(self.type_name()),
        }
    }

    /// It as the server writes it. The choices of a dynamic combo are left out.
    pub(crate) fn to_wire(&self) -> Value {
        let mut options = self.options.clone();
        if let (Kind::Combo(values), Some(_)) = (&self.kind, &self.type_text) {
            options.insert(CHOICES.to_owned(), Value::Array(values.clone()));
        }
        Value::Array(vec![self.wire_type(), Value::Object(options)])
    }
}

/// The inputs in `{required: {…}, optional: {…}}`; `order` overrides the order of members.
pub(super) fn read_all(inputs: Option<&Json>, order: Option<&Json>, depth: usize) -> Vec<Input> {
    let mut all = Vec::new();
    for (section, is_required) in [("required", true), ("optional", false)] {
        let members = inputs
            .and_then(|inputs| inputs.get(section))
            .map_or(&[][..], Json::members);
        let order = order
            .and_then(|order| order.get(section))
            .map_or(&[][..], Json::items);
        let place = |name: &str| {
            let place = order.iter().position(|item| item.as_str() == Some(name));
            place.unwrap_or(usize::MAX)
        };
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_cached_key(|(name, _)| place(name));
        all.extend(members.into_iter().map(|(name, spec)| Input {
            name: name.clone(),
            is_required,
            spec: read_spec(spec, depth),
        }));
    }
    all
}

fn read_spec(json: &Json, depth: usize) -> InputSpec {
    let [kind, rest @ ..] = json.items() else {
        return InputSpec {
            kind: Kind::Connection("*".to_owned()),
            type_text: Some("*".to_owned()),
            options: Map::new(),
        };
    };
    let type_text = match kind {
        Json::List(_) => None,
        kind => Some(kind.as_str().unwrap_or("*").to_owned()),
    };
    let kind = read_kind(kind, rest.first(), depth);
    let has_choices = matches!(kind, Kind::Combo(_) | Kind::DynamicCombo(_));
    let options = rest.first().map_or(&[][..], Json::members).iter();
    let options = options.filter(|(name, _)| !(has_choices && name == CHOICES));
    InputSpec {
        kind,
        type_text,
        options: to_map(options),
    }
}

fn read_kind(kind: &Json, options: Option<&Json>, depth: usize) -> Kind {
    let listed = || options.and_then(|options| options.get(CHOICES));
    match kind {
        Json::List(values) => Kind::Combo(values.iter().map(Json::to_value).collect()),
        Json::String(name) => match name.as_str() {
            "INT" => Kind::Int,
            "FLOAT" => Kind::Float,
            "STRING" => Kind::String,
            "BOOLEAN" => Kind::Boolean,
            "COMBO" => {
                let values = listed().map_or(&[][..], Json::items);
                Kind::Combo(values.iter().map(Json::to_value).collect())
            }
            "COMFY_DYNAMICCOMBO_V3" if depth < CHOICE_DEPTH => {
                let choices = listed().map_or(&[][..], Json::items);
                Kind::DynamicCombo(
                    choices
                        .iter()
                        .map(|choice| read_choice(choice, depth))
                        .collect(),
                )
            }
            // Types are written in capitals; widgets of extensions often are not.
            _ if WIDGET_TYPES.contains(&name.as_str())
                || name.chars().any(char::is_lowercase) && !name.contains(',') =>
            {
                Kind::Widget(name.clone())
            }
            _ => Kind::Connection(name.clone()),
        },
        _ => Kind::Connection("*".to_owned()),
    }
}

fn read_choice(choice: &Json, depth: usize) -> Choice {
    Choice {
        key: choice.get("key").map_or(Value::Null, Json::to_value),
        inputs: read_all(choice.get("inputs"), None, depth + 1),
    }
}
