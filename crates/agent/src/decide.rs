//! What an agent does next: a function of the transcript.

use crate::{
    Agent, Answer, Body, Call, Compaction, End, Limits, MessageState, Reason, Step, Team,
    Transcript, compaction,
    limits::RESTARTS,
    repetition::{self, Verdict},
    view::{self, View},
};

/// What the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Everybody.
    pub team: &'a Team,
    /// Whose turn it is.
    pub agent: &'a Agent,
    /// What happened so far.
    pub transcript: &'a Transcript,
    /// The call of `assign` that the agent works for; `None` in the turn itself.
    pub thread: Option<&'a str>,
    /// How many loops stand in one another here: 1 in the turn itself.
    pub depth: u32,
    /// The run's limits.
    pub limits: &'a Limits,
    /// Milliseconds since 1970.
    pub now: i64,
    /// Whether the server just refused the question because it is too long.
    pub overflowed: bool,
}

/// What an agent does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Ask the model.
    Ask {
        /// The question.
        request: llm::Request,
        /// About how many tokens it is.
        tokens: u64,
    },
    /// Carry these calls out, at once with one another: their results are wanted.
    Call(Vec<Call>),
    /// Have the older part summarised.
    Compact(Compaction),
    /// Tell the model something.
    Notice(String),
    /// It is over.
    Finish(End),
}

/// Decides.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Next {
    if let Some(end) = situation.transcript.ended() {
        return Next::Finish(end.clone());
    }
    if let Some((step, answer)) = view::last_answer(situation)
        && let Some(next) = after(situation, step, answer)
    {
        return next;
    }
    if let Some(end) = exhausted(situation) {
        return Next::Finish(end);
    }
    match repetition::look(situation.transcript, situation.thread) {
        Verdict::Fine => {}
        Verdict::Warn => return Next::Notice(REPEATING.to_owned()),
        Verdict::Stop => {
            let detail = "the model made the same calls again and again, with the same results";
            return Next::Finish(End::new(Reason::Looping, detail));
        }
    }
    ask(situation)
}

const REPEATING: &str = "You made the same calls with the same results several times. Doing it \
    again will not change anything: try another way, or end by saying what stands in the way.";

/// What an answer leads to, if not to another question.
fn after(situation: &Situation<'_>, step: &Step, answer: &Answer) -> Option<Next> {
    match answer.state {
        MessageState::Interrupted => return None,
        MessageState::Failed => {
            let fault = answer.fault.as_deref().unwrap_or("the model failed");
            return Some(Next::Finish(End::new(Reason::ModelFailed, fault)));
        }
        MessageState::Complete => {}
    }
    if answer.calls.is_empty() {
        let mut later = situation.transcript.thread(situation.thread);
        // A notice came after it: there is more to say.
        let goes_on = later
            .any(|later| later.number > step.number && matches!(later.body, Body::Notice { .. }));
        let end = || End::new(Reason::Completed, "the agent is done");
        return (!goes_on).then(|| Next::Finish(end()));
    }
    let without_result = |call: &&Call| situation.transcript.result_of(&call.id).is_none();
    let open: Vec<&Call> = answer.calls.iter().filter(without_result).collect();
    (!open.is_empty()).then(|| Next::Call(together(situation, &open)))
}

/// The first of these calls, and those after it that may run at once with it.
fn together(situation: &Situation<'_>, calls: &[&Call]) -> Vec<Call> {
    let offers = situation
        .team
        .offers(situation.agent, situation.depth, situation.limits.depth);
    let is_parallel = |call: &Call| {
        let offer = offers.iter().find(|offer| offer.name == call.tool);
        // What reaches no tool is in nobody's way.
        offer.is_none_or(|offer| offer.parallel)
    };
    let parallel = calls.iter().take_while(|call| is_parallel(call)).count();
    let group = calls.iter().take(parallel.max(1));
    group.map(|call| (*call).clone()).collect()
}

/// The limit that is reached, if one is.
fn exhausted(situation: &Situation<'_>) -> Option<End> {
    let Situation {
        agent,
        transcript,
        thread,
        limits,
        now,
        ..
    } = situation;
    let end = |reason, detail: String| Some(End::new(reason, detail));
    if transcript.is_stuck() {
        let detail = format!("the run was restarted {RESTARTS} times without getting on");
        return end(Reason::Restarts, detail);
    }
    let is_answer = |step: &&Step| matches!(step.body, Body::Answer(_) | Body::Compaction { .. });
    let answers = transcript.run().iter().filter(is_answer).count();
    if answers >= count(limits.steps) {
        let detail = format!("the limit of {} steps is reached", limits.steps);
        return end(Reason::StepLimit, detail);
    }
    let own = transcript.thread(*thread).filter(is_answer).count();
    if own >= count(agent.steps) {
        let detail = format!("{}'s limit of {} steps is reached", agent.name, agent.steps);
        return end(Reason::StepLimit, detail);
    }
    let usage = transcript.usage();
    if usage.tokens() >= limits.tokens {
        let detail = format!("the limit of {} tokens is reached", limits.tokens);
        return end(Reason::TokenLimit, detail);
    }
    if limits.cost.is_some_and(|most| usage.cost >= most) {
        return end(Reason::CostLimit, "the limit on cost is reached".to_owned());
    }
    if transcript.worked(*now) >= limits.time {
        return Some(out_of_time(limits));
    }
    None
}

/// The end of a run whose time is up.
pub(crate) fn out_of_time(limits: &Limits) -> End {
    let detail = format!("the limit of {} s is reached", limits.time.as_secs());
    End::new(Reason::TimeLimit, detail)
}

fn count(steps: u32) -> usize {
    usize::try_from(steps).unwrap_or(usize::MAX)
}

fn ask(situation: &Situation<'_>) -> Next {
    let view = View::of(situation);
    let tokens = view.tokens();
    let model = &situation.agent.model;
    if tokens > compaction::room(model) || situation.overflowed {
        if let Some(compaction) = compaction::plan(situation, &view) {
            return Next::Compact(compaction);
        }
        // What is counted may be more than what is there: the server says so if it is not.
        if tokens > model.window || situation.overflowed {
            let detail = "what the model has to be told does not fit into its window";
            return Next::Finish(End::new(Reason::ContextTooLong, detail));
        }
    }
    Next::Ask {
        request: view.request(situation),
        tokens,
    }
}

#[cfg(test)]
mod tests;
