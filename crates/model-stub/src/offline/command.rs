//! What a person can ask the offline model to do: "run: ls -la" and its like.

use super::question::Question;
use serde_json::{Map, Value};

/// A line such as `write: path`, with what follows it.
#[derive(Debug)]
struct Form {
    /// The word before the colon.
    word: &'static str,
    /// The tools that can do it, best first.
    tools: &'static [&'static str],
    /// What its first line is called among a tool's parameters, best first.
    subject: &'static [&'static str],
    /// Whether further lines are content of their own.
    has_content: bool,
}

const FORMS: [Form; 5] = [
    Form {
        word: "run",
        tools: &["exec"],
        subject: &["command", "cmd"],
        has_content: false,
    },
    Form {
        word: "write",
        tools: &["write_file"],
        subject: &["path"],
        has_content: true,
    },
    Form {
        word: "read",
        tools: &["read_file"],
        subject: &["path"],
        has_content: false,
    },
    Form {
        word: "list",
        tools: &["list_files"],
        subject: &["path", "root"],
        has_content: false,
    },
    Form {
        word: "search",
        tools: &["search_files", "search", "grep"],
        subject: &["query", "pattern", "text"],
        has_content: false,
    },
];

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    /// A call of an offered tool.
    Call {
        tool: &'static str,
        arguments: Value,
    },
    /// Something that no offered tool can do.
    NoTool {
        word: &'static str,
        tool: &'static str,
    },
}

/// The command in the last user message, if it is one.
pub(super) fn parse(question: &Question) -> Option<Command> {
    let text = question.last_user_text();
    let (word, rest) = text.trim_start().split_once(':')?;
    let form = FORMS
        .iter()
        .find(|form| form.word.eq_ignore_ascii_case(word))?;
    let offered = form
        .tools
        .iter()
        .find_map(|tool| Some((*tool, question.parameters_of(tool)?)));
    let Some((tool, parameters)) = offered else {
        let tool = form.tools.first().copied().unwrap_or_default();
        return Some(Command::NoTool {
            word: form.word,
            tool,
        });
    };
    let arguments = form.arguments(rest, &parameters);
    Some(Command::Call { tool, arguments })
}

impl Form {
    fn arguments(&self, rest: &str, parameters: &[&str]) -> Value {
        let mut arguments = Map::new();
        let (subject, content) = match self.has_content {
            true => rest.split_once('\n').unwrap_or((rest, "")),
            false => (rest, ""),
        };
        let known = self.subject.iter().find(|name| parameters.contains(name));
        let name = known.or(self.subject.first()).copied().unwrap_or_default();
        arguments.insert(name.to_owned(), subject.trim().into());
        if self.has_content {
            arguments.insert("content".to_owned(), content.into());
        }
        Value::Object(arguments)
    }
}
