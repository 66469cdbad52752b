//! Notices a model that goes round in circles: the same calls with the same results.

use crate::{Body, CallState, Step, Transcript, limits, transcript::answer};
use domain::weight;

/// Rounds after which the model is warned.
pub(crate) const WARN: usize = 3;

/// Rounds after which it is stopped, if it was warned.
pub(crate) const STOP: usize = 5;

/// The most calls that one round has.
const ROUND: usize = 3;

/// What to do about a thread's last calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    Warn,
    Stop,
}

#[derive(PartialEq)]
struct Made {
    tool: String,
    arguments: String,
    state: CallState,
    shown: String,
}

/// Looks at the calls of a thread in this run.
pub(crate) fn look(transcript: &Transcript, thread: Option<&str>) -> Verdict {
    let steps: Vec<&Step> = transcript.thread(thread).collect();
    // More than the last ones do not matter.
    let newest = steps.iter().rev().flat_map(|step| {
        let calls = answer(step).map_or(&[][..], |answer| &answer.calls);
        calls.iter().rev().map(|call| (step.number, call))
    });
    let made = newest.filter_map(|(number, call)| {
        let result = transcript.result_of(&call.id)?;
        let made = Made {
            tool: call.tool.clone(),
            arguments: canonical(&call.arguments),
            state: result.state,
            // A shortened output names its own call.
            shown: result.shown.replace(&call.id, ""),
        };
        Some((number, made))
    });
    let mut calls: Vec<(u64, Made)> = made.take(STOP * ROUND).collect();
    calls.reverse();
    let (rounds, length) = (1..=ROUND)
        .map(|length| (rounds(&calls, length), length))
        .max_by_key(|(rounds, length)| (*rounds, std::cmp::Reverse(*length)))
        .unwrap_or_default();
    if rounds < WARN {
        return Verdict::Fine;
    }
    let first = calls.len().saturating_sub(rounds * length);
    let since = calls.get(first).map_or(0, |(number, _)| *number);
    let warned = steps
        .iter()
        .any(|step| step.number > since && matches!(step.body, Body::Notice { .. }));
    match (warned, rounds >= STOP) {
        (false, _) => Verdict::Warn,
        (true, true) => Verdict::Stop,
        (true, false) => Verdict::Fine,
    }
}

/// How often the last `length` calls stand at the end, one after the other.
fn rounds(calls: &[(u64, Made)], length: usize) -> usize {
    let mut chunks = calls.rchunks_exact(length);
    let Some(last) = chunks.next() else {
        return 0;
    };
    let same = |chunk: &&[(u64, Made)]| {
        let pairs = chunk.iter().zip(last);
        pairs.into_iter().all(|((_, one), (_, other))| one == other)
    };
    1 + chunks.take_while(same).count()
}

/// The arguments without regard to blanks.
fn canonical(arguments: &str) -> String {
    let value = weight::read(arguments.as_bytes(), limits::ARGUMENTS_WEIGHT);
    value.map_or_else(|_| arguments.to_owned(), |value| value.to_string())
}
