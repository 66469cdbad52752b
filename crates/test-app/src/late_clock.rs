//! Real time that begins when the tests' accounts do.

use ports::{BoxFuture, Clock};
use std::time::{Duration, Instant};

use crate::NOW;

/// Real time that begins when the tests' accounts do, and may run faster.
pub struct LateClock {
    began: Instant,
    times: u32,
}

impl LateClock {
    /// Begins now, and runs so many times faster.
    #[must_use]
    pub fn faster(times: u32) -> Self {
        Self {
            began: Instant::now(),
            times,
        }
    }
}

impl Default for LateClock {
    fn default() -> Self {
        Self::faster(1)
    }
}

impl Clock for LateClock {
    fn now(&self) -> i64 {
        let passed = self.began.elapsed() * self.times;
        NOW + i64::try_from(passed.as_millis()).expect("a time")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration / self.times))
    }
}
