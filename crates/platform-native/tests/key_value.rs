//! Both key-value stores keep the same rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use platform_native::key_value::{MemoryKeyValue, Stores};
use platform_native::sqlite::Database;
use ports::{KEYS_MOST, KeyValue};
use std::sync::Arc;

async fn stores() -> Vec<Arc<dyn KeyValue>> {
    let stores = Stores::over(Database::temporary().unwrap()).await.unwrap();
    vec![
        Arc::new(MemoryKeyValue::default()),
        Arc::new(stores.store("default")),
    ]
}

#[tokio::test]
async fn values_are_kept_replaced_and_removed() {
    for store in stores().await {
        assert_eq!(store.get("a").await, Ok(None));
        store.delete("a").await.unwrap();
        store.set("a", vec![1]).await.unwrap();
        store.set("a", vec![2]).await.unwrap();
        assert_eq!(store.get("a").await, Ok(Some(vec![2])));
        store.delete("a").await.unwrap();
        assert_eq!(store.get("a").await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_count_every_increment() {
    for store in stores().await {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for _ in 0..50 {
                        store.increment("n", 2).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(store.increment("n", -1).await, Ok(1_999));
        let bytes = 1_999_i64.to_le_bytes().to_vec();
        assert_eq!(store.get("n").await, Ok(Some(bytes)));
    }
}

#[tokio::test]
async fn what_is_no_counter_is_an_error_and_stays() {
    for store in stores().await {
        store.set("a", b"text".to_vec()).await.unwrap();
        assert!(store.increment("a", 1).await.is_err());
        assert_eq!(store.get("a").await, Ok(Some(b"text".to_vec())));
        store.increment("n", i64::MAX).await.unwrap();
        assert!(store.increment("n", 1).await.is_err());
        assert_eq!(store.increment("n", 0).await, Ok(i64::MAX));
    }
}

#[tokio::test]
async fn named_stores_are_apart_and_list_their_keys() {
    let stores = Stores::over(Database::temporary().unwrap()).await.unwrap();
    let (one, other) = (stores.store("one"), stores.store("other"));
    for key in ["b", "a", "c"] {
        one.set(key, vec![]).await.unwrap();
    }
    assert_eq!(other.get("a").await, Ok(None));
    assert!(one.exists("a").await.unwrap());
    assert_eq!(one.keys_after(None, 2).await.unwrap(), ["a", "b"]);
    assert_eq!(one.keys_after(Some("b"), 2).await.unwrap(), ["c"]);
    assert!(other.keys_after(None, 2).await.unwrap().is_empty());
    let long = "k".repeat(2_000);
    assert!(one.set(&long, vec![]).await.is_err());
}

#[tokio::test]
async fn keys_are_found_by_their_beginning() {
    for store in stores().await {
        for key in ["a", "a/", "a/1", "a/2/x", "a/é", "a0", "b/1", "A/1"] {
            store.set(key, vec![]).await.unwrap();
        }
        let check = async |prefix: &str, expected: &[&str]| {
            let mut found = store.keys(prefix).await.unwrap();
            found.sort();
            assert_eq!(found, expected, "{prefix}");
        };
        check("a/", &["a/", "a/1", "a/2/x", "a/é"]).await;
        check("a/2/", &["a/2/x"]).await;
        check("b", &["b/1"]).await;
        check("c", &[]).await;
        check("%", &[]).await;
        assert_eq!(store.keys("").await.unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_list_of_keys_is_bounded() {
    for store in stores().await {
        for number in 0..=KEYS_MOST {
            store.set(&format!("k/{number}"), vec![]).await.unwrap();
        }
        assert_eq!(store.keys("k/").await.unwrap().len(), KEYS_MOST);
    }
}
