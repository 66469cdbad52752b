//! What happens in a session, in the words of Codex's own protocol: the `payload` of a frame of
//! type `event`.
//!
//! One event of the domain is exactly one of these, so that the numbers of both are the same.
//! What Codex has no word for is a `background_event`, which its readers pass over. A turn ends
//! with exactly one of `task_complete`, `turn_aborted` and `error`. Members that Codex does not
//! have (`turn_id`, `message_id`, `agent`, `code`) stand beside those that it has.

mod tools;

use domain::{
    ChangeKind, Event, MessageEvent, Sender,
    event::{
        ApprovalEvent, ApprovalSubject, Decision, FileEdit, PlanStep, RunEnded, RunOutcome,
        TokenCount, UndoEvent, UndoPhase, UsageEvent, WebSearchEvent,
    },
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload<'a> {
    /// A turn began.
    TaskStarted {
        /// The run.
        turn_id: Uuid,
        /// Told with the counts of tokens, where it is known.
        model_context_window: Option<u64>,
    },
    /// A turn did what it was to do.
    TaskComplete {
        /// The run.
        turn_id: Uuid,
        /// What the agent said last.
        last_agent_message: Option<&'a str>,
    },
    /// A turn was stopped.
    TurnAborted {
        /// The run.
        turn_id: Uuid,
        /// Always `interrupted`.
        reason: &'static str,
    },
    /// A turn failed.
    Error {
        /// The run.
        turn_id: Uuid,
        /// Why, in a sentence.
        message: &'a str,
        /// The same in one word.
        code: &'a str,
    },
    /// Something that ends nothing.
    Warning {
        /// What it is, in a sentence.
        message: &'a str,
        /// The same in one word.
        code: &'a str,
    },
    /// What Codex has no word for.
    BackgroundEvent(Background<'a>),
    /// What the user said.
    UserMessage {
        /// The words.
        message: &'a str,
        /// Always `plain`.
        kind: &'static str,
        /// Which message.
        message_id: Uuid,
    },
    /// What the agent said, as a whole.
    AgentMessage {
        /// The words.
        message: &'a str,
        /// Which message.
        message_id: Uuid,
        /// Who said it.
        agent: Option<&'a str>,
    },
    /// The next piece of it.
    AgentMessageDelta {
        /// The words.
        delta: &'a str,
        /// Which message.
        message_id: Uuid,
        /// Who says it.
        agent: Option<&'a str>,
    },
    /// The next piece of what the model thinks.
    AgentReasoningDelta {
        /// The words.
        delta: &'a str,
        /// The message that comes of it.
        message_id: Uuid,
    },
    /// How many tokens were used.
    TokenCount {
        /// The counts.
        info: TokenInfo,
        /// Nothing is known of them.
        rate_limits: Option<()>,
    },
    /// A command is run.
    ExecCommandBegin(tools::ExecBegin<'a>),
    /// It put something out.
    ExecCommandOutputDelta(tools::ExecOutput<'a>),
    /// It ended.
    ExecCommandEnd(tools::ExecEnd<'a>),
    /// Another tool is called.
    McpToolCallBegin(tools::CallBegin<'a>),
    /// It is done.
    McpToolCallEnd(tools::CallEnd<'a>),
    /// The call of a tool that has events of its own, as the model made it.
    RawResponseItem {
        /// The call, or its output.
        item: tools::Item<'a>,
    },
    /// May this command be run?
    ExecApprovalRequest {
        /// By which it is decided.
        call_id: &'a str,
        /// Its words.
        command: &'a [String],
        /// Where.
        cwd: &'a str,
        /// Why it is asked.
        reason: Option<&'a str>,
        /// The same words as one.
        parsed_cmd: [tools::Parsed; 1],
    },
    /// May these files be changed?
    ApplyPatchApprovalRequest {
        /// By which it is decided.
        call_id: &'a str,
        /// How, by path.
        changes: Changes<'a>,
        /// Why it is asked.
        reason: Option<&'a str>,
        /// Nothing is granted beyond these files.
        grant_root: Option<()>,
    },
    /// A patch is about to be applied.
    PatchApplyBegin {
        /// The call, or the submission.
        call_id: &'a str,
        /// Whether nobody had to be asked.
        auto_approved: bool,
        /// How, by path.
        changes: Changes<'a>,
    },
    /// It was applied, or was not.
    PatchApplyEnd {
        /// The call, or the submission.
        call_id: &'a str,
        /// The files that it changed.
        stdout: &'a str,
        /// Why it did not.
        stderr: &'a str,
        /// Whether it did.
        success: bool,
    },
    /// What the turn has changed up to now.
    TurnDiff {
        /// All files in one.
        unified_diff: &'a str,
        /// Whether that is not all.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
    },
    /// How the agent means to go on.
    PlanUpdate {
        /// Why it changed.
        explanation: Option<&'a str>,
        /// The steps.
        plan: &'a [PlanStep],
    },
    /// The web is searched.
    WebSearchBegin {
        /// The call.
        call_id: &'a str,
    },
    /// It was.
    WebSearchEnd {
        /// The call.
        call_id: &'a str,
        /// What for.
        query: &'a str,
    },
    /// The files go back.
    UndoStarted {
        /// In a sentence.
        message: Option<&'a str>,
    },
    /// They are back, or are not.
    UndoCompleted {
        /// Whether they are.
        success: bool,
        /// In a sentence.
        message: Option<&'a str>,
    },
}

/// Changes by path.
pub type Changes<'a> = BTreeMap<&'a str, FileChange<'a>>;

/// What becomes of a file.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FileChange<'a> {
    /// It is made, or written anew.
    Add {
        /// All of it.
        content: &'a str,
    },
    /// It is removed.
    Delete {
        /// What was in it.
        content: &'a str,
    },
    /// It is changed.
    Update {
        /// How.
        unified_diff: &'a str,
        /// Its new path, if it moves.
        move_path: Option<&'a str>,
    },
}

/// What Codex has no word for.
#[derive(Debug, Serialize)]
pub struct Background<'a> {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ChangeKind>,
}

/// Counts of tokens.
#[derive(Debug, Serialize)]
pub struct TokenInfo {
    total_token_usage: TokenUsage,
    last_token_usage: TokenUsage,
    model_context_window: Option<u64>,
}

#[derive(Debug, Serialize)]
struct TokenUsage {
    input_tokens: u64,
    cached_input_tokens: u64,
    output_tokens: u64,
    reasoning_output_tokens: u64,
    total_tokens: u64,
}

/// An event in Codex's words.
#[must_use]
pub fn payload(event: &Event) -> Payload<'_> {
    match event {
        Event::Message(message) => of_message(message),
        Event::Status(status) => Payload::BackgroundEvent(Background {
            code: Some(&status.status),
            agent: status.agent.as_deref(),
            ..background(status.detail.as_ref().unwrap_or(&status.status))
        }),
        Event::ToolCall(call) => tools::of_call(call),
        Event::FileChange(change) => of_file(change),
        Event::Warning(warning) => Payload::Warning {
            message: &warning.text,
            code: &warning.code,
        },
        Event::RunStarted(run) => Payload::TaskStarted {
            turn_id: run.run_id,
            model_context_window: None,
        },
        Event::RunEnded(run) => of_end(run),
        Event::Reasoning(reasoning) => Payload::AgentReasoningDelta {
            delta: &reasoning.content,
            message_id: reasoning.message_id,
        },
        Event::Usage(usage) => Payload::TokenCount {
            info: of_usage(usage),
            rate_limits: None,
        },
        Event::ApprovalRequested(request) => of_request(request),
        Event::ApprovalDecided(decided) => Payload::BackgroundEvent(Background {
            call_id: Some(&decided.call_id),
            decision: Some(decided.decision),
            ..background(match decided.decision {
                Decision::Approved => "It was approved",
                Decision::ApprovedForSession => "It was approved for the rest of the session",
                Decision::Denied => "It was denied",
                Decision::TimedOut => "Nobody decided in time: it was denied",
                Decision::Withdrawn => "The turn was cut off: nothing waits for it any more",
            })
        }),
        Event::PatchBegun(patch) => Payload::PatchApplyBegin {
            call_id: &patch.call_id,
            auto_approved: patch.auto_approved,
            changes: of_edits(&patch.changes),
        },
        Event::PatchEnded(patch) => {
            let (stdout, stderr) = match patch.success {
                true => (patch.output.as_str(), ""),
                false => ("", patch.output.as_str()),
            };
            Payload::PatchApplyEnd {
                call_id: &patch.call_id,
                stdout,
                stderr,
                success: patch.success,
            }
        }
        Event::TurnDiff(diff) => Payload::TurnDiff {
            unified_diff: &diff.unified_diff,
            truncated: diff.truncated,
        },
        Event::Plan(plan) => Payload::PlanUpdate {
            explanation: plan.explanation.as_deref(),
            plan: &plan.plan,
        },
        Event::WebSearch(search) => of_search(search),
        Event::Undo(undo) => of_undo(undo),
        Event::WorkflowLocked(_)
        | Event::WorkflowUnlocked(_)
        | Event::ExecutionProgress(_)
        | Event::OfSession(_) => {
            Payload::BackgroundEvent(background("Something happened to a workflow"))
        }
    }
}

fn of_file(change: &domain::FileChange) -> Payload<'_> {
    let done = match change.kind {
        ChangeKind::Created => "created",
        ChangeKind::Modified => "modified",
        ChangeKind::Deleted => "deleted",
    };
    Payload::BackgroundEvent(Background {
        path: Some(&change.path),
        kind: Some(change.kind),
        ..background(format!("{} was {done}", change.path))
    })
}

fn background<'a>(message: impl Into<String>) -> Background<'a> {
    Background {
        message: message.into(),
        code: None,
        agent: None,
        call_id: None,
        decision: None,
        path: None,
        kind: None,
    }
}

fn of_message(message: &MessageEvent) -> Payload<'_> {
    let (text, message_id) = (message.content.as_str(), message.message_id);
    let agent = message.agent.as_deref();
    match (message.sender, message.last) {
        (Sender::User, _) => Payload::UserMessage {
            message: text,
            kind: "plain",
            message_id,
        },
        (Sender::System, _) => Payload::BackgroundEvent(background(text)),
        (Sender::Agent, true) => Payload::AgentMessage {
            message: text,
            message_id,
            agent,
        },
        (Sender::Agent, false) => Payload::AgentMessageDelta {
            delta: text,
            message_id,
            agent,
        },
    }
}

fn of_end(run: &RunEnded) -> Payload<'_> {
    let turn_id = run.run_id;
    match run.outcome {
        RunOutcome::Succeeded => Payload::TaskComplete {
            turn_id,
            last_agent_message: Some(run.output.as_str()).filter(|said| !said.is_empty()),
        },
        RunOutcome::Cancelled => Payload::TurnAborted {
            turn_id,
            reason: "interrupted",
        },
        RunOutcome::Failed => Payload::Error {
            turn_id,
            message: &run.detail,
            code: &run.reason,
        },
    }
}

fn of_usage(usage: &UsageEvent) -> TokenInfo {
    let tokens = |count: TokenCount| TokenUsage {
        input_tokens: count.input,
        cached_input_tokens: 0,
        output_tokens: count.output,
        reasoning_output_tokens: 0,
        total_tokens: count.input.saturating_add(count.output),
    };
    TokenInfo {
        total_token_usage: tokens(usage.total),
        last_token_usage: tokens(usage.last),
        model_context_window: usage.window,
    }
}

fn of_request(request: &ApprovalEvent) -> Payload<'_> {
    let (call_id, reason) = (request.call_id.as_str(), request.reason.as_deref());
    match &request.subject {
        ApprovalSubject::Command { command, cwd } => Payload::ExecApprovalRequest {
            call_id,
            command,
            cwd,
            reason,
            parsed_cmd: [tools::Parsed::of(command.join(" "))],
        },
        ApprovalSubject::Patch { changes } => Payload::ApplyPatchApprovalRequest {
            call_id,
            changes: of_edits(changes),
            reason,
            grant_root: None,
        },
    }
}

fn of_edits(edits: &[FileEdit]) -> Changes<'_> {
    edits.iter().map(of_edit).collect()
}

fn of_edit(edit: &FileEdit) -> (&str, FileChange<'_>) {
    match edit {
        FileEdit::Add { path, content } => (path, FileChange::Add { content }),
        FileEdit::Delete { path, content } => (path, FileChange::Delete { content }),
        FileEdit::Update {
            path,
            unified_diff,
            move_path,
        } => {
            let move_path = move_path.as_deref();
            let update = FileChange::Update {
                unified_diff,
                move_path,
            };
            (path, update)
        }
    }
}

fn of_search(search: &WebSearchEvent) -> Payload<'_> {
    let call_id = search.call_id.as_str();
    match search.done {
        false => Payload::WebSearchBegin { call_id },
        true => Payload::WebSearchEnd {
            call_id,
            query: &search.query,
        },
    }
}

fn of_undo(undo: &UndoEvent) -> Payload<'_> {
    let message = undo.detail.as_deref();
    match undo.phase {
        UndoPhase::Started => Payload::UndoStarted { message },
        UndoPhase::Succeeded | UndoPhase::Failed => Payload::UndoCompleted {
            success: undo.phase == UndoPhase::Succeeded,
            message,
        },
    }
}

/// A member of a JSON object that is a text.
fn text_of<'a>(value: Option<&'a Value>, member: &str) -> Option<&'a str> {
    value?.get(member)?.as_str()
}

#[cfg(test)]
mod tests;
