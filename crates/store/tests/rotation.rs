//! Rotation of refresh tokens, alone, in parallel, and in any order with all that ends a login.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[path = "rotation/any_order.rs"]
mod any_order;
mod given;

use given::{LIFETIME, account, database, fresh, login, one};
use store::logins::{self, GRACE_MS, Rotation, current, rotate};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Successor(i64),
    Reused,
    Gone,
}

async fn told(sql: &dyn ports::Sql, login: uuid::Uuid, generation: i64, now: i64) -> Told {
    match rotate(sql, login, generation, now, now + LIFETIME).await {
        Ok(Rotation::Rotated { successor, .. }) => Told::Successor(successor),
        Ok(Rotation::Reused) => Told::Reused,
        Ok(Rotation::Gone) => Told::Gone,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn what_each_generation_is_told() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    // Each case rotates generation 0 at 1000 and 1 at 5000, so that 2 is live.
    for (generation, now, expected) in [
        (2, 5_000, Told::Successor(3)),
        (2, 5_000 + LIFETIME - 1, Told::Successor(3)),
        (2, 5_000 + LIFETIME, Told::Gone),
        (1, 5_000, Told::Successor(2)),
        (1, 5_000 + GRACE_MS, Told::Successor(2)),
        (1, 5_000 + GRACE_MS + 1, Told::Reused),
        (1, 5_000 + LIFETIME, Told::Gone),
        (0, 5_000, Told::Successor(1)),
        (0, 1_000 + GRACE_MS, Told::Successor(1)),
        (0, 1_000 + GRACE_MS + 1, Told::Reused),
        (3, 5_000, Told::Gone),
        (i64::MAX, 5_000, Told::Gone),
        (-1, 5_000, Told::Gone),
        (i64::MIN, 5_000, Told::Gone),
    ] {
        let line = login(&sql, ada.id, 0).await.uuid;
        assert_eq!(told(&sql, line, 0, 1_000).await, Told::Successor(1));
        assert_eq!(told(&sql, line, 1, 5_000).await, Told::Successor(2));
        let case = format!("{generation} at {now}");
        assert_eq!(told(&sql, line, generation, now).await, expected, "{case}");
        let open = current(&sql, line, ada.uuid, now).await.expect("a query");
        let ended = expected == Told::Reused || (expected == Told::Gone && now >= 5_000 + LIFETIME);
        assert_eq!(open.is_none(), ended, "{case}");
    }
}

#[tokio::test]
async fn the_great_grandparent_is_never_forgiven() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let line = login(&sql, ada.id, 0).await.uuid;
    for generation in 0..3 {
        let told = told(&sql, line, generation, 1_000).await;
        assert_eq!(told, Told::Successor(generation + 1));
    }
    assert_eq!(told(&sql, line, 0, 1_000).await, Told::Reused);
    assert_eq!(told(&sql, line, 3, 1_000).await, Told::Gone);
}

#[tokio::test]
async fn a_rotation_extends_the_login_and_a_repeated_one_does_not() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let line = login(&sql, ada.id, 0).await.uuid;
    for (generation, now, expires_at) in [
        (0, 50_000, 50_000 + LIFETIME),
        (0, 55_000, 50_000 + LIFETIME),
        (1, 60_000, 60_000 + LIFETIME),
    ] {
        match rotate(&sql, line, generation, now, now + LIFETIME).await {
            Ok(Rotation::Rotated { account, login, .. }) => {
                assert_eq!(*account, ada);
                assert_eq!(login.expires_at.0, expires_at);
                assert_eq!(login.last_used_at.0, expires_at - LIFETIME);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn there_is_nothing_to_rotate_without_a_login_or_an_account() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    assert_eq!(told(&sql, fresh(), 0, 0).await, Told::Gone);
    let line = login(&sql, ada.id, 0).await.uuid;
    store::accounts::delete(&sql, ada.id).await.expect("gone");
    assert_eq!(told(&sql, line, 0, 0).await, Told::Gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_make_one_generation_and_hear_of_the_same() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    for generation in 0..10 {
        let line = login(&sql, ada.id, 0).await.uuid;
        for earlier in 0..generation {
            told(&sql, line, earlier, 0).await;
        }
        let all: Vec<_> = (0..20)
            .map(|_| {
                let sql = sql.clone();
                tokio::spawn(async move { told(&sql, line, generation, 1_000).await })
            })
            .collect();
        for one in all {
            let told = one.await.expect("a task");
            assert_eq!(told, Told::Successor(generation + 1));
        }
        let select = "SELECT generation FROM logins WHERE uuid = ?1 AND revoked_at IS NULL";
        let now: i64 = one(&sql, select, vec![line.to_string().into()]).await;
        assert_eq!(now, generation + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_out_among_twenty_refreshes_ends_them_all() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    for _ in 0..10 {
        let line = login(&sql, ada.id, 0).await.uuid;
        let all: Vec<_> = (0..20)
            .map(|number| {
                let sql = sql.clone();
                tokio::spawn(async move {
                    if number == 10 {
                        let ended = logins::revoke(&sql, line, 0).await;
                        assert!(ended.expect("a statement"));
                    } else {
                        told(&sql, line, 0, 0).await;
                    }
                })
            })
            .collect();
        for one in all {
            one.await.expect("a task");
        }
        assert_eq!(told(&sql, line, 0, 0).await, Told::Gone);
        assert_eq!(told(&sql, line, 1, 0).await, Told::Gone);
    }
}
