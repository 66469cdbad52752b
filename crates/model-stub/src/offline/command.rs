//! What a message's steps come to with the tools that are offered.

use super::{
    forms::{self, ASSIGN, CALL},
    question::Question,
    steps::{Step, steps},
};
use serde_json::{Map, Value};

/// Whom a step is handed that one cannot do oneself.
const ENGINEER: &str = "Alex";

/// What is done about a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Play {
    /// A call of an offered tool.
    Call { tool: String, arguments: Value },
    /// No offered tool can do it.
    Unable { word: &'static str, tool: String },
}

/// What is done about the steps of the person's last message, in their order; nothing if it has
/// none. It is the same each time that the model is asked on in that turn.
pub(super) fn plays(question: &Question) -> Vec<Play> {
    let mut plays = Vec::new();
    let mut handed_on = String::new();
    for step in steps(&question.instruction()) {
        let play = play(&step, question);
        if matches!(play, Play::Unable { .. }) && can_hand_on(question) {
            handed_on.push_str(&step.source);
            continue;
        }
        plays.extend(handing_on(&mut handed_on));
        plays.push(play);
    }
    plays.extend(handing_on(&mut handed_on));
    plays
}

fn play(step: &Step, question: &Question) -> Play {
    if step.form.word == CALL {
        return call(step, question);
    }
    let mut ways = step.form.ways.iter();
    let offered = ways.find_map(|way| Some((way, question.parameters_of(way.tool)?)));
    match offered {
        Some((way, parameters)) => Play::Call {
            tool: way.tool.to_owned(),
            arguments: (way.arguments)(step, &parameters).into(),
        },
        None => Play::Unable {
            word: step.form.word,
            tool: step.form.ways.first().map_or("", |way| way.tool).to_owned(),
        },
    }
}

/// A call as it is written, of whichever tool.
fn call(step: &Step, question: &Question) -> Play {
    let text = step.text();
    let (tool, arguments) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let tool = tool.to_owned();
    if question.parameters_of(&tool).is_none() {
        return Play::Unable { word: CALL, tool };
    }
    let arguments = match arguments.trim() {
        "" => Map::new().into(),
        // What is no JSON goes out as it is: so do real models.
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    Play::Call { tool, arguments }
}

/// Whether somebody is there to whom steps can be handed: whoever leads the team has hands, but no
/// sandbox.
fn can_hand_on(question: &Question) -> bool {
    let parameters = question.parameters_of(ASSIGN);
    parameters.is_some_and(|parameters| parameters.allow("agent", ENGINEER))
}

/// The call that hands on what was gathered, if something was.
fn handing_on(gathered: &mut String) -> Option<Play> {
    let task = std::mem::take(gathered);
    (!task.is_empty()).then(|| Play::Call {
        tool: ASSIGN.to_owned(),
        arguments: forms::task_for(ENGINEER, task.trim_end()).into(),
    })
}
