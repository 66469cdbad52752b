//! When a message that was not accepted is tried again.

use std::time::Duration;

/// Waits between tries, and when to give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The wait after the first try, the second and so on; the last one repeats.
    pub waits: Vec<Duration>,
    /// How old a message may become.
    pub give_up: Duration,
}

impl Default for Retry {
    /// After 30 s, 2 min, 10 min, then every hour for a day.
    fn default() -> Self {
        let waits = [30, 120, 600, 3600].map(Duration::from_secs).to_vec();
        Self {
            waits,
            give_up: Duration::from_secs(24 * 3600),
        }
    }
}

impl Retry {
    /// How long to wait after `attempts` tries with a message that is `age` old, or nothing if
    /// it is to be given up.
    pub(crate) fn after(&self, attempts: u32, age: Duration) -> Option<Duration> {
        let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = *self.waits.get(nth).or(self.waits.last())?;
        (age + wait <= self.give_up).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let retry = Retry::default();
        let check = |attempts, age, wait: Option<u64>| {
            let found = retry.after(attempts, Duration::from_secs(age));
            assert_eq!(found, wait.map(Duration::from_secs), "{attempts} {age}");
        };
        check(1, 0, Some(30));
        check(2, 30, Some(120));
        check(3, 150, Some(600));
        check(4, 750, Some(3600));
        check(20, 60_000, Some(3600));
        check(24, 82_800, Some(3600));
        check(25, 82_801, None);
        assert_eq!(
            Retry {
                waits: vec![],
                give_up: Duration::MAX
            }
            .after(1, Duration::ZERO),
            None
        );
    }
}
