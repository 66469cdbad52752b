//! The words that the offline model knows, and the tools that can do what they ask for.

use super::{parameters::Parameters, steps::Step};
use serde_json::{Map, Value, json};

/// What a tool is called with.
type Arguments = Map<String, Value>;

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    ToNextStep,
    /// Other steps in it are for whoever gets it.
    ToNextOfItsKind,
}

/// A word that begins a step.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) word: &'static str,
    /// How people are shown it.
    pub(super) example: &'static str,
    /// Whether the word alone is a step, without a colon.
    pub(super) stands_alone: bool,
    pub(super) extent: Extent,
    /// The tools that can do it, best first.
    pub(super) ways: &'static [Way],
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for Form {}

/// A tool that can do what a word asks for.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) tool: &'static str,
    pub(super) arguments: fn(&Step, &Parameters<'_>) -> Arguments,
}

/// The form of that word, in whichever case.
pub(super) fn named(word: &str) -> Option<&'static Form> {
    FORMS
        .iter()
        .find(|form| form.word.eq_ignore_ascii_case(word))
}

/// The word that calls any offered tool by its name.
pub(super) const CALL: &str = "call";

const fn form(word: &'static str, example: &'static str, ways: &'static [Way]) -> Form {
    Form {
        word,
        example,
        stands_alone: false,
        extent: Extent::ToNextStep,
        ways,
    }
}

/// A form whose word alone is a step.
const fn bare(word: &'static str, example: &'static str, ways: &'static [Way]) -> Form {
    Form {
        stands_alone: true,
        ..form(word, example, ways)
    }
}

const fn way(tool: &'static str, arguments: fn(&Step, &Parameters<'_>) -> Arguments) -> Way {
    Way { tool, arguments }
}

/// Every word, in the order in which people are told of them.
pub(super) static FORMS: [Form; 21] = [
    form(
        "run",
        "“run: ls -la”",
        &[way("exec", run), way("shell", run)],
    ),
    form(
        "start",
        "“start: python3 -m http.server 8000” (in the background)",
        &[way("exec", start)],
    ),
    form(
        "write",
        "“write: notes.txt” with the content from the next line on",
        &[way("write_file", write), way("apply_patch", add_file)],
    ),
    form(
        "append",
        "“append: notes.txt” with what is added from the next line on",
        &[way("append_file", write)],
    ),
    form(
        "read",
        "“read: notes.txt”",
        &[
            way("read_file", |step, tool| tool.of(&["path"], &step.text())),
            way("shell", |step, tool| {
                tool.command(&format!("cat -- {}", quoted(&step.text())))
            }),
        ],
    ),
    bare(
        "list",
        "“list” or “list: src”",
        &[
            way("list_files", |step, tool| {
                tool.of(&["path", "root"], &step.text())
            }),
            way("shell", |step, tool| match step.text().as_str() {
                "" => tool.command("ls -la"),
                path => tool.command(&format!("ls -la -- {}", quoted(path))),
            }),
        ],
    ),
    form(
        "patch",
        "“patch:” with a patch from the next line on (*** Begin Patch …)",
        &[way("apply_patch", |step, tool| {
            tool.of(&["patch", "input"], &step.text())
        })],
    ),
    form(
        "search",
        "“search: word”",
        &[
            way("search", search),
            way("search_files", search),
            way("grep", search),
            way("shell", |step, tool| {
                tool.command(&format!("grep -rnI -e {} .", quoted(&step.text())))
            }),
        ],
    ),
    bare(
        "preview",
        "“preview” or “preview: 8000”",
        &[way("preview", |step, tool| {
            tool.of(&["port"], &step.text())
        })],
    ),
    Form {
        extent: Extent::ToNextOfItsKind,
        ..form(
            "assign",
            "“assign: Alex run: ls” (all that follows is Alex's, up to the next “assign:”)",
            &[way(ASSIGN, assign)],
        )
    },
    form(
        "more",
        "“more: CALL-ID 16000” (reads a long output on)",
        &[way("read_output", more)],
    ),
    form(
        "plan",
        "“plan:” with a step a line, “[x]” before what is done",
        &[way("update_plan", plan)],
    ),
    form(
        "web",
        "“web: words”",
        &[way("web_search", |step, tool| {
            tool.of(&["query"], &step.text())
        })],
    ),
    bare("workflow", "“workflow”", &[way("get_workflow", id)]),
    bare(
        "nodes",
        "“nodes” or “nodes: sampler”",
        &[way("list_nodes", search)],
    ),
    form(
        "node",
        "“node: KSampler”",
        &[way("node_info", |step, tool| {
            tool.of(
                &["class_type", "node", "name", "type", "class"],
                &step.text(),
            )
        })],
    ),
    form(
        "edit",
        "“edit:” with a JSON Patch from the next line on",
        &[way("edit_workflow", |step, tool| {
            tool.of(&["patch", "operations", "ops"], &step.text())
        })],
    ),
    bare("validate", "“validate”", &[way("validate_workflow", id)]),
    bare(
        "queue",
        "“queue” (runs the workflow)",
        &[way("run_workflow", id)],
    ),
    bare(
        "models",
        "“models” or “models: checkpoints”",
        &[way("list_models", |step, tool| {
            tool.of(&["folder", "kind", "type", "query"], &step.text())
        })],
    ),
    form(
        CALL,
        "“call: TOOL {…}” (any tool, with arguments as JSON)",
        &[],
    ),
];

/// The tool that hands work on.
pub(super) const ASSIGN: &str = "assign";

fn run(step: &Step, tool: &Parameters<'_>) -> Arguments {
    tool.command(&step.text())
}

fn start(step: &Step, tool: &Parameters<'_>) -> Arguments {
    let mut arguments = tool.command(&step.text());
    arguments.insert("background".to_owned(), true.into());
    arguments
}

fn search(step: &Step, tool: &Parameters<'_>) -> Arguments {
    tool.of(&["pattern", "query", "text"], &step.text())
}

/// What needs no subject, or takes the number of what it is about.
fn id(step: &Step, tool: &Parameters<'_>) -> Arguments {
    tool.of(&["workflow_id", "id"], &step.text())
}

fn write(step: &Step, tool: &Parameters<'_>) -> Arguments {
    let mut arguments = tool.of(&["path"], &step.subject);
    arguments.insert("content".to_owned(), step.content.as_str().into());
    arguments
}

/// A file written by those who change files by patches alone.
fn add_file(step: &Step, tool: &Parameters<'_>) -> Arguments {
    let lines = step.content.lines().map(|line| format!("+{line}\n"));
    let lines: String = lines.collect();
    let path = &step.subject;
    let patch = format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch");
    tool.of(&["patch", "input"], &patch)
}

fn assign(step: &Step, _: &Parameters<'_>) -> Arguments {
    let text = step.text();
    let (agent, task) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let agent = agent.trim_start_matches('@').trim_end_matches([',', ':']);
    task_for(agent, task.trim_start())
}

/// The arguments that hand a task to an agent.
pub(super) fn task_for(agent: &str, task: &str) -> Arguments {
    let members = [("agent", agent), ("task", task)];
    let members = members.map(|(name, text)| (name.to_owned(), text.into()));
    members.into_iter().collect()
}

fn more(step: &Step, tool: &Parameters<'_>) -> Arguments {
    let text = step.text();
    let mut words = text.split_whitespace();
    let mut arguments = tool.of(&["call_id"], words.next().unwrap_or_default());
    if let Some(offset) = words.next().and_then(|word| word.parse::<u64>().ok()) {
        arguments.insert("offset".to_owned(), offset.into());
    }
    arguments
}

fn plan(step: &Step, _: &Parameters<'_>) -> Arguments {
    let text = step.text();
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- "));
    let steps = lines.filter(|line| !line.is_empty()).map(|line| {
        let (status, line) = match line.split_at_checked(3) {
            Some(("[x]" | "[X]", rest)) => ("completed", rest),
            Some(("[>]", rest)) => ("in_progress", rest),
            Some(("[ ]", rest)) => ("pending", rest),
            _ => ("pending", line),
        };
        json!({"step": line.trim(), "status": status})
    });
    let plan: Value = steps.collect();
    [("plan".to_owned(), plan)].into_iter().collect()
}

/// A word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
