//! `list_nodes` and `node_info`

use super::{
    Arguments, classes, number,
    shown::{cut, footer},
    spec as tool, text,
};
use crate::desk::Desk;
use agent::{Output, Spec, ToolError};
use comfyui::NodeQuery;
use serde_json::json;

/// How many classes are listed by default, and at most.
const CLASSES: usize = 25;
const CLASSES_MOST: usize = 100;

/// Names that are offered in the place of one that is not there.
const ALIKE: usize = 8;

pub(super) fn list_spec() -> Spec {
    tool(
        "list_nodes",
        "Searches the classes of nodes that the workflow's service has, the best first: a line \
         each with what they take and give.",
        json!({
            "type": "object",
            "properties": {
                "search": {"type": "string", "maxLength": 200, "description": "Words that a class must all have, in its name, category, description or aliases"},
                "category": {"type": "string", "maxLength": 200, "description": "The beginning of the category, such as image/upscaling"},
                "gives": {"type": "string", "maxLength": 100, "description": "A type that one of the outputs must have, such as IMAGE"},
                "takes": {"type": "string", "maxLength": 100, "description": "A type that one of the inputs must take"},
                "limit": {"type": "integer", "minimum": 1, "maximum": CLASSES_MOST, "description": "How many to list, 25 by default"},
                "offset": {"type": "integer", "minimum": 0, "description": "How many to leave out at the beginning"}
            },
            "additionalProperties": false
        }),
    )
}

pub(super) async fn list(desk: &Desk, arguments: Arguments) -> Result<Output, ToolError> {
    let info = desk.object_info(&desk.workflow().await?).await?;
    let query = NodeQuery {
        text: text(&arguments, "search"),
        category: text(&arguments, "category"),
        gives: text(&arguments, "gives"),
        takes: text(&arguments, "takes"),
        limit: number(&arguments, "limit", CLASSES).min(CLASSES_MOST),
        offset: number(&arguments, "offset", 0),
    };
    let found = info.search(&query);
    let mut lines: Vec<String> = found
        .classes
        .iter()
        .map(|class| classes::line(class))
        .collect();
    let next = query.offset.saturating_add(found.classes.len());
    lines.push(match found.total {
        0 => "No class fits. Try fewer or other words.".to_owned(),
        total => footer(total, next),
    });
    Ok(Output::new(lines.join("\n")))
}

pub(super) fn info_spec() -> Spec {
    tool(
        "node_info",
        "Says all about a class of nodes: its inputs with types, limits, defaults and choices, and \
         its outputs by slot. Look here before you use a class or set a value.",
        json!({
            "type": "object",
            "properties": {
                "class": {"type": "string", "minLength": 1, "maxLength": 200, "description": "The class, such as KSampler"}
            },
            "required": ["class"],
            "additionalProperties": false
        }),
    )
}

pub(super) async fn info(desk: &Desk, arguments: Arguments) -> Result<Output, ToolError> {
    let info = desk.object_info(&desk.workflow().await?).await?;
    let name = text(&arguments, "class");
    if let Some(class) = info.class(name) {
        return Ok(Output::new(classes::whole(class)));
    }
    let query = NodeQuery {
        text: name,
        limit: ALIKE,
        ..NodeQuery::default()
    };
    let alike = info.search(&query).classes.into_iter();
    let alike: Vec<&str> = alike.map(|class| class.name.as_str()).collect();
    let name = cut(name, 100);
    Err(ToolError(match alike.is_empty() {
        true => format!("The service has no class {name:?}. list_nodes searches for others"),
        false => format!(
            "The service has no class {name:?}. There are {}",
            alike.join(", ")
        ),
    }))
}
