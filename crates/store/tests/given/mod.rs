//! What the tests of accounts begin with.

#![allow(
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "tests; each uses a part of it"
)]

use domain::{Account, Audience, Email, Login, Purpose, UserId, Username};
use platform_native::sqlite::Database;
use ports::{FromValue, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use store::{
    accounts::{self, Inserted},
    logins::{self, NewLogin},
    verifications::{self, NewVerification, Pending, Subject},
};
use uuid::Uuid;

/// How long a login lasts here.
pub const LIFETIME: i64 = 100_000;

/// A database with the schema.
pub async fn database() -> Database {
    let database = Database::temporary().expect("a temporary database");
    store::migrations::apply(&database, 0, "test")
        .await
        .expect("migrations");
    database
}

/// A UUID that no other call gave.
pub fn fresh() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into())
}

pub fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

pub fn username(text: &str) -> Username {
    Username::parse(text).expect("a name")
}

/// Asks for an account at 0, good for ten minutes, and returns the request's number.
pub async fn sign_up(sql: &Database, name: &str, address: &str, hash: &str) -> Uuid {
    let uuid = fresh();
    let username = username(name);
    let new = NewVerification {
        uuid,
        email: &email(address),
        subject: Subject::SignUp {
            username: &username,
            password_hash: hash,
        },
        code_hash: "code",
        redirect_to: None,
        now: 0,
        expires_at: 600_000,
    };
    verifications::put(sql, &new).await.expect("a sign-up");
    uuid
}

/// An account of that name, at `<name>@example.org`, with the password hash `hash`.
pub async fn account(sql: &Database, name: &str, hash: &str) -> Account {
    let verification = sign_up(sql, name, &format!("{name}@example.org"), hash).await;
    let inserted = accounts::insert_verified(sql, verification, fresh(), 0).await;
    verifications::take(sql, verification).await.expect("taken");
    match inserted.expect("a statement") {
        Inserted::Done(account) => account,
        other => panic!("{name}: {other:?}"),
    }
}

/// A login of `user` on the runtime contract, opened at `now`.
pub async fn login(sql: &Database, user: UserId, now: i64) -> Login {
    let new = new_login(user, now);
    let opened = logins::open_without_password(sql, &new).await;
    opened.expect("a statement").expect("a login")
}

pub fn new_login(user: UserId, now: i64) -> NewLogin<'static> {
    NewLogin {
        uuid: fresh(),
        user,
        audience: Audience::Runtime,
        now,
        expires_at: now + LIFETIME,
        user_agent: Some("tests"),
        address: Some("127.0.0.1"),
    }
}

/// [`verifications::try_code`] of a sign-up.
pub async fn try_sign_up(sql: &Database, address: &str, now: i64) -> Option<Pending> {
    verifications::try_code(sql, Purpose::SignUp, &email(address), now)
        .await
        .expect("a statement")
}

/// The first value that `select` gives.
pub async fn one<T: FromValue>(sql: &Database, select: &str, parameters: Vec<Value>) -> T {
    let rows = ports::Sql::execute(sql, select, parameters).await;
    let rows = rows.expect("a statement");
    rows.first().expect("a row").get(0).expect("a value")
}

/// How many rows `table` has.
pub async fn count(sql: &Database, table: &str) -> i64 {
    one(sql, &format!("SELECT COUNT(*) FROM {table}"), Vec::new()).await
}
