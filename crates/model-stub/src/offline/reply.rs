//! What the offline model answers: a function of the request alone.

use super::{
    command::{self, Command},
    question::Question,
};
use serde_json::Value;

/// The most of a text that is repeated, in characters.
const MAX_QUOTED: usize = 4_000;

#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Text(String),
    Call(Call),
}

#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) arguments: Value,
}

impl Reply {
    /// Tokens, counted in words.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.split_whitespace().count(),
            Self::Call(call) => call.arguments.to_string().split_whitespace().count(),
        }
    }
}

pub(super) fn reply(question: &Question) -> Reply {
    let results = question.tool_results();
    if !results.is_empty() {
        return Reply::Text(report(&results));
    }
    match command::parse(question) {
        Some(Command::Call { tool, arguments }) => Reply::Call(Call {
            // The number of messages makes the id unique in the conversation, and the same
            // whenever the same is asked.
            id: format!("call_offline_{}", question.messages.len()),
            name: tool,
            arguments,
        }),
        Some(Command::NoTool { word, tool }) => Reply::Text(format!(
            "I cannot do “{word}:” here: the tool `{tool}` is not offered in this conversation. {HINT}"
        )),
        None => Reply::Text(echo(question)),
    }
}

const HINT: &str = "This is the offline model, a small program with fixed rules and no language \
    model. To talk to a real one, set SPIN_VARIABLE_LLM_BASE_URL (such as \
    https://models.example.com/v1), SPIN_VARIABLE_LLM_MODEL and, if it wants a key, \
    SPIN_VARIABLE_LLM_API_KEY, and start again.";

const COMMANDS: &str = "What I can do with the tools offered here, each as a message of its own: \
    “run: ls -la”, “write: notes.txt” with the content from the next line on, “read: notes.txt”, \
    “list: .”, “search: word”.";

fn echo(question: &Question) -> String {
    let text = question.last_user_text();
    let words = text.split_whitespace().count();
    let counted = match words {
        1 => "1 word".to_owned(),
        words => format!("{words} words"),
    };
    let mut answer = format!("{HINT}\n\nYou wrote {counted}: {}", quoted(&text));
    if question.offers_tools() {
        answer.push_str("\n\n");
        answer.push_str(COMMANDS);
    }
    answer
}

fn report(results: &[(String, String)]) -> String {
    let parts: Vec<String> = results
        .iter()
        .map(|(tool, result)| format!("The tool `{tool}` answered:\n\n{}", quoted(result)))
        .collect();
    parts.join("\n\n")
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{}… (the rest is left out)",
            text.get(..end).unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests;
