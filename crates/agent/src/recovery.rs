//! What is missing in a transcript that was cut off, by a crash or on purpose.

use crate::{
    Answer, Body, CallResult, CallState, MessageState, Step, Transcript, Usage, builtin::ASSIGN,
    transcript::answer, usage::estimate, view::INTERRUPTED,
};
use std::collections::BTreeSet;

/// What becomes of the work that was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignments {
    /// They are worked on from where they are.
    GoOn,
    /// They end, too.
    End,
}

/// A step that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose step it is.
    pub agent: Option<String>,
    /// The thread that it belongs to.
    pub thread: Option<String>,
    /// The step.
    pub body: Body,
}

/// The steps that close what is open in the run: messages that were being written, and calls
/// whose result nobody knows. Stored in this order they leave nothing open, the inner before the
/// outer. A call is not repeated: its result is that it was interrupted. Only a run that was put
/// down in good order goes on without: its open calls were not begun.
#[must_use]
pub fn missing(transcript: &Transcript, assignments: Assignments) -> Vec<Missing> {
    let run = transcript.run();
    let is_paused = run.last().is_some_and(|step| step.body == Body::Paused);
    if is_paused && assignments == Assignments::GoOn {
        return Vec::new();
    }
    let results: BTreeSet<&str> = run.iter().filter_map(result_id).collect();
    let answered: BTreeSet<_> = run
        .iter()
        .filter_map(answer)
        .map(|answer| answer.message_id)
        .collect();
    let of = |step: &Step, body| Missing {
        agent: step.agent.clone(),
        thread: step.thread.clone(),
        body,
    };
    let mut missing = Vec::new();
    for step in run {
        if let Body::Started {
            message_id,
            draft,
            asked,
            prices,
        } = &step.body
            && !answered.contains(message_id)
        {
            let cut_off = Answer {
                message_id: *message_id,
                started: true,
                text: draft.clone(),
                calls: Vec::new(),
                state: MessageState::Interrupted,
                fault: Some("the message was interrupted".to_owned()),
                usage: Usage::new(*asked, estimate(draft), *prices, true),
            };
            missing.push(of(step, Body::Answer(cut_off)));
        }
    }
    // What was handed on comes later in the transcript than the call that did so.
    for (step, answer) in run
        .iter()
        .rev()
        .filter_map(|step| Some((step, answer(step)?)))
    {
        for call in &answer.calls {
            let goes_on = assignments == Assignments::GoOn && call.tool == ASSIGN;
            if goes_on || results.contains(call.id.as_str()) {
                continue;
            }
            let interrupted = CallResult {
                call_id: call.id.clone(),
                tool: call.tool.clone(),
                state: CallState::Interrupted,
                shown: INTERRUPTED.to_owned(),
                size: 0,
                detail: None,
                duration_ms: 0,
            };
            missing.push(of(step, Body::Result(interrupted)));
        }
    }
    missing
}

fn result_id(step: &Step) -> Option<&str> {
    match &step.body {
        Body::Result(result) => Some(&result.call_id),
        _ => None,
    }
}
