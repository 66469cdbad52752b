//! The first administrator: made once in a database's life.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::AccountRole;
use given::{account, count, database, email, fresh, one, username};
use platform_native::sqlite::Database;
use store::accounts::{self, Inserted, NewAccount};

async fn make(sql: &Database, name: &str, address: &str) -> Inserted {
    let new = NewAccount {
        uuid: fresh(),
        username: &username(name),
        email: &email(address),
        password_hash: "hash",
        now: 3,
    };
    accounts::insert_first_administrator(sql, &new)
        .await
        .expect("a statement")
}

async fn is_due(sql: &Database) -> bool {
    let due = accounts::first_administrator_is_due(sql).await;
    due.expect("a query")
}

#[tokio::test]
async fn is_made_once_in_the_life_of_a_database() {
    let sql = database().await;
    assert!(is_due(&sql).await);
    let Inserted::Done(root) = make(&sql, "root", "root@example.org").await else {
        panic!("not made");
    };
    assert_eq!(root.role, AccountRole::Admin);
    assert!(!is_due(&sql).await);
    let again = make(&sql, "other", "other@example.org").await;
    assert_eq!(again, Inserted::Gone);
    assert!(accounts::delete(&sql, root.id).await.expect("deleted"));
    let again = make(&sql, "root", "root@example.org").await;
    assert_eq!((again, is_due(&sql).await), (Inserted::Gone, false));
    assert_eq!(count(&sql, "users").await, 0);
}

#[tokio::test]
async fn takes_nobodys_name_and_stays_due() {
    let sql = database().await;
    account(&sql, "root", "hash").await;
    let taken = make(&sql, "ROOT", "other@example.org").await;
    assert_eq!(taken, Inserted::UsernameTaken);
    let taken = make(&sql, "other", "root@example.org").await;
    assert_eq!(taken, Inserted::EmailTaken);
    assert!(is_due(&sql).await);
    let made = make(&sql, "other", "other@example.org").await;
    assert!(matches!(made, Inserted::Done(_)));
}

#[tokio::test]
async fn is_marked_by_the_next_start_after_a_crash() {
    let sql = database().await;
    make(&sql, "root", "root@example.org").await;
    let unmark = "DELETE FROM done_once RETURNING name";
    one::<String>(&sql, unmark, Vec::new()).await;
    let again = make(&sql, "root", "root@example.org").await;
    assert_eq!((again, is_due(&sql).await), (Inserted::Gone, false));
    assert_eq!(count(&sql, "users").await, 1);
}
