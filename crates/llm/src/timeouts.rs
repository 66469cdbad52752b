//! How long to wait for a model.

use std::time::Duration;

/// How long to wait for a model, in three phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection. 10 s.
    pub connect: Duration,
    /// For anything of the answer, from the moment of asking. 60 s.
    pub first_token: Duration,
    /// Between two pieces of the answer, from the first token on. 120 s.
    pub silence: Duration,
    /// How long keep-alives alone can put off the other two. A server that queues requests sends
    /// comments or empty chunks meanwhile, and a proxy does so for a model that is dead. 10 min.
    pub kept_alive: Duration,
}

impl Timeouts {
    /// Those of a server that may say nothing for `silence`, be it before its answer or within it.
    #[must_use]
    pub fn of_silence(silence: Duration) -> Self {
        let usual = Self::default();
        Self {
            connect: silence.min(usual.connect),
            first_token: silence,
            silence,
            kept_alive: silence.max(usual.kept_alive),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(60),
            silence: Duration::from_secs(120),
            kept_alive: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_holds_from_the_question_on() {
        let check = |silence: u64, connect: u64, kept_alive: u64| {
            let seconds = Duration::from_secs;
            let expected = Timeouts {
                connect: seconds(connect),
                first_token: seconds(silence),
                silence: seconds(silence),
                kept_alive: seconds(kept_alive),
            };
            assert_eq!(Timeouts::of_silence(seconds(silence)), expected);
        };
        check(1, 1, 600);
        check(120, 10, 600);
        check(3_600, 10, 3_600);
    }
}
