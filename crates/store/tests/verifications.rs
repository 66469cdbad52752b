//! Codes: counted tries, renewal, replacement, and what is swept.

#![allow(clippy::expect_used, reason = "tests")]

mod given;

use domain::{Account, Purpose, UserId};
use given::{account, database, email, fresh, login, one, sign_up, try_sign_up};
use platform_native::sqlite::Database;
use store::{
    logins,
    sweep::{LOGIN_KEPT_MS, VERIFICATION_KEPT_MS, sweep},
    verifications::{self, MOST_TRIES, NewCode, NewVerification, Subject},
};

const ADA: &str = "ada@example.org";

async fn change_address(sql: &Database, user: &Account, address: &str, hash: &str) {
    let new = NewVerification {
        uuid: fresh(),
        email: &email(address),
        subject: Subject::EmailChange(user.id),
        code_hash: hash,
        redirect_to: Some("https://example.org/done"),
        now: 0,
        expires_at: 600_000,
    };
    verifications::put(sql, &new).await.expect("stored");
}

/// The hash that waits for a change of `user`'s address.
async fn awaited(sql: &Database, user: UserId) -> Option<String> {
    let pending = verifications::try_email_change(sql, user, 0).await;
    pending
        .expect("a statement")
        .map(|pending| pending.code_hash)
}

#[tokio::test]
async fn a_code_can_be_tried_five_times_and_a_sixth_is_refused_even_when_right() {
    let sql = database().await;
    let uuid = sign_up(&sql, "ada", ADA, "hash").await;
    for _ in 0..MOST_TRIES {
        let pending = try_sign_up(&sql, ADA, 0).await.expect("a try");
        assert_eq!(pending.uuid, uuid);
        assert_eq!(pending.email, email(ADA));
        assert_eq!(pending.username.as_deref(), Some("ada"));
        assert_eq!(pending.code_hash, "code");
        assert_eq!((pending.user, pending.redirect_to), (None, None));
    }
    assert_eq!(try_sign_up(&sql, ADA, 0).await, None);
    assert_eq!(try_sign_up(&sql, ADA, 1).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_tries_at_once_count_five() {
    let sql = database().await;
    sign_up(&sql, "ada", ADA, "hash").await;
    let all: Vec<_> = (0..20)
        .map(|_| {
            let sql = sql.clone();
            tokio::spawn(async move { try_sign_up(&sql, ADA, 0).await.is_some() })
        })
        .collect();
    let mut allowed = 0;
    for one in all {
        allowed += i64::from(one.await.expect("a task"));
    }
    assert_eq!(allowed, MOST_TRIES);
    let tries: i64 = one(&sql, "SELECT tries FROM verifications", Vec::new()).await;
    assert_eq!(tries, MOST_TRIES);
}

#[tokio::test]
async fn a_code_is_good_at_its_address_for_its_purpose_until_it_expires() {
    let sql = database().await;
    sign_up(&sql, "ada", ADA, "hash").await;
    let check = async |purpose, address, now, good: bool| {
        let pending = verifications::try_code(&sql, purpose, &email(address), now).await;
        let pending = pending.expect("a statement");
        assert_eq!(pending.is_some(), good, "{purpose:?} {address} {now}");
    };
    check(Purpose::PasswordReset, ADA, 0, false).await;
    check(Purpose::EmailChange, ADA, 0, false).await;
    check(Purpose::SignUp, "bob@example.org", 0, false).await;
    check(Purpose::SignUp, ADA, 600_000, false).await;
    check(Purpose::SignUp, ADA, 599_999, true).await;
    check(Purpose::SignUp, "ADA@example.org", 0, true).await;
}

#[tokio::test]
async fn a_renewed_code_has_all_its_tries_and_the_old_one_is_void() {
    let sql = database().await;
    let uuid = sign_up(&sql, "ada", ADA, "hash").await;
    while try_sign_up(&sql, ADA, 0).await.is_some() {}
    let renew = async |address, now| {
        let code = NewCode {
            hash: "new code",
            now,
            expires_at: now + 600_000,
        };
        verifications::renew_code(&sql, Purpose::SignUp, &email(address), &code)
            .await
            .expect("a statement")
    };
    assert_eq!(renew("bob@example.org", 1).await, None);
    assert_eq!(renew(ADA, 600_000).await, None);
    let renewed = renew(ADA, 599_999).await.expect("renewed");
    assert_eq!(
        (renewed.uuid, renewed.code_hash.as_str()),
        (uuid, "new code")
    );
    for _ in 0..MOST_TRIES {
        let pending = try_sign_up(&sql, ADA, 1_199_998).await.expect("a try");
        assert_eq!(pending.code_hash, "new code");
    }
    assert_eq!(try_sign_up(&sql, ADA, 1_199_998).await, None);
}

#[tokio::test]
async fn a_new_request_takes_the_place_of_the_old() {
    let sql = database().await;
    let old = sign_up(&sql, "ada", ADA, "hash").await;
    while try_sign_up(&sql, ADA, 0).await.is_some() {}
    let new = sign_up(&sql, "ada_2", ADA, "hash 2").await;
    assert_ne!(old, new);
    let pending = try_sign_up(&sql, ADA, 0).await.expect("a try");
    assert_eq!(pending.uuid, new);
    assert_eq!(pending.username.as_deref(), Some("ada_2"));
    assert!(!verifications::take(&sql, old).await.expect("nothing"));
}

#[tokio::test]
async fn one_change_of_address_waits_for_each_user_and_each_address() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    change_address(&sql, &ada, "x@example.org", "1").await;
    change_address(&sql, &ada, "y@example.org", "2").await;
    assert_eq!(awaited(&sql, ada.id).await.as_deref(), Some("2"));
    change_address(&sql, &bob, "z@example.org", "3").await;
    assert_eq!(awaited(&sql, ada.id).await.as_deref(), Some("2"));
    // Bob's claim on Ada's new address takes the place of both.
    change_address(&sql, &bob, "y@example.org", "4").await;
    assert_eq!(awaited(&sql, ada.id).await, None);
    for _ in 0..MOST_TRIES {
        assert_eq!(awaited(&sql, bob.id).await.as_deref(), Some("4"));
    }
    assert_eq!(awaited(&sql, bob.id).await, None);
    let left: i64 = one(&sql, "SELECT COUNT(*) FROM verifications", Vec::new()).await;
    assert_eq!(left, 1);
}

#[tokio::test]
async fn purposes_do_not_disturb_each_other() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    sign_up(&sql, "ada_2", ADA, "hash").await;
    change_address(&sql, &ada, ADA, "change").await;
    let reset = NewVerification {
        uuid: fresh(),
        email: &email(ADA),
        subject: Subject::PasswordReset(ada.id),
        code_hash: "reset",
        redirect_to: None,
        now: 0,
        expires_at: 600_000,
    };
    verifications::put(&sql, &reset).await.expect("stored");
    for (purpose, hash, user) in [
        (Purpose::SignUp, "code", None),
        (Purpose::EmailChange, "change", Some(ada.id)),
        (Purpose::PasswordReset, "reset", Some(ada.id)),
    ] {
        let pending = verifications::try_code(&sql, purpose, &email(ADA), 0).await;
        let pending = pending.expect("a statement").expect("a try");
        assert_eq!((pending.code_hash.as_str(), pending.user), (hash, user));
    }
}

#[tokio::test]
async fn what_waits_does_not_show_itself() {
    let sql = database().await;
    sign_up(&sql, "ada", ADA, "hash").await;
    let shown = format!("{:?}", try_sign_up(&sql, ADA, 0).await);
    assert!(!shown.contains("code") && !shown.contains(ADA), "{shown}");
}

#[tokio::test]
async fn a_sweep_removes_what_ended_long_ago_and_nothing_else() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    sign_up(&sql, "bob", "bob@example.org", "hash").await;
    let expires = login(&sql, ada.id, 0).await;
    let ended = login(&sql, ada.id, LOGIN_KEPT_MS).await;
    assert!(logins::revoke(&sql, ended.uuid, 5).await.expect("ended"));
    login(&sql, ada.id, LOGIN_KEPT_MS).await;
    let swept = async |now| sweep(&sql, now).await.expect("swept");
    let code_gone = 600_000 + VERIFICATION_KEPT_MS;
    assert_eq!(swept(code_gone).await, 0);
    assert_eq!(swept(code_gone + 1).await, 1);
    assert_eq!(swept(5 + LOGIN_KEPT_MS).await, 0);
    assert_eq!(swept(6 + LOGIN_KEPT_MS).await, 1);
    let login_gone = expires.expires_at.0 + LOGIN_KEPT_MS;
    assert_eq!(swept(login_gone).await, 0);
    assert_eq!(swept(login_gone + 1).await, 1);
    let left: i64 = one(&sql, "SELECT COUNT(*) FROM logins", Vec::new()).await;
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_sweep_goes_on_over_many_portions() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO logins (uuid, user_id, audience, created_at, last_used_at, expires_at) \
         SELECT 'l' || i, ?1, 'studio', 0, 0, 0 FROM n RETURNING id";
    one::<i64>(&sql, many, vec![ada.id.0.into()]).await;
    assert_eq!(sweep(&sql, LOGIN_KEPT_MS + 1).await.expect("swept"), 1_200);
}
