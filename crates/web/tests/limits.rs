//! Counters: what they refuse, and what is left of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use domain::{Error, ErrorKind};
use platform_native::key_value::{MemoryKeyValue, Stores};
use platform_native::sqlite::Database;
use ports::{BoxFuture, KEYS_MOST, KeyValue, KeyValueError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use web::limits::{Limit, count, count_sliding, give_back, sweep};

const LIMIT: Limit = Limit {
    name: "login-address",
    most: 3,
    window: Duration::from_secs(900),
};

/// The beginning of a window.
const NOW: i64 = 1_800_000_000_000;

async fn is_refused(store: &dyn KeyValue, subject: &str, now: i64) -> Option<u32> {
    let error = count(store, &LIMIT, subject, now).await.err()?;
    assert_eq!(error.kind(), ErrorKind::TooManyRequests);
    error.retry_after()
}

#[tokio::test]
async fn the_try_after_the_last_is_refused_until_the_window_ends() {
    let store = MemoryKeyValue::default();
    for _ in 0..3 {
        assert_eq!(is_refused(&store, "192.0.2.1", NOW + 500).await, None);
    }
    assert_eq!(is_refused(&store, "192.0.2.1", NOW + 500).await, Some(900));
    assert_eq!(
        is_refused(&store, "192.0.2.1", NOW + 899_001).await,
        Some(1)
    );
    assert_eq!(
        is_refused(&store, "192.0.2.2", NOW + 500).await,
        None,
        "others may"
    );
    assert_eq!(is_refused(&store, "192.0.2.1", NOW + 900_000).await, None);
}

#[tokio::test]
async fn a_refused_try_does_not_count() {
    let store = MemoryKeyValue::default();
    for _ in 0..3 {
        count(&store, &LIMIT, "a", NOW).await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(is_refused(&store, "a", NOW).await, Some(900));
    }
    // Of three at once that are right, the refused ones leave nothing behind.
    for _ in 0..3 {
        give_back(&store, &LIMIT, "a", NOW).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(is_refused(&store, "a", NOW).await, None);
    }
    assert_eq!(is_refused(&store, "a", NOW).await, Some(900));
}

const SLIDING: Limit = Limit {
    name: "provider",
    most: 5,
    window: Duration::from_secs(60),
};

/// The seconds to wait; none for a try that passes.
async fn waits(store: &dyn KeyValue, limit: &Limit, now: i64) -> Option<u32> {
    let error = count_sliding(store, limit, "a", now).await.err()?;
    assert_eq!(error.kind(), ErrorKind::TooManyRequests);
    error.retry_after()
}

/// Whoever comes again and again, or when told to, wherever on the clock that begins.
#[tokio::test]
async fn no_sliding_window_holds_more_than_its_limit() {
    for begun in [0, 1, 4_999, 30_000, 55_000, 59_999] {
        for impatience in [Some(250), None] {
            let store = MemoryKeyValue::default();
            let (mut now, mut passed) = (NOW + begun, Vec::new());
            while now < NOW + begun + 300_000 {
                now += match waits(&store, &SLIDING, now).await {
                    None => {
                        passed.push(now);
                        100
                    }
                    Some(seconds) => impatience.unwrap_or(i64::from(seconds) * 1_000),
                };
            }
            let mut windows = passed.windows(6);
            assert!(windows.all(|at| at[5] - at[0] >= 60_000), "{passed:?}");
            // Nor does it keep anybody waiting for long.
            assert!(passed.len() >= 20, "{passed:?}");
        }
    }
}

#[tokio::test]
async fn a_sliding_window_says_when_there_is_room() {
    let store = MemoryKeyValue::default();
    for at in [0, 1_000, 4_000, 30_000, 30_000] {
        assert_eq!(waits(&store, &SLIDING, NOW + at).await, None);
    }
    // Those who are refused do not count.
    for _ in 0..10 {
        assert_eq!(waits(&store, &SLIDING, NOW + 31_000).await, Some(34));
    }
    assert_eq!(waits(&store, &SLIDING, NOW + 64_999).await, Some(1));
    // Where it is lowered, more of them have to be over.
    let lower = Limit { most: 2, ..SLIDING };
    assert_eq!(waits(&store, &lower, NOW + 64_000).await, Some(31));
    for _ in 0..3 {
        assert_eq!(waits(&store, &SLIDING, NOW + 65_000).await, None);
    }
    assert_eq!(waits(&store, &SLIDING, NOW + 65_000).await, Some(30));
    // What counts no more is removed, and nothing else.
    assert_eq!(sweep(&store, NOW + 94_999).await.ok(), Some(1));
    assert_eq!(waits(&store, &SLIDING, NOW + 94_999).await, Some(1));
}

#[tokio::test]
async fn limits_of_different_names_count_apart() {
    let store = MemoryKeyValue::default();
    let other = Limit {
        name: "code-address",
        ..LIMIT
    };
    for _ in 0..3 {
        count(&store, &LIMIT, "a", NOW).await.unwrap();
    }
    assert!(count(&store, &LIMIT, "a", NOW).await.is_err());
    assert!(count(&store, &other, "a", NOW).await.is_ok());
}

#[tokio::test]
async fn what_is_given_back_does_not_count() {
    let store = MemoryKeyValue::default();
    for _ in 0..10 {
        count(&store, &LIMIT, "a", NOW).await.unwrap();
        give_back(&store, &LIMIT, "a", NOW).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_the_same_time_do_not_pass_together() {
    let stores = Stores::over(Database::temporary().unwrap()).await.unwrap();
    let store = Arc::new(stores.store("default"));
    for (slides, most) in [(false, 3), (true, 5)] {
        let tries = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                match slides {
                    true => count_sliding(&*store, &SLIDING, "a", NOW).await.is_ok(),
                    false => count(&*store, &LIMIT, "a", NOW).await.is_ok(),
                }
            })
        });
        let tries: Vec<_> = tries.collect();
        let mut passed = 0;
        for one in tries {
            passed += i32::from(one.await.unwrap());
        }
        assert_eq!(passed, most);
    }
}

#[tokio::test]
async fn keys_hide_whom_they_count() {
    let store = MemoryKeyValue::default();
    count(&store, &LIMIT, "ada@example.org", NOW).await.unwrap();
    let keys = store.keys("").await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].starts_with("limit/1800000900000/login-address/"),
        "{keys:?}"
    );
    assert!(!keys[0].contains("ada"), "{keys:?}");
}

#[tokio::test]
async fn sweeping_removes_what_has_ended() {
    let stores = Stores::over(Database::temporary().unwrap()).await.unwrap();
    let durable = stores.store("default");
    let memory = MemoryKeyValue::default();
    for store in [&memory as &dyn KeyValue, &durable] {
        count(store, &LIMIT, "a", NOW).await.unwrap();
        count(store, &LIMIT, "b", NOW).await.unwrap();
        count(store, &LIMIT, "a", NOW + 900_000).await.unwrap();
        store.set("limit/nonsense", vec![]).await.unwrap();
        store.set("other", vec![]).await.unwrap();
        assert_eq!(sweep(store, NOW + 899_999).await.ok(), Some(0));
        assert_eq!(sweep(store, NOW + 900_000).await.ok(), Some(2));
        assert_eq!(store.keys("").await.unwrap().len(), 3);
        assert_eq!(sweep(store, NOW + 1_800_000).await.ok(), Some(1));
    }
}

#[tokio::test]
async fn a_store_that_does_not_count_lets_nobody_pass() {
    let store = MemoryKeyValue::default();
    count(&store, &LIMIT, "a", NOW).await.unwrap();
    let key = store.keys("limit/").await.unwrap().remove(0);
    store.set(&key, b"spoilt".to_vec()).await.unwrap();
    let outcome = count(&store, &LIMIT, "a", NOW).await;
    let kind = outcome.as_ref().err().map(Error::kind);
    assert_eq!(kind, Some(ErrorKind::Unavailable));
}

#[tokio::test]
async fn sweeping_goes_on_until_all_is_seen() {
    let store = MemoryKeyValue::default();
    let ended = 2 * KEYS_MOST + 5;
    for n in 0..ended {
        let key = format!("limit/{NOW}/login-address/{n}");
        store.set(&key, vec![]).await.unwrap();
    }
    assert_eq!(sweep(&store, NOW).await.ok(), Some(ended));
    assert!(store.keys("").await.unwrap().is_empty());
}

/// A store that always shows the same keys, as many as it can, and counts how often.
struct Endless {
    keys: Vec<String>,
    passes: AtomicUsize,
}

impl Endless {
    /// All of its counters end at `end`.
    fn ending(end: i64) -> Self {
        let key = |n| format!("limit/{end}/login-address/{n}");
        Self {
            keys: (0..KEYS_MOST).map(key).collect(),
            passes: AtomicUsize::new(0),
        }
    }
}

impl KeyValue for Endless {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async { Ok(None) })
    }

    fn set<'a>(&'a self, _: &'a str, _: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async { Ok(()) })
    }

    fn increment<'a>(&'a self, _: &'a str, _: i64) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(async { Ok(0) })
    }

    fn keys<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        self.passes.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(self.keys.clone()) })
    }
}

#[tokio::test]
async fn sweeping_ends_where_nothing_can_be_removed_and_at_a_bound() {
    for (end, passes) in [(NOW + 1, 1), (NOW, 100)] {
        let store = Endless::ending(end);
        let removed = if passes == 1 { 0 } else { passes * KEYS_MOST };
        assert_eq!(sweep(&store, NOW).await.ok(), Some(removed));
        assert_eq!(store.passes.load(Ordering::Relaxed), passes);
    }
}
