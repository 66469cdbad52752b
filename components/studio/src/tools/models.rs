//! `list_models`

use super::{Arguments, failed, number, shown::footer, spec as tool, text};
use crate::desk::Desk;
use agent::{Output, Spec, ToolError};
use comfyui::{Error, Kind, ObjectInfo};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many names are listed by default, and at most.
const NAMES: usize = 100;
const NAMES_MOST: usize = 1_000;

/// What the names of models end with.
const ENDINGS: [&str; 9] = [
    ".safetensors",
    ".ckpt",
    ".pt",
    ".pth",
    ".bin",
    ".gguf",
    ".sft",
    ".onnx",
    ".pkl",
];

pub(super) fn spec() -> Spec {
    tool(
        "list_models",
        "Lists the models that the workflow's service has: without arguments the inputs that take \
         a model, with the number of their models; with a class and an input all that this input \
         may be set to; with a folder (such as checkpoints, loras or vae) the models in it.",
        json!({
            "type": "object",
            "properties": {
                "class": {"type": "string", "maxLength": 200, "description": "A class of nodes, such as CheckpointLoaderSimple"},
                "input": {"type": "string", "maxLength": 200, "description": "One of its inputs, such as ckpt_name"},
                "folder": {"type": "string", "maxLength": 200, "description": "A folder of models"},
                "find": {"type": "string", "maxLength": 200, "description": "Only names that have this"},
                "offset": {"type": "integer", "minimum": 0, "description": "How many to leave out at the beginning"},
                "limit": {"type": "integer", "minimum": 1, "maximum": NAMES_MOST, "description": "How many to list, 100 by default"}
            },
            "additionalProperties": false
        }),
    )
}

pub(super) async fn list(desk: &Desk, arguments: Arguments) -> Result<Output, ToolError> {
    let opened = desk.workflow().await?;
    let folder = text(&arguments, "folder");
    if !folder.is_empty() {
        let names = in_folder(&opened.client()?, folder).await?;
        return Ok(Output::new(page(&names, &arguments)));
    }
    let info = desk.object_info(&opened).await?;
    let (class, input) = (text(&arguments, "class"), text(&arguments, "input"));
    if class.is_empty() {
        return Ok(Output::new(overview(&info)));
    }
    let class = info.class(class);
    let class = class.ok_or_else(|| ToolError("The service has no such class".to_owned()))?;
    let lists = class
        .inputs
        .iter()
        .filter_map(|input| match &input.spec.kind {
            Kind::Combo(values) => Some((input.name.as_str(), values)),
            _ => None,
        });
    let lists: BTreeMap<&str, &Vec<Value>> = lists.collect();
    match lists.get(input) {
        Some(values) => Ok(Output::new(page(&names(values), &arguments))),
        None => {
            let known: Vec<&str> = lists.into_keys().collect();
            Err(ToolError(match known.is_empty() {
                true => "No input of that class is a list".to_owned(),
                false => format!("Name one of its lists as input: {}", known.join(", ")),
            }))
        }
    }
}

async fn in_folder(client: &comfyui::Client, folder: &str) -> Result<Vec<String>, ToolError> {
    match client.models(folder).await {
        Ok(Some(names)) => Ok(names),
        Ok(None) => Err(match client.model_folders().await {
            Ok(known) => ToolError(format!(
                "There is no such folder. There are: {}",
                known.join(", ")
            )),
            Err(Error::Status { code: 404, .. }) => ToolError(
                "The service does not tell of folders; name a class and an input".to_owned(),
            ),
            Err(error) => failed(&error),
        }),
        Err(error) => Err(failed(&error)),
    }
}

/// The inputs whose choices are models, a line each.
fn overview(info: &ObjectInfo) -> String {
    let mut lines = Vec::new();
    for class in info.classes() {
        for input in &class.inputs {
            if let Kind::Combo(values) = &input.spec.kind {
                let names = names(values);
                let models = names.iter().filter(|name| is_model(name)).count();
                if models > 0 {
                    lines.push(format!("{} {}: {models}", class.name, input.name));
                }
            }
        }
    }
    match lines.is_empty() {
        true => "No input takes a model.".to_owned(),
        false => lines.join("\n"),
    }
}

fn is_model(name: &str) -> bool {
    let name = name.to_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn names(values: &[Value]) -> Vec<String> {
    let names = values.iter().map(|value| match value {
        Value::String(name) => name.clone(),
        value => value.to_string(),
    });
    names.collect()
}

fn page(names: &[String], arguments: &Arguments) -> String {
    let wanted = text(arguments, "find").to_lowercase();
    let fitting: Vec<&String> = names
        .iter()
        .filter(|name| name.to_lowercase().contains(&wanted))
        .collect();
    let offset = number(arguments, "offset", 0);
    let limit = number(arguments, "limit", NAMES).min(NAMES_MOST);
    let shown = fitting.iter().skip(offset).take(limit);
    let mut lines: Vec<String> = shown.map(|name| (*name).clone()).collect();
    let (total, next) = (fitting.len(), offset.saturating_add(lines.len()));
    lines.push(match total {
        0 => "There is none.".to_owned(),
        total => footer(total, next),
    });
    lines.join("\n")
}
