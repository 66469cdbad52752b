//! The rules of order that a run's events keep, as a check for tests.
//!
//! They are those of AG-UI: the run's start comes first and its end last; what begins ends once,
//! before the run does; a piece belongs to something that has begun and not ended.

use crate::{Event, Kind, MessageState, Reason};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How events break the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {position}: {fault}")]
pub struct Violation {
    /// The event at fault, counted from 0; the number of events, if one is missing at the end.
    pub position: usize,
    /// What is wrong.
    pub fault: String,
}

/// Whether a whole run's events keep the rules.
///
/// # Errors
/// The first [`Violation`].
pub fn check(events: &[Event]) -> Result<(), Violation> {
    let mut order = Order::default();
    for (position, event) in events.iter().enumerate() {
        order
            .take(event)
            .map_err(|fault| Violation { position, fault })?;
    }
    let fault = match order.phase {
        Phase::Ended => return Ok(()),
        Phase::Before => "the run did not begin",
        Phase::Running => "the run did not end",
    };
    Err(Violation {
        position: events.len(),
        fault: fault.to_owned(),
    })
}

#[derive(Default, PartialEq)]
enum Phase {
    #[default]
    Before,
    Running,
    Ended,
}

#[derive(Default)]
struct Order {
    phase: Phase,
    /// Messages under way, and what was said of them.
    messages: BTreeMap<Uuid, String>,
    ended_messages: BTreeSet<Uuid>,
    /// Calls under way, with their tool.
    calls: BTreeMap<String, String>,
    ended_calls: BTreeSet<String>,
    /// The last complete message of the turn itself.
    output: String,
}

type Fault = Result<(), String>;

impl Order {
    fn take(&mut self, event: &Event) -> Fault {
        match (&self.phase, &event.kind) {
            (Phase::Before, Kind::RunStarted { .. }) => {
                self.phase = Phase::Running;
                return Ok(());
            }
            (Phase::Before, _) => return Err("something came before the run's start".to_owned()),
            (Phase::Ended, _) => return Err("something came after the run's end".to_owned()),
            (Phase::Running, Kind::RunStarted { .. }) => {
                return Err("the run began twice".to_owned());
            }
            (Phase::Running, _) => {}
        }
        if let Some(thread) = &event.thread {
            // An agent's work lies between the start and the end of the call that asked for it.
            self.is_under_way(thread)?;
        }
        match &event.kind {
            Kind::MessageStarted { .. } | Kind::MessageDelta { .. } | Kind::MessageEnded { .. } => {
                self.message(event)
            }
            Kind::ToolStarted { call_id, tool, .. } => self.call_started(call_id, tool),
            Kind::ToolOutput { call_id, text, .. } => {
                not_empty(text)?;
                self.is_under_way(call_id)
            }
            Kind::FileChange { call_id, .. } => self.is_under_way(call_id),
            Kind::ToolEnded { call_id, tool, .. } => self.call_ended(call_id, tool),
            Kind::Reasoning { text, .. } => not_empty(text),
            Kind::RunEnded { reason, output, .. } => self.run_ended(*reason, output),
            _ => Ok(()),
        }
    }

    fn message(&mut self, event: &Event) -> Fault {
        if event.agent.is_none() {
            return Err("a message is nobody's".to_owned());
        }
        match &event.kind {
            Kind::MessageStarted { message_id } => self.message_started(*message_id),
            Kind::MessageDelta { message_id, text } => {
                not_empty(text)?;
                let said = self.messages.get_mut(message_id);
                said.ok_or_else(|| not_under_way(message_id))?
                    .push_str(text);
                Ok(())
            }
            Kind::MessageEnded {
                message_id,
                text,
                state,
            } => {
                let said = self.messages.remove(message_id);
                let said = said.ok_or_else(|| not_under_way(message_id))?;
                self.ended_messages.insert(*message_id);
                if *state != MessageState::Complete {
                    return Ok(());
                }
                // A reader that came later is told the end of the pieces only, or none.
                if !text.ends_with(&said) {
                    return Err(format!("message {message_id} is not what its pieces were"));
                }
                if event.thread.is_none() {
                    self.output.clone_from(text);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn message_started(&mut self, message_id: Uuid) -> Fault {
        let is_known = self.ended_messages.contains(&message_id);
        if is_known || self.messages.insert(message_id, String::new()).is_some() {
            return Err(format!("message {message_id} began twice"));
        }
        Ok(())
    }

    fn call_started(&mut self, call_id: &str, tool: &str) -> Fault {
        let known = self.ended_calls.contains(call_id) || self.calls.contains_key(call_id);
        if known {
            return Err(format!("call {call_id} began twice"));
        }
        self.calls.insert(call_id.to_owned(), tool.to_owned());
        Ok(())
    }

    fn call_ended(&mut self, call_id: &str, tool: &str) -> Fault {
        match self.calls.remove(call_id) {
            None => return Err(format!("call {call_id} is not under way")),
            Some(started) if started != tool => {
                return Err(format!(
                    "call {call_id} began as {started} and ended as {tool}"
                ));
            }
            Some(_) => {}
        }
        self.ended_calls.insert(call_id.to_owned());
        Ok(())
    }

    fn is_under_way(&self, call_id: &str) -> Fault {
        match self.calls.contains_key(call_id) {
            true => Ok(()),
            false => Err(format!("call {call_id} is not under way")),
        }
    }

    fn run_ended(&mut self, reason: Reason, output: &str) -> Fault {
        if let Some(message) = self.messages.keys().next() {
            return Err(format!("message {message} did not end before the run"));
        }
        if let Some(call) = self.calls.keys().next() {
            return Err(format!("call {call} did not end before the run"));
        }
        if output != self.output {
            return Err(format!(
                "the output of a run that ended by {reason:?} is not its last message"
            ));
        }
        self.phase = Phase::Ended;
        Ok(())
    }
}

fn not_under_way(message_id: &Uuid) -> String {
    format!("message {message_id} is not under way")
}

fn not_empty(text: &str) -> Fault {
    match text.is_empty() {
        true => Err("an empty increment".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
