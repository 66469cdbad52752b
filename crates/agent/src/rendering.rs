//! A run's events in the words that every contract's frames are made from, where one fits.

use crate::{Event, Kind, Usage};
use domain::{
    MessageEvent, MessageStatus, Sender, StatusEvent, ToolCallEvent, ToolPhase,
    event::{ReasoningEvent, RunEnded, RunStarted, TokenCount, UsageEvent, WarningEvent},
};
use serde_json::{Value, json};
use uuid::Uuid;

impl Event {
    /// The event of `run` in the words of `domain`, if there are any.
    #[must_use]
    pub fn to_domain(&self, run: Uuid) -> Option<domain::Event> {
        Some(match &self.kind {
            Kind::RunStarted { run_id } => {
                domain::Event::RunStarted(RunStarted { run_id: *run_id })
            }
            Kind::UserMessage { message_id, text } => domain::Event::Message(MessageEvent {
                message_id: *message_id,
                sender: Sender::User,
                agent: None,
                content: text.clone(),
                last: true,
                status: Some(MessageStatus::Complete),
            }),
            Kind::Reasoning { message_id, text } => domain::Event::Reasoning(ReasoningEvent {
                message_id: *message_id,
                content: text.clone(),
            }),
            Kind::MessageDelta { message_id, text } => self.message(*message_id, text, None),
            Kind::MessageEnded {
                message_id,
                text,
                state,
            } => self.message(*message_id, text, Some((*state).into())),
            Kind::Status { status, detail } => self.status(status, detail.clone()),
            Kind::Warning { code, text } => domain::Event::Warning(WarningEvent {
                code: code.clone(),
                agent: self.agent.clone(),
                text: text.clone(),
            }),
            Kind::FileChange { change, .. } => domain::Event::FileChange(change.clone()),
            Kind::Room { event } => event.clone(),
            Kind::Usage { usage } => domain::Event::Usage(counted(*usage)),
            Kind::RunEnded {
                outcome,
                reason,
                detail,
                output,
                ..
            } => domain::Event::RunEnded(RunEnded {
                run_id: run,
                outcome: *outcome,
                reason: reason.as_str().to_owned(),
                detail: detail.clone(),
                output: output.clone(),
            }),
            _ => domain::Event::ToolCall(self.tool_call()?),
        })
    }

    /// A piece of a message; with a status, all of it.
    fn message(
        &self,
        message_id: Uuid,
        content: &str,
        status: Option<MessageStatus>,
    ) -> domain::Event {
        domain::Event::Message(MessageEvent {
            message_id,
            sender: Sender::Agent,
            agent: self.agent.clone(),
            content: content.to_owned(),
            last: status.is_some(),
            status,
        })
    }

    fn status(&self, status: &str, detail: Option<String>) -> domain::Event {
        domain::Event::Status(StatusEvent {
            status: status.to_owned(),
            agent: self.agent.clone(),
            detail,
        })
    }

    fn tool_call(&self) -> Option<ToolCallEvent> {
        let (call_id, tool, phase, arguments, result) = match &self.kind {
            Kind::ToolStarted {
                call_id,
                tool,
                arguments,
                ..
            } => (
                call_id,
                tool,
                ToolPhase::Started,
                Some(arguments.clone()),
                None,
            ),
            Kind::ToolOutput {
                call_id,
                tool,
                text,
            } => {
                let text = Value::String(text.clone());
                (call_id, tool, ToolPhase::Output, None, Some(text))
            }
            Kind::ToolEnded {
                call_id,
                tool,
                state,
                output,
                detail,
                ..
            } => {
                let result = json!({"status": state, "output": output, "detail": detail});
                (call_id, tool, ToolPhase::Ended, None, Some(result))
            }
            _ => return None,
        };
        Some(ToolCallEvent {
            tool_call_id: call_id.clone(),
            agent: self.agent.clone(),
            tool: tool.clone(),
            phase,
            arguments,
            result,
        })
    }
}

/// An answer's tokens. What the session took before, and what fits into the model, is added by those
/// who know it.
fn counted(usage: Usage) -> UsageEvent {
    let last = TokenCount {
        input: usage.input,
        output: usage.output,
    };
    UsageEvent {
        last,
        total: last,
        window: None,
    }
}
