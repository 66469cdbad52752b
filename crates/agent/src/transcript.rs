//! What happened so far: the steps of earlier runs, and those of this one.

use crate::{
    Answer, Body, Call, CallResult, End, Step, Usage,
    limits::RESTARTS,
    step::{CallState, MessageState},
};
use std::time::Duration;

/// A session's transcript up to now. Its last run begins with [`Body::User`].
#[derive(Clone, Debug)]
pub struct Transcript {
    steps: Vec<Step>,
    /// Where the run begins.
    start: usize,
}

/// The steps are no transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// The run has no steps, or does not begin with the user's message.
    #[error("the run does not begin with the user's message")]
    NoBeginning,
    /// The steps' numbers do not rise.
    #[error("the steps are not in order")]
    Disorder,
}

impl Transcript {
    /// The transcript of a run, and of those `earlier` in the session. Of the earlier runs, all
    /// that stands before the last compaction of the turn itself may be left out, and so may
    /// [`Body::Started`], [`Body::Ended`], [`Body::Paused`] and [`Body::Resumed`].
    ///
    /// # Errors
    /// [`TranscriptError`] when they do not fit together.
    pub fn new(mut earlier: Vec<Step>, run: Vec<Step>) -> Result<Self, TranscriptError> {
        match run.first().map(|step| &step.body) {
            Some(Body::User { .. }) => {}
            _ => return Err(TranscriptError::NoBeginning),
        }
        let start = earlier.len();
        earlier.extend(run);
        let rising = earlier.is_sorted_by(|one, next| one.number < next.number);
        if !rising {
            return Err(TranscriptError::Disorder);
        }
        Ok(Self {
            steps: earlier,
            start,
        })
    }

    /// Every step, of earlier runs too.
    #[must_use]
    pub fn all(&self) -> &[Step] {
        &self.steps
    }

    /// The steps of this run.
    #[must_use]
    pub fn run(&self) -> &[Step] {
        self.steps.get(self.start..).unwrap_or_default()
    }

    /// The user's message that began the run.
    #[must_use]
    pub fn beginning(&self) -> Option<&Step> {
        self.steps.get(self.start)
    }

    /// The steps of this run that belong to a thread.
    pub fn thread<'a>(
        &'a self,
        thread: Option<&'a str>,
    ) -> impl DoubleEndedIterator<Item = &'a Step> {
        self.run()
            .iter()
            .filter(move |step| step.thread.as_deref() == thread)
    }

    /// The number of the next step.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.steps
            .last()
            .map_or(1, |step| step.number.saturating_add(1))
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Puts a newer state of a step into its place.
    pub(crate) fn replace(&mut self, step: Step) {
        let mut steps = self.steps.iter_mut().rev();
        if let Some(place) = steps.find(|place| place.number == step.number) {
            *place = step;
        }
    }

    /// What came of a call.
    #[must_use]
    pub fn result_of(&self, call_id: &str) -> Option<&CallResult> {
        self.steps.iter().rev().find_map(|step| match &step.body {
            Body::Result(result) if result.call_id == call_id => Some(result),
            _ => None,
        })
    }

    /// A call, with the step that made it.
    #[must_use]
    pub fn call(&self, call_id: &str) -> Option<(&Step, &Call)> {
        self.steps.iter().rev().find_map(|step| {
            let calls = answer(step).map_or(&[][..], |answer| &answer.calls);
            Some((step, calls.iter().find(|call| call.id == call_id)?))
        })
    }

    /// How the run ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<&End> {
        self.run().iter().rev().find_map(|step| match &step.body {
            Body::Ended(end) => Some(end),
            _ => None,
        })
    }

    /// What the run has cost.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage_up_to(u64::MAX)
    }

    /// What the run had cost when it was at the step of that number.
    #[must_use]
    pub fn usage_up_to(&self, number: u64) -> Usage {
        let steps = self.run().iter().filter(|step| step.number <= number);
        steps.filter_map(|step| step.body.usage()).sum()
    }

    /// The last complete message of the turn itself: what the run answers.
    #[must_use]
    pub fn output(&self) -> Option<&Answer> {
        let answers = self.thread(None).rev().filter_map(answer);
        answers
            .into_iter()
            .find(|answer| answer.state == MessageState::Complete && answer.started)
    }

    /// How long the run has been at work: from its beginning, and each time that it was resumed,
    /// to its last step or to `now`.
    #[must_use]
    pub fn worked(&self, now: i64) -> Duration {
        let mut total = 0_i64;
        let mut since = None;
        let mut last = now;
        for step in self.run() {
            if step.body == Body::Resumed
                && let Some(since) = since.replace(step.at)
            {
                total = total.saturating_add(last.saturating_sub(since).max(0));
            }
            since.get_or_insert(step.at);
            last = step.at;
        }
        let current = now.saturating_sub(since.unwrap_or(now)).max(0);
        Duration::from_millis(total.saturating_add(current).unsigned_abs())
    }

    /// Whether the run was resumed again and again without anything new.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        let idle = |step: &&Step| match &step.body {
            Body::Resumed => true,
            Body::Answer(answer) => answer.state == MessageState::Interrupted,
            Body::Result(result) => result.state == CallState::Interrupted,
            Body::Started { .. } => true,
            _ => false,
        };
        let resumed = |step: &&Step| step.body == Body::Resumed;
        self.run()
            .iter()
            .rev()
            .take_while(idle)
            .filter(resumed)
            .count()
            > RESTARTS
    }
}

/// The answer that a step is.
pub(crate) fn answer(step: &Step) -> Option<&Answer> {
    match &step.body {
        Body::Answer(answer) => Some(answer),
        _ => None,
    }
}
