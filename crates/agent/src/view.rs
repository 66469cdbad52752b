//! What a model is told: the part of the transcript that concerns its agent, as messages.
//!
//! The messages come in units that are told or left out whole: a call is never parted from its
//! result, and every call has one, be it that it was interrupted.

use crate::{
    Answer, Body, CallState, MessageState, Situation, Step,
    builtin::{self, ASSIGN},
    output, transcript,
    usage::{estimate, estimate_message, estimate_tool},
};
use llm::{Message, Role, ToolCall};

/// The most earlier assignments that an agent is reminded of.
const REMEMBERED: usize = 4;

/// Bytes of an earlier task, and of its result, that an agent is reminded of.
const REMINDER: usize = 2 << 10;

/// Messages that belong together.
pub(crate) struct Unit {
    /// The last step that they tell.
    pub(crate) through: u64,
    pub(crate) messages: Vec<Message>,
    /// Whether this is what the agent is to do now.
    pub(crate) is_task: bool,
    /// What the server counted up to here, if it did.
    counted: Option<u64>,
}

impl Unit {
    pub(crate) fn tokens(&self) -> u64 {
        self.messages.iter().map(estimate_message).sum()
    }
}

/// Everything that a model is told.
pub(crate) struct View {
    system: Message,
    pub(crate) summary: Option<String>,
    /// What the agent is to do now, if the summary tells it only in other words.
    task: Option<Message>,
    /// What is not summarised, oldest first.
    pub(crate) units: Vec<Unit>,
    tools: Vec<llm::Tool>,
}

impl View {
    pub(crate) fn of(situation: &Situation<'_>) -> Self {
        let Situation {
            team,
            agent,
            transcript,
            thread,
            depth,
            limits,
            ..
        } = situation;
        let mine = |step: &&Step| step.thread.as_deref() == *thread;
        let compaction =
            transcript
                .all()
                .iter()
                .rev()
                .filter(mine)
                .find_map(|step| match &step.body {
                    Body::Compaction {
                        through, summary, ..
                    } => Some((step.number, *through, summary.clone())),
                    _ => None,
                });
        let (compacted_at, through) = match &compaction {
            Some((number, through, _)) => (*number, *through),
            None => (0, 0),
        };
        let mut units = beginning(situation);
        let steps = transcript.all().iter().filter(mine);
        units.extend(steps.filter_map(|step| unit(situation, step)));
        for unit in &mut units {
            // What was counted before the summary says nothing about what is told now.
            unit.counted = unit.counted.filter(|_| unit.through > compacted_at);
        }
        let hidden = |unit: &Unit| unit.through <= through && compaction.is_some();
        let task = units.iter().rev().find(|unit| unit.is_task && hidden(unit));
        let task = task.and_then(|unit| unit.messages.last().cloned());
        units.retain(|unit| !hidden(unit));
        let offers = team.offers(agent, *depth, limits.depth);
        Self {
            system: Message::new(
                Role::System,
                team.system_prompt(agent, *depth, limits.depth),
            ),
            summary: compaction.map(|(_, _, summary)| summary),
            task,
            units,
            tools: offers.iter().map(crate::Spec::offer).collect(),
        }
    }

    /// About how many tokens all of it is: by the server's last count where there is one.
    pub(crate) fn tokens(&self) -> u64 {
        let fixed: u64 = self.tools.iter().map(estimate_tool).sum::<u64>()
            + self.head().iter().map(estimate_message).sum::<u64>();
        let estimated = fixed + self.units.iter().map(Unit::tokens).sum::<u64>();
        let counted = self.units.iter().rposition(|unit| unit.counted.is_some());
        let by_count = counted.and_then(|position| {
            let (_, later) = self.units.split_at(position + 1);
            let count = self.units.get(position)?.counted?;
            Some(count + later.iter().map(Unit::tokens).sum::<u64>())
        });
        by_count.map_or(estimated, |count| count.max(estimated))
    }

    /// The question to the model.
    pub(crate) fn request(&self, situation: &Situation<'_>) -> llm::Request {
        let mut messages = self.head();
        let units = self.units.iter();
        messages.extend(units.flat_map(|unit| unit.messages.iter().cloned()));
        llm::Request {
            messages,
            tools: self.tools.clone(),
            temperature: situation.agent.temperature,
            max_tokens: situation.agent.model.max_tokens,
        }
    }

    fn head(&self) -> Vec<Message> {
        let mut head = vec![self.system.clone()];
        if let Some(summary) = &self.summary {
            let text = format!("[Summary of what happened before]\n{summary}");
            head.push(Message::new(Role::User, text));
        }
        head.extend(self.task.clone());
        head
    }
}

/// What stands before an assigned thread's own steps: earlier tasks of the agent, and this one.
fn beginning(situation: &Situation<'_>) -> Vec<Unit> {
    let Situation {
        transcript,
        thread: Some(thread),
        agent,
        ..
    } = situation
    else {
        return Vec::new();
    };
    let Some((asked, _)) = transcript.call(thread) else {
        return Vec::new();
    };
    let unit = |messages, is_task| Unit {
        through: asked.number,
        messages,
        is_task,
        counted: None,
    };
    let short = |text: &str| output::cut(text, REMINDER, |_, _| String::new()).into_owned();
    let mut earlier = Vec::new();
    for result in transcript.all().iter().rev().filter_map(result) {
        if earlier.len() >= REMEMBERED {
            break;
        }
        if result.tool != ASSIGN || result.state != CallState::Done {
            continue;
        }
        let assignment = builtin::assignment_of(transcript, &result.call_id);
        if let Some(assignment) = assignment.filter(|one| one.agent == agent.name) {
            let task = Message::new(Role::User, short(&assignment.task));
            let done = Message::new(Role::Assistant, short(&result.shown));
            earlier.push(unit(vec![task, done], false));
        }
    }
    earlier.reverse();
    let task = builtin::assignment_of(transcript, thread).map_or_else(String::new, |one| one.task);
    earlier.push(unit(vec![Message::new(Role::User, task)], true));
    earlier
}

fn result(step: &Step) -> Option<&crate::CallResult> {
    match &step.body {
        Body::Result(result) => Some(result),
        _ => None,
    }
}

/// The unit that a step begins, if it begins one.
fn unit(situation: &Situation<'_>, step: &Step) -> Option<Unit> {
    let mut unit = Unit {
        through: step.number,
        messages: Vec::new(),
        is_task: false,
        counted: None,
    };
    match &step.body {
        Body::User { text, .. } => {
            unit.is_task = situation.transcript.beginning() == Some(step);
            unit.messages.push(Message::new(Role::User, text));
        }
        Body::Notice { text } => {
            let text = format!("[Notice of the platform] {text}");
            unit.messages.push(Message::new(Role::User, text));
        }
        Body::Answer(answer) if step.agent.as_deref() == Some(&situation.agent.name) => {
            own(situation, answer, &mut unit);
        }
        Body::Answer(answer) if !answer.text.is_empty() && answer.calls.is_empty() => {
            // What another agent told the user is known; how it worked is its own business.
            let name = step.agent.as_deref().unwrap_or("Another agent");
            let text = format!("[{name} said to the user]\n{}", answer.text);
            unit.messages.push(Message::new(Role::User, text));
        }
        _ => return None,
    }
    (!unit.messages.is_empty()).then_some(unit)
}

/// An answer of the agent itself, with the results of its calls in the order of the calls.
fn own(situation: &Situation<'_>, answer: &Answer, unit: &mut Unit) {
    if answer.text.is_empty() && answer.calls.is_empty() {
        return;
    }
    let calls = answer.calls.iter().map(|call| ToolCall {
        id: call.id.clone(),
        name: call.tool.clone(),
        arguments: wire_arguments(&call.arguments),
    });
    unit.messages.push(Message {
        tool_calls: calls.collect(),
        ..Message::new(Role::Assistant, &answer.text)
    });
    let mut results = 0;
    for call in &answer.calls {
        let result = situation.transcript.all().iter().rev().find_map(|step| {
            let result = result(step).filter(|result| result.call_id == call.id)?;
            Some((step.number, result.shown.as_str()))
        });
        let (number, shown) = result.unwrap_or((unit.through, INTERRUPTED));
        unit.through = unit.through.max(number);
        results += estimate(shown);
        unit.messages.push(Message::tool_result(&call.id, shown));
    }
    if answer.state == MessageState::Complete && !answer.usage.estimated {
        unit.counted = Some(answer.usage.tokens() + results);
    }
}

/// What a model is told of a call that was interrupted.
pub(crate) const INTERRUPTED: &str = "The call was interrupted before its result was known. It \
    may have taken effect, wholly or partly, or not at all: look before you repeat it.";

/// Servers parse the arguments of earlier calls, and some fail on what is no JSON object. The
/// call's result says what was wrong.
fn wire_arguments(arguments: &str) -> String {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(arguments);
    match parsed.is_ok() && arguments.trim_start().starts_with('{') {
        true => arguments.to_owned(),
        false => "{}".to_owned(),
    }
}

/// The last answer of a thread, with its step.
pub(crate) fn last_answer<'a>(situation: &Situation<'a>) -> Option<(&'a Step, &'a Answer)> {
    let mut steps = situation.transcript.thread(situation.thread).rev();
    steps.find_map(|step| Some((step, transcript::answer(step)?)))
}
