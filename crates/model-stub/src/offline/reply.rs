//! What the offline model answers: a function of the request alone.

use super::{
    command::{self, Play},
    forms::{CALL, FORMS},
    question::Question,
};
use serde_json::Value;

/// The most of a text that is repeated, in characters: of one, and of all results together.
const MAX_QUOTED: usize = 4_000;
const MAX_REPORTED: usize = 16_000;

#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Text(String),
    Call(Call),
}

#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

impl Call {
    /// The arguments as the wire has them: JSON, or what was to be JSON.
    pub(super) fn arguments(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            arguments => arguments.to_string(),
        }
    }
}

impl Reply {
    /// Tokens, counted in words.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.split_whitespace().count(),
            Self::Call(call) => call.arguments().split_whitespace().count(),
        }
    }
}

pub(super) fn reply(question: &Question) -> Reply {
    let plays = command::plays(question);
    let results = question.tool_results();
    let mut calls = plays.iter().filter_map(|play| match play {
        Play::Call { tool, arguments } => Some((tool, arguments)),
        Play::Unable { .. } => None,
    });
    if let Some((tool, arguments)) = calls.nth(results.len()) {
        return Reply::Call(Call {
            // The number of messages makes the id unique in the conversation, and the same
            // whenever the same is asked.
            id: format!("call_offline_{}", question.messages.len()),
            name: tool.clone(),
            arguments: arguments.clone(),
        });
    }
    let unable = plays.iter().filter_map(|play| match play {
        Play::Unable { word, tool } => Some(format!(
            "I cannot do “{word}:” here: the tool `{tool}` is not offered in this conversation."
        )),
        Play::Call { .. } => None,
    });
    let unable: Vec<String> = unable.collect();
    Reply::Text(match (results.as_slice(), unable.is_empty()) {
        ([], true) => echo(question),
        ([], false) => format!("{} {HINT}", unable.join(" ")),
        (results, true) => report(results),
        (results, false) => format!("{}\n\n{}", report(results), unable.join(" ")),
    })
}

const HINT: &str = "This is the offline model, a small program with fixed rules and no language \
    model. To talk to a real one, set SPIN_VARIABLE_LLM_BASE_URL (such as \
    https://models.example.com/v1), SPIN_VARIABLE_LLM_MODEL and, if it wants a key, \
    SPIN_VARIABLE_LLM_API_KEY, and start again.";

fn echo(question: &Question) -> String {
    let text = question.instruction();
    let words = text.split_whitespace().count();
    let counted = match words {
        1 => "1 word".to_owned(),
        words => format!("{words} words"),
    };
    let written = quoted(&text, MAX_QUOTED);
    let mut answer = format!("{HINT}\n\nYou wrote {counted}: {written}");
    if let Some(known) = words_for(question) {
        answer.push_str("\n\n");
        answer.push_str(&known);
    }
    answer
}

/// The words that the offered tools can do.
fn words_for(question: &Question) -> Option<String> {
    if !question.offers_tools() {
        return None;
    }
    let known = FORMS.iter().filter(|form| {
        let mut ways = form.ways.iter();
        form.word == CALL || ways.any(|way| question.parameters_of(way.tool).is_some())
    });
    let known: Vec<String> = known.map(|form| format!("- {}", form.example)).collect();
    Some(format!(
        "What I can do with the tools offered here. A step begins a line, and several are played \
         one after the other; content that looks like a step goes between two lines of ```:\n\n{}",
        known.join("\n")
    ))
}

/// What the tools answered, in their words.
fn report(results: &[(String, String)]) -> String {
    let each = (MAX_REPORTED / results.len().max(1)).clamp(1, MAX_QUOTED);
    if let [(tool, result)] = results {
        return format!("The tool `{tool}` answered:\n\n{}", quoted(result, each));
    }
    let parts = results.iter().enumerate().map(|(number, (tool, result))| {
        let number = number + 1;
        format!("{number}. `{tool}` answered:\n\n{}", quoted(result, each))
    });
    let parts: Vec<String> = parts.collect();
    let count = results.len();
    format!("{count} calls, in their order:\n\n{}", parts.join("\n\n"))
}

fn quoted(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{}… (the rest is left out)",
            text.get(..end).unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests;
