//! A run's events as AG-UI has them.
//!
//! Invariant: where a run's events keep the rules of `agent::order`, these keep AG-UI's: what
//! begins ends once, no piece is empty, the run's start comes first and its end last.

use agent::{Event, Kind, Outcome};
use contracts::runtime::agent_chats::AgentEvent;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Renders the events of one run.
pub(super) struct Rendering {
    thread_id: String,
    run_id: String,
    /// How much of each message under way was told.
    told: BTreeMap<Uuid, usize>,
}

impl Rendering {
    pub(super) fn new(session: Uuid, run: Uuid) -> Self {
        Self {
            thread_id: session.to_string(),
            run_id: run.to_string(),
            told: BTreeMap::new(),
        }
    }

    /// The event in AG-UI's types; some have no place there.
    pub(super) fn events(&mut self, event: &Event) -> Vec<AgentEvent> {
        match &event.kind {
            Kind::RunStarted { .. } => vec![self.of_run("RUN_STARTED")],
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
                message_id, text, ..
            } => {
                let told = self.told.remove(message_id).unwrap_or_default();
                // A reader that came later was told less, or nothing.
                let rest = text.get(told..).filter(|rest| !rest.is_empty());
                let mut events: Vec<_> = rest
                    .map(|rest| piece(*message_id, rest))
                    .into_iter()
                    .collect();
                events.push(of_message("TEXT_MESSAGE_END", *message_id));
                events
            }
            Kind::ToolStarted {
                call_id,
                message_id,
                tool,
                arguments,
            } => {
                let arguments = arguments.to_string();
                vec![
                    AgentEvent {
                        message_id: Some(message_id.to_string()),
                        tool_name: Some(tool.clone()),
                        ..of_call("TOOL_CALL_START", call_id)
                    },
                    AgentEvent {
                        delta: Some(arguments),
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
            } => vec![AgentEvent {
                // The message that a model is given; it has no other number.
                message_id: Some(call_id.clone()),
                tool_name: Some(tool.clone()),
                result: Some(output.clone()),
                ..of_call("TOOL_CALL_RESULT", call_id)
            }],
            Kind::RunEnded {
                outcome: Outcome::Succeeded,
                output,
                ..
            } => vec![AgentEvent {
                output: Some(output.clone()),
                ..self.of_run("RUN_FINISHED")
            }],
            Kind::RunEnded { detail, output, .. } => vec![AgentEvent {
                output: Some(output.clone()).filter(|output| !output.is_empty()),
                error: Some(detail.clone()),
                ..self.of_run("RUN_ERROR")
            }],
            _ => Vec::new(),
        }
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

fn of_call(r#type: &'static str, call_id: &str) -> AgentEvent {
    AgentEvent {
        r#type,
        tool_call_id: Some(call_id.to_owned()),
        ..AgentEvent::default()
    }
}
