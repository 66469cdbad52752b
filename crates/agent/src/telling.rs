//! What readers are told of a stored step: a function of the transcript, so that it can be told
//! again to a reader that missed it.

use crate::{
    Answer, Batch, Body, Event, Gone, Kind, Outcome, Reader, Step, Transcript,
    builtin::{ASSIGN, assignment},
};

/// The longest task that a status repeats.
const TASK: usize = 200;

/// The events of a step of the transcript's run. None for steps that are nobody's business.
#[must_use]
pub fn events_of(transcript: &Transcript, step: &Step) -> Vec<Event> {
    let agent = match &step.body {
        // The end is nobody's step: it is told as that of whoever was to answer.
        Body::Ended(_) => transcript.beginning().unwrap_or(step).agent.as_ref(),
        _ => step.agent.as_ref(),
    };
    let event = |kind| Event {
        agent: agent.cloned(),
        thread: step.thread.clone(),
        kind,
    };
    kinds(transcript, step).into_iter().map(event).collect()
}

/// The same as one batch; nothing for steps that are nobody's business.
pub(crate) fn batch_of(transcript: &Transcript, step: &Step) -> Option<Batch> {
    let events = events_of(transcript, step);
    let step = Some(step.number);
    (!events.is_empty()).then_some(Batch { step, events })
}

/// Tells a reader of the run's steps after step `seen`.
///
/// # Errors
/// The reader has gone.
pub async fn retell(transcript: &Transcript, seen: u64, reader: &dyn Reader) -> Result<(), Gone> {
    let unseen = transcript.run().iter().filter(|step| step.number > seen);
    for batch in unseen.filter_map(|step| batch_of(transcript, step)) {
        reader.tell(batch).await?;
    }
    Ok(())
}

fn kinds(transcript: &Transcript, step: &Step) -> Vec<Kind> {
    match &step.body {
        Body::User {
            run_id,
            message_id,
            text,
        } => vec![
            Kind::RunStarted { run_id: *run_id },
            Kind::UserMessage {
                message_id: *message_id,
                text: text.clone(),
            },
            status("working", None),
        ],
        Body::Started { message_id, .. } => vec![Kind::MessageStarted {
            message_id: *message_id,
        }],
        Body::Answer(answer) => answered(answer),
        Body::Result(result) => {
            let mut kinds = vec![Kind::ToolEnded {
                call_id: result.call_id.clone(),
                tool: result.tool.clone(),
                state: result.state,
                output: result.shown.clone(),
                size: result.size,
                detail: result.detail.clone(),
                duration_ms: result.duration_ms,
            }];
            if result.tool == ASSIGN && result.state == crate::CallState::Done {
                kinds.push(status("reviewing", None));
            }
            kinds
        }
        Body::Compaction { through, usage, .. } => vec![
            Kind::Usage { usage: *usage },
            Kind::Compacted { through: *through },
        ],
        Body::Notice { text } => vec![Kind::Warning {
            code: "notice".to_owned(),
            text: text.clone(),
        }],
        Body::Ended(end) => {
            let output = transcript.output();
            let outcome = end.reason.outcome();
            let word = match outcome {
                Outcome::Succeeded => "finished",
                Outcome::Failed => "failed",
                Outcome::Cancelled => "interrupted",
            };
            vec![
                status(word, Some(end.detail.clone())),
                Kind::RunEnded {
                    outcome,
                    reason: end.reason,
                    detail: end.detail.clone(),
                    message_id: output.map(|answer| answer.message_id),
                    output: output.map_or_else(String::new, |answer| answer.text.clone()),
                    usage: transcript.usage(),
                },
            ]
        }
        Body::Paused | Body::Resumed => Vec::new(),
    }
}

fn answered(answer: &Answer) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if answer.started {
        kinds.push(Kind::MessageEnded {
            message_id: answer.message_id,
            text: answer.text.clone(),
            state: answer.state,
        });
    }
    kinds.push(Kind::Usage {
        usage: answer.usage,
    });
    for call in &answer.calls {
        if call.tool == ASSIGN
            && let Some(assignment) = assignment(&call.arguments)
        {
            let task: String = assignment.task.chars().take(TASK).collect();
            let detail = format!("{}: {task}", assignment.agent);
            kinds.push(status("assigned", Some(detail)));
        }
        kinds.push(Kind::ToolStarted {
            call_id: call.id.clone(),
            message_id: answer.message_id,
            tool: call.tool.clone(),
            arguments: call.arguments_for_readers(),
        });
    }
    kinds
}

fn status(word: &str, detail: Option<String>) -> Kind {
    Kind::Status {
        status: word.to_owned(),
        detail,
    }
}
