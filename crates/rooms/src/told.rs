//! Which step of which run an event tells, so that no step is told twice.
//!
//! Invariant: the mark is in the event's own record, and each file's title repeats the last ones:
//! what is known of a run is what is in the room, whenever the process dies. A room that several
//! sessions share has runs that tell in turns.

use crate::EventId;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// The run.
    pub run: Uuid,
    /// The step's number, which rises within a run.
    pub step: u64,
}

/// What came of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The numbers of the events that were published.
    pub ids: Vec<EventId>,
    /// When.
    pub at: Timestamp,
    /// How many events at the beginning were left out because the room has them already.
    pub skipped: usize,
}

/// The mark of an event: the step that it tells, and which of its events it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    run: Uuid,
    step: u64,
    /// Counted from 0.
    part: usize,
    /// Whether the step has no more events.
    last: bool,
}

impl Told {
    /// The marks of the `count` events of a step.
    pub(crate) fn marks(of: RunStep, count: usize) -> impl Iterator<Item = Self> {
        (0..count).map(move |part| Self {
            run: of.run,
            step: of.step,
            part,
            last: part + 1 == count,
        })
    }

    /// How many of the `count` events of `step` are told, if this is the last mark.
    pub(crate) fn told_of(self, step: RunStep, count: usize) -> usize {
        match (self.run == step.run, self.step.cmp(&step.step)) {
            (true, std::cmp::Ordering::Greater) => count,
            (true, std::cmp::Ordering::Equal) => count.min(self.part + 1),
            _ => 0,
        }
    }

    /// The last step of `run` that is told as a whole, if this is the last mark.
    pub(crate) fn seen_of(self, run: Uuid) -> u64 {
        match (self.run == run, self.last) {
            (true, true) => self.step,
            (true, false) => self.step.saturating_sub(1),
            (false, _) => 0,
        }
    }
}

/// How many runs a room remembers.
const RUNS: usize = 64;

/// The last mark of each run that told something lately, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Marks(Vec<Told>);

impl Marks {
    /// Notes the newest mark.
    pub(crate) fn note(&mut self, mark: Told) {
        self.0.retain(|told| told.run != mark.run);
        self.0.push(mark);
        if self.0.len() > RUNS {
            self.0.remove(0);
        }
    }

    /// How many of the `count` events of `step` are told.
    pub(crate) fn told_of(&self, step: RunStep, count: usize) -> usize {
        self.of(step.run)
            .map_or(0, |told| told.told_of(step, count))
    }

    /// The last step of `run` that is told as a whole.
    pub(crate) fn seen_of(&self, run: Uuid) -> u64 {
        self.of(run).map_or(0, |told| told.seen_of(run))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, run: Uuid) -> Option<Told> {
        self.0.iter().rev().find(|told| told.run == run).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let run = Uuid::from_u128(1);
        let of = |step| RunStep { run, step };
        let mut marks = Told::marks(of(5), 2);
        let (Some(first), Some(second)) = (marks.next(), marks.next()) else {
            return assert!(marks.next().is_some(), "there are two");
        };
        assert_eq!((first.told_of(of(5), 2), second.told_of(of(5), 2)), (1, 2));
        assert_eq!((first.seen_of(run), second.seen_of(run)), (4, 5));
        assert_eq!((second.told_of(of(6), 3), second.told_of(of(4), 3)), (0, 3));
        let other = RunStep {
            run: Uuid::from_u128(2),
            step: 1,
        };
        assert_eq!(
            (second.told_of(other, 3), second.seen_of(other.run)),
            (0, 0)
        );
    }

    #[test]
    fn runs_that_tell_in_turns() {
        let run = |number: usize| Uuid::from_u128(number as u128 + 1);
        let of = |number, step| RunStep {
            run: run(number),
            step,
        };
        let mut marks = Marks::default();
        for step in 1..4 {
            for number in 0..RUNS {
                Told::marks(of(number, step), 1).for_each(|mark| marks.note(mark));
            }
        }
        for number in 0..RUNS {
            assert_eq!(marks.seen_of(run(number)), 3);
            assert_eq!(marks.told_of(of(number, 3), 1), 1);
            assert_eq!(marks.told_of(of(number, 4), 1), 0);
        }
        // One more, and the one that has said nothing for longest is forgotten.
        Told::marks(of(RUNS, 1), 1).for_each(|mark| marks.note(mark));
        assert_eq!((marks.seen_of(run(0)), marks.seen_of(run(1))), (0, 3));
    }
}
