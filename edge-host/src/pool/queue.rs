//! Which instance takes which request.
//!
//! Pure bookkeeping under one short lock. A request waits in one queue; an instance takes from it
//! whenever it is polled and has room. So at push there is only to decide whether somebody must
//! be called, and these are the rules:
//!
//! - the instance that rested last is called first: its memory is still in the caches;
//! - while as many run as there are processors, nobody is called: one of them looks into the
//!   queue before it rests;
//! - an instance whose guest computes for longer than a tick does not count as running: another
//!   one is made for those that wait, up to [`COMPUTING`] for each processor. Beyond that they
//!   wait: each has used much memory, and more of them would not be done sooner.

use std::{collections::VecDeque, task::Waker};

/// Instances of a component, for each processor, that compute for long at the same time.
const COMPUTING: usize = 4;

/// Requests that may wait for one component, so that a flood of one leaves room for the others
/// among those in flight.
const WAITING: usize = 512;

/// Requests of type `J` and the instances that take them.
pub(super) struct Queue<J> {
    waiting: VecDeque<J>,
    /// By number; `None` is free for the next instance.
    instances: Vec<Option<State>>,
    /// Numbers of the resting ones, the one that rested last at the end.
    resting: Vec<usize>,
    /// Those that are polled, or called and about to be.
    running: usize,
    /// Those that compute for long.
    computing: usize,
    /// Those that are being made.
    starting: usize,
    /// How many run at once to some use.
    processors: usize,
}

enum State {
    /// At rest, with room.
    Resting(Waker),
    /// At rest, and no room until something happens.
    Full,
    Running,
    /// Busy for longer than a tick.
    Computing,
}

/// How an instance comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It could take a request.
    Room,
    /// It cannot take one.
    Full,
    /// Not at all: its guest was interrupted at a tick.
    Amid,
}

/// What whoever changed the queue has to do, outside the lock.
#[must_use]
pub(super) enum Then {
    Nothing,
    /// Call this one.
    Wake(Waker),
    /// Make another instance; it is counted already.
    Start,
}

impl<J> Queue<J> {
    pub(super) fn new(processors: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            instances: Vec::new(),
            resting: Vec::new(),
            running: 0,
            computing: 0,
            starting: 0,
            processors,
        }
    }

    /// Takes a request in; gives it back when too many wait already.
    pub(super) fn push(&mut self, job: J) -> Result<Then, J> {
        if self.waiting.len() >= WAITING {
            return Err(job);
        }
        self.waiting.push_back(job);
        Ok(self.call())
    }

    /// The request that waits longest.
    pub(super) fn take(&mut self) -> Option<J> {
        self.waiting.pop_front()
    }

    /// Calls somebody, if there is need and use.
    fn call(&mut self) -> Then {
        if self.waiting.len() <= self.starting || self.running + self.starting >= self.processors {
            return Then::Nothing;
        }
        let Some(number) = self.resting.pop() else {
            if self.computing >= self.processors * COMPUTING {
                return Then::Nothing;
            }
            self.starting += 1;
            return Then::Start;
        };
        self.running += 1;
        match self.state(number).replace(State::Running) {
            Some(State::Resting(waker)) => Then::Wake(waker),
            _ => Then::Nothing,
        }
    }

    /// A new instance is there, and runs.
    pub(super) fn started(&mut self) -> usize {
        self.starting -= 1;
        self.running += 1;
        let free = self.instances.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.instances.push(None);
            self.instances.len() - 1
        });
        *self.state(number) = Some(State::Running);
        number
    }

    /// No instance could be made. The requests that nobody is left to take.
    pub(super) fn not_started(&mut self) -> VecDeque<J> {
        self.starting -= 1;
        // One that is full may be so for hours.
        let taking = |state: &Option<State>| !matches!(state, None | Some(State::Full));
        if self.starting > 0 || self.instances.iter().any(taking) {
            return VecDeque::new();
        }
        std::mem::take(&mut self.waiting)
    }

    /// The instance is polled.
    pub(super) fn enter(&mut self, number: usize) {
        match self.state(number).as_ref() {
            Some(State::Resting(_)) => {
                // Called by an event of its own: it is most likely near the end.
                if let Some(place) = self.resting.iter().rposition(|at| *at == number) {
                    self.resting.remove(place);
                }
            }
            Some(State::Full) => {}
            Some(State::Running | State::Computing) | None => return,
        }
        self.running += 1;
        *self.state(number) = Some(State::Running);
    }

    /// The instance has been computing for a tick.
    pub(super) fn computing(&mut self, number: usize) -> Then {
        if let Some(State::Running) = self.state(number) {
            *self.state(number) = Some(State::Computing);
            self.running -= 1;
            self.computing += 1;
        }
        self.call()
    }

    /// The instance would rest. `None` says that it must not: a request waits that it can take.
    pub(super) fn leave(&mut self, number: usize, rest: Rest, waker: &Waker) -> Option<Then> {
        let state = match rest {
            Rest::Room if !self.waiting.is_empty() => return None,
            Rest::Room => {
                self.resting.push(number);
                State::Resting(waker.clone())
            }
            Rest::Full => State::Full,
            Rest::Amid => return Some(Then::Nothing),
        };
        self.stop_running(number);
        *self.state(number) = Some(state);
        Some(self.call())
    }

    /// The instance would go. `false` if it has been called in the meantime.
    pub(super) fn retire(&mut self, number: usize) -> bool {
        let Some(State::Resting(_)) = self.state(number) else {
            return false;
        };
        self.resting.retain(|at| *at != number);
        *self.state(number) = Some(State::Full);
        true
    }

    /// The instance goes.
    pub(super) fn gone(&mut self, number: usize) -> Then {
        self.stop_running(number);
        self.resting.retain(|at| *at != number);
        *self.state(number) = None;
        self.call()
    }

    fn stop_running(&mut self, number: usize) {
        match self.state(number) {
            Some(State::Running) => self.running -= 1,
            Some(State::Computing) => self.computing -= 1,
            Some(State::Resting(_) | State::Full) | None => {}
        }
    }

    fn state(&mut self, number: usize) -> &mut Option<State> {
        #[allow(clippy::indexing_slicing, reason = "only `started` gives numbers")]
        &mut self.instances[number]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::*;

    fn queue() -> Queue<&'static str> {
        Queue::new(2)
    }

    fn push(queue: &mut Queue<&'static str>, job: &'static str) -> Then {
        queue
            .push(job)
            .unwrap_or_else(|job| panic!("{job} is refused"))
    }

    fn rest(queue: &mut Queue<&'static str>, number: usize) {
        assert!(matches!(
            queue.leave(number, Rest::Room, Waker::noop()),
            Some(Then::Nothing)
        ));
    }

    #[test]
    fn as_many_are_made_as_processors_have_use_for() {
        let mut queue = queue();
        assert!(matches!(push(&mut queue, "a"), Then::Start));
        assert!(matches!(push(&mut queue, "b"), Then::Start));
        assert!(matches!(push(&mut queue, "c"), Then::Nothing));
        let first = queue.started();
        assert_eq!(queue.take(), Some("a"));
        assert_eq!(queue.take(), Some("b"));
        // It must not rest while a request waits.
        assert!(queue.leave(first, Rest::Room, Waker::noop()).is_none());
        assert_eq!(queue.take(), Some("c"));
        rest(&mut queue, first);
    }

    #[test]
    fn the_one_that_rested_last_is_called_first() {
        let mut queue = queue();
        let _start = (push(&mut queue, "a"), push(&mut queue, "b"));
        let (first, second) = (queue.started(), queue.started());
        let _jobs = (queue.take(), queue.take());
        rest(&mut queue, second);
        rest(&mut queue, first);
        assert!(matches!(push(&mut queue, "c"), Then::Wake(_)));
        assert_eq!(queue.resting, [second]);
        queue.enter(first);
        assert_eq!(queue.running, 1);
    }

    #[test]
    fn a_full_one_is_not_called_and_another_is_made() {
        let mut queue = queue();
        let _start = push(&mut queue, "stream");
        let full = queue.started();
        queue.take();
        assert!(matches!(
            queue.leave(full, Rest::Full, Waker::noop()),
            Some(Then::Nothing)
        ));
        assert!(matches!(push(&mut queue, "next"), Then::Start));
        // It was woken by its own stream, and has room again.
        queue.enter(full);
        assert_eq!(queue.take(), Some("next"));
        rest(&mut queue, full);
    }

    #[test]
    fn one_that_computes_does_not_keep_others_waiting() {
        let mut queue = queue();
        let _start = (push(&mut queue, "hash"), push(&mut queue, "hash"));
        let (first, second) = (queue.started(), queue.started());
        let _jobs = (queue.take(), queue.take());
        assert!(matches!(push(&mut queue, "quick"), Then::Nothing));
        assert!(matches!(queue.computing(first), Then::Start));
        assert!(matches!(queue.computing(second), Then::Nothing));
        let third = queue.started();
        assert_eq!(queue.take(), Some("quick"));
        rest(&mut queue, third);
        rest(&mut queue, first);
        assert_eq!(queue.running, 0);
    }

    #[test]
    fn no_more_than_some_compute_at_once() {
        let mut queue = queue();
        for _ in 0..100 {
            let _then = push(&mut queue, "hash");
        }
        let mut started = Vec::new();
        while queue.starting > 0 {
            let number = queue.started();
            queue.take();
            let _then = queue.computing(number);
            started.push(number);
        }
        // The last two were being made when the number was reached.
        assert!((8..=10).contains(&started.len()), "{started:?}");
        // One that is done takes the next, and nobody is made in its place.
        assert!(queue.leave(started[0], Rest::Room, Waker::noop()).is_none());
        queue.take();
        assert!(matches!(
            queue.gone(started[1]),
            Then::Nothing | Then::Start
        ));
        assert_eq!(queue.computing, started.len() - 1);
    }

    #[test]
    fn the_waiting_get_another_when_theirs_goes() {
        let mut queue = queue();
        let _start = (
            push(&mut queue, "a"),
            push(&mut queue, "b"),
            push(&mut queue, "c"),
        );
        let (first, second) = (queue.started(), queue.started());
        let _jobs = (queue.take(), queue.take());
        assert!(matches!(queue.gone(first), Then::Start));
        assert!(queue.not_started().is_empty());
        assert!(matches!(queue.gone(second), Then::Start));
        assert_eq!(queue.not_started(), ["c"]);
    }

    #[test]
    fn a_flood_is_refused() {
        let mut queue = queue();
        for _ in 0..WAITING {
            let _then = push(&mut queue, "flood");
        }
        assert_eq!(queue.push("late").err(), Some("late"));
    }

    #[test]
    fn those_that_wait_are_told_when_all_others_are_full() {
        let mut queue = queue();
        let _start = push(&mut queue, "stream");
        let full = queue.started();
        queue.take();
        let _full = queue.leave(full, Rest::Full, Waker::noop());
        assert!(matches!(push(&mut queue, "next"), Then::Start));
        assert_eq!(queue.not_started(), ["next"]);
    }

    #[test]
    fn numbers_are_used_again() {
        let mut queue = queue();
        let _start = push(&mut queue, "a");
        let number = queue.started();
        queue.take();
        assert!(matches!(queue.gone(number), Then::Nothing));
        let _start = push(&mut queue, "b");
        assert_eq!(queue.started(), number);
    }
}
