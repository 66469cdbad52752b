//! Shortens what a model is told when it outgrows the model's window.
//!
//! The older part is summarised by the model and told by the summary from then on; the steps
//! themselves stay where they are. What is summarised is a decision about whole units (see
//! [`crate::view`]): no call is parted from its result.

use crate::{Model, Situation, output, view::View};
use llm::{Message, Role};

/// What is to be summarised.
#[derive(Clone, Debug, PartialEq)]
pub struct Compaction {
    /// The last step that the summary will tell.
    pub through: u64,
    /// The question for the summary.
    pub request: llm::Request,
}

/// Characters of one message that the summariser is shown.
const MESSAGE: usize = 4_000;

/// The longest summary in tokens.
const SUMMARY: u64 = 2_048;

const INSTRUCTIONS: &str = "You summarise the work of an assistant so that it can go on with \
    nothing but your summary. Write down, in the language of the conversation: what the user \
    wants, in the user's own words where they matter; what was decided and why; what was done, \
    with exact file paths, names, commands and identifiers; what failed and how; what is still \
    to be done. Leave out what no longer matters. Answer with the summary alone.";

/// The tokens that question and tools may take of a model's window; the rest is the answer's.
pub(crate) fn room(model: &Model) -> u64 {
    let answer = model.max_tokens.map_or(model.window / 5, u64::from);
    model.window.saturating_sub(answer.min(model.window / 2))
}

/// What to summarise, if there is anything that a summary would make shorter.
pub(crate) fn plan(situation: &Situation<'_>, view: &View) -> Option<Compaction> {
    let kept_at_most = room(&situation.agent.model) / 3;
    let mut kept = 0;
    let newest = view.units.iter().rev();
    let fitting = newest.take_while(|unit| {
        kept += unit.tokens();
        kept <= kept_at_most
    });
    let fitting = fitting.count();
    // The task is told in its own words anyway: there must be something else.
    let least = view.units.iter().position(|unit| !unit.is_task)? + 1;
    let cut = match view.units.len() - fitting {
        // The server counts more than we do: half of it goes.
        cut if cut < least => least.max(view.units.len().div_ceil(2)),
        cut => cut,
    };
    let (old, _) = view.units.split_at_checked(cut)?;
    let through = old.iter().map(|unit| unit.through).max()?;
    let messages = old.iter().flat_map(|unit| &unit.messages);
    let mut text = String::new();
    if let Some(summary) = &view.summary {
        text.push_str(&format!("Summary of what happened before:\n{summary}\n\n"));
    }
    messages.for_each(|message| render(message, &mut text));
    Some(Compaction {
        through,
        request: request(situation, &text),
    })
}

fn request(situation: &Situation<'_>, text: &str) -> llm::Request {
    let model = &situation.agent.model;
    // Two bytes a token: room for texts that take more tokens than usual.
    let most = usize::try_from(room(model).saturating_mul(2)).unwrap_or(usize::MAX);
    let text = output::cut(text, most, |missing, _| format!("{missing} bytes left out"));
    llm::Request {
        messages: vec![
            Message::new(Role::System, INSTRUCTIONS),
            Message::new(Role::User, format!("The work so far:\n\n{text}")),
        ],
        tools: Vec::new(),
        temperature: situation.agent.temperature,
        max_tokens: u32::try_from(SUMMARY.min(model.window / 8)).ok(),
    }
}

fn render(message: &Message, text: &mut String) {
    let speaker = match message.role {
        Role::System => "Platform",
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::Tool => "Result",
    };
    let short = |text: &str| {
        let cut = output::cut(text, MESSAGE, |missing, _| {
            format!("{missing} bytes left out")
        });
        cut.into_owned()
    };
    if !message.content.is_empty() {
        text.push_str(&format!("{speaker}: {}\n", short(&message.content)));
    }
    for call in &message.tool_calls {
        let arguments = short(&call.arguments);
        text.push_str(&format!("Assistant called {}: {arguments}\n", call.name));
    }
    text.push('\n');
}
