//! A run's events as AG-UI has them.
//!
//! Invariant: where a run's events keep the rules of `agent::order`, these keep AG-UI's: what
//! begins ends once, no piece is empty, the run's start comes first and its end last.

use agent::{Event, Kind, Outcome};
use contracts::{Usage, runtime::agent_chats::AgentEvent};
use domain::MessageStatus;
use std::{collections::BTreeMap, mem};
use uuid::Uuid;

/// What came of a call of which nothing more is told.
const UNKNOWN: &str = "It is not known what came of it";

/// Renders the events of one run.
pub(super) struct Rendering {
    thread_id: String,
    run_id: String,
    /// Whether the run's start was told.
    begun: bool,
    /// How much of each message under way was told.
    told: BTreeMap<Uuid, usize>,
    /// The calls that have no result yet, with their tools.
    calls: BTreeMap<String, String>,
}

impl Rendering {
    pub(super) fn new(session: Uuid, run: Uuid) -> Self {
        Self {
            thread_id: session.to_string(),
            run_id: run.to_string(),
            begun: false,
            told: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    /// The events in AG-UI's types; some have no place there.
    pub(super) fn all(&mut self, events: &[Event]) -> Vec<AgentEvent> {
        let events = events.iter();
        events.flat_map(|event| self.events(event)).collect()
    }

    fn events(&mut self, event: &Event) -> Vec<AgentEvent> {
        match &event.kind {
            Kind::RunStarted { .. } => {
                self.begun = true;
                vec![self.of_run("RUN_STARTED")]
            }
            Kind::MessageStarted { message_id } => {
                self.told.insert(*message_id, 0);
                vec![of_message("TEXT_MESSAGE_START", *message_id)]
            }
            Kind::MessageDelta { message_id, text } => {
                let told = self.told.entry(*message_id).or_default();
                *told += text.len();
                vec![piece(*message_id, text)]
            }
            Kind::MessageEnded {
                message_id,
                text,
                state,
            } => self.ended(*message_id, text, (*state).into()),
            Kind::ToolStarted {
                call_id,
                message_id,
                tool,
                arguments,
            } => {
                self.calls.insert(call_id.clone(), tool.clone());
                vec![
                    AgentEvent {
                        message_id: Some(message_id.to_string()),
                        tool_name: Some(tool.clone()),
                        ..of_call("TOOL_CALL_START", call_id)
                    },
                    AgentEvent {
                        delta: Some(arguments.to_string()),
                        ..of_call("TOOL_CALL_ARGS", call_id)
                    },
                    of_call("TOOL_CALL_END", call_id),
                ]
            }
            Kind::ToolEnded {
                call_id,
                tool,
                output,
                ..
            } => {
                self.calls.remove(call_id);
                vec![result(call_id, tool, output)]
            }
            Kind::RunEnded {
                outcome: Outcome::Succeeded,
                output,
                usage,
                ..
            } => vec![AgentEvent {
                output: Some(output.clone()),
                usage: Some(taken(*usage)),
                ..self.of_run("RUN_FINISHED")
            }],
            Kind::RunEnded {
                detail,
                output,
                usage,
                ..
            } => vec![AgentEvent {
                output: Some(output.clone()).filter(|output| !output.is_empty()),
                error: Some(detail.clone()),
                usage: Some(taken(*usage)),
                ..self.of_run("RUN_ERROR")
            }],
            _ => Vec::new(),
        }
    }

    /// The end of a message, and before it what was not told of its text.
    fn ended(&mut self, message_id: Uuid, text: &str, status: MessageStatus) -> Vec<AgentEvent> {
        let told = self.told.remove(&message_id).unwrap_or_default();
        // A reader that came later was told less, or nothing.
        let rest = text.get(told..).filter(|rest| !rest.is_empty());
        let mut events: Vec<_> = rest
            .map(|rest| piece(message_id, rest))
            .into_iter()
            .collect();
        events.push(AgentEvent {
            status: Some(status.as_str()),
            ..of_message("TEXT_MESSAGE_END", message_id)
        });
        events
    }

    /// The end of a run of which nothing more can be told, and before it the ends of all that is
    /// open.
    pub(super) fn broken_off(&mut self, why: &str) -> Vec<AgentEvent> {
        let mut events = Vec::new();
        if !mem::replace(&mut self.begun, true) {
            events.push(self.of_run("RUN_STARTED"));
        }
        let messages = mem::take(&mut self.told).into_keys();
        events.extend(messages.map(|message| of_message("TEXT_MESSAGE_END", message)));
        let calls = mem::take(&mut self.calls);
        let calls = calls.iter();
        events.extend(calls.map(|(call_id, tool)| result(call_id, tool, UNKNOWN)));
        events.push(AgentEvent {
            error: Some(why.to_owned()),
            ..self.of_run("RUN_ERROR")
        });
        events
    }

    fn of_run(&self, r#type: &'static str) -> AgentEvent {
        AgentEvent {
            r#type,
            thread_id: Some(self.thread_id.clone()),
            run_id: Some(self.run_id.clone()),
            ..AgentEvent::default()
        }
    }
}

fn taken(usage: agent::Usage) -> Usage {
    domain::Usage::from(usage).into()
}

fn of_message(r#type: &'static str, message_id: Uuid) -> AgentEvent {
    AgentEvent {
        r#type,
        message_id: Some(message_id.to_string()),
        ..AgentEvent::default()
    }
}

fn piece(message_id: Uuid, text: &str) -> AgentEvent {
    AgentEvent {
        delta: Some(text.to_owned()),
        ..of_message("TEXT_MESSAGE_CONTENT", message_id)
    }
}

fn result(call_id: &str, tool: &str, output: &str) -> AgentEvent {
    AgentEvent {
        // The message that a model is given; it has no other number.
        message_id: Some(call_id.to_owned()),
        tool_name: Some(tool.to_owned()),
        result: Some(output.to_owned()),
        ..of_call("TOOL_CALL_RESULT", call_id)
    }
}

fn of_call(r#type: &'static str, call_id: &str) -> AgentEvent {
    AgentEvent {
        r#type,
        tool_call_id: Some(call_id.to_owned()),
        ..AgentEvent::default()
    }
}
