//! API keys.

#![allow(clippy::expect_used, reason = "tests")]

mod given;

use domain::{ApiKeyName, Timestamp, UserId};
use given::{account, database, fresh};
use platform_native::sqlite::Database;
use store::{
    Window,
    api_keys::{self, MOST_KEYS, NewApiKey},
};

async fn insert(sql: &Database, user: UserId, hash: &str) -> Option<domain::ApiKey> {
    let name = ApiKeyName::parse("laptop").expect("a name");
    let new = NewApiKey {
        uuid: fresh(),
        user,
        name: &name,
        hash,
        prefix: "atl_abcd",
        now: 3,
    };
    api_keys::insert(sql, &new).await.expect("a statement")
}

const ALL: Window = Window {
    skip: 0,
    limit: 1_000,
};

#[tokio::test]
async fn a_key_signs_its_owner_in_until_it_is_deleted() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    let key = insert(&sql, ada.id, "h1").await.expect("a key");
    assert_eq!(key.name, "laptop");
    assert_eq!(key.prefix, "atl_abcd");
    assert_eq!((key.created_at, key.last_used_at), (Timestamp(3), None));
    let owner = async |hash| api_keys::by_hash(&sql, hash, 8).await.expect("a query");
    assert_eq!(owner("h2").await, None);
    assert_eq!(owner("h1").await, Some(ada.clone()));
    let listed = api_keys::list(&sql, ada.id, ALL).await.expect("a list");
    let used = domain::ApiKey {
        last_used_at: Some(Timestamp(8)),
        ..key.clone()
    };
    assert_eq!((listed.items, listed.total), (vec![used], 1));
    let delete = async |user| {
        let deleted = api_keys::delete(&sql, user, key.uuid).await;
        deleted.expect("a statement")
    };
    assert!(!delete(bob.id).await);
    assert_eq!(owner("h1").await, Some(ada.clone()));
    assert!(delete(ada.id).await);
    assert!(!delete(ada.id).await);
    assert_eq!(owner("h1").await, None);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_keys() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    for number in 0..MOST_KEYS {
        let key = insert(&sql, ada.id, &number.to_string()).await;
        assert!(key.is_some(), "{number}");
    }
    assert_eq!(insert(&sql, ada.id, "one more").await, None);
    assert_eq!(insert(&sql, UserId(99), "nobody's").await, None);
    let listed = api_keys::list(&sql, ada.id, ALL).await.expect("a list");
    assert_eq!(listed.total, MOST_KEYS);
    assert!(listed.items.is_sorted_by(|one, next| one.id > next.id));
}
