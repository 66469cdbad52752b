//! The clock that tests drive.
#![allow(clippy::unwrap_used, reason = "tests")]

use platform_native::{ManualClock, SystemClock};
use ports::Clock;
use std::{task::Poll, time::Duration};

#[tokio::test]
async fn a_manual_clock_wakes_sleepers_in_time() {
    let clock = ManualClock::new(1_000);
    let mut sleep = clock.sleep(Duration::from_millis(500));
    assert_eq!(clock.sleepers(), 1);
    clock.advance(Duration::from_millis(499));
    assert!(matches!(futures::poll!(&mut sleep), Poll::Pending));
    clock.advance(Duration::from_millis(1));
    sleep.await;
    assert_eq!(clock.now(), 1_500);
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_system_clock_sleeps_in_tokios_time() {
    SystemClock.sleep(Duration::from_secs(3_600)).await;
    assert!(SystemClock.now() > 1_700_000_000_000);
}
