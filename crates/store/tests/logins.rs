//! Opening, finding, listing and ending logins.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::{Audience, Login, UserId};
use given::{LIFETIME, account, database, fresh, login, new_login, one};
use store::{
    Window, accounts,
    logins::{self, NewLogin, OPEN_MOST},
};

#[tokio::test]
async fn a_login_is_current_for_its_account_until_it_ends() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    let line = login(&sql, ada.id, 10).await;
    let current = async |login, user, now| {
        let found = logins::current(&sql, login, user, now).await;
        found.expect("a query")
    };
    let both = Some((ada.clone(), line.clone()));
    assert_eq!(current(line.uuid, ada.uuid, 10).await, both);
    let last = 10 + LIFETIME - 1;
    assert_eq!(current(line.uuid, ada.uuid, last).await, both);
    assert_eq!(current(line.uuid, ada.uuid, last + 1).await, None);
    assert_eq!(current(line.uuid, bob.uuid, 10).await, None);
    assert_eq!(current(fresh(), ada.uuid, 10).await, None);
    let revoke = async |now| logins::revoke(&sql, line.uuid, now).await.expect("ended");
    assert!(revoke(11).await);
    assert_eq!(current(line.uuid, ada.uuid, 10).await, None);
    assert!(!revoke(12).await);
    assert!(!logins::revoke(&sql, fresh(), 12).await.expect("nothing"));
}

#[tokio::test]
async fn a_login_keeps_what_the_client_said_cut_to_a_bound() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let long = "密".repeat(1_000);
    for audience in Audience::ALL {
        let new = NewLogin {
            audience,
            user_agent: Some(&long),
            address: None,
            ..new_login(ada.id, 7)
        };
        let opened = logins::open_without_password(&sql, &new).await;
        let opened = opened.expect("a statement").expect("a login");
        assert_eq!((opened.uuid, opened.audience), (new.uuid, audience));
        assert_eq!(opened.user_agent, Some("密".repeat(256)));
        assert_eq!(opened.address, None);
        assert_eq!((opened.created_at.0, opened.last_used_at.0), (7, 7));
        assert_eq!(opened.expires_at.0, 7 + LIFETIME);
    }
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_opens_nothing() {
    let sql = database().await;
    let ada = account(&sql, "ada", "one").await;
    let open = async |seen| {
        let opened = logins::open(&sql, &new_login(ada.id, 0), seen).await;
        opened.expect("a statement").is_some()
    };
    assert!(open("one").await);
    accounts::set_password(&sql, ada.id, "two")
        .await
        .expect("set");
    assert!(!open("one").await);
    assert!(!open("").await);
    assert!(open("two").await);
    let nobody = logins::open(&sql, &new_login(UserId(99), 0), "two").await;
    assert_eq!(nobody.expect("a statement"), None);
}

#[tokio::test]
async fn a_touch_extends_what_is_open_and_never_shortens_it() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let line = login(&sql, ada.id, 0).await;
    let touch = async |now, expires_at| {
        let touched = logins::touch(&sql, line.uuid, now, expires_at).await;
        touched
            .expect("a statement")
            .map(|(_, login)| (login.last_used_at.0, login.expires_at.0))
    };
    let longer = LIFETIME + 50;
    assert_eq!(touch(50, longer).await, Some((50, longer)));
    // Two at once may arrive in either order.
    assert_eq!(touch(40, LIFETIME + 40).await, Some((50, longer)));
    assert_eq!(touch(longer, 2 * longer).await, None);
    assert!(logins::revoke(&sql, line.uuid, 60).await.expect("ended"));
    assert_eq!(touch(70, longer).await, None);
    let nothing = logins::touch(&sql, fresh(), 0, 1).await;
    assert!(nothing.expect("a statement").is_none());
}

#[tokio::test]
async fn a_list_shows_the_open_ones_newest_first_in_parts() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    let mut own = Vec::new();
    for now in 0..5 {
        own.push(login(&sql, ada.id, now).await);
        login(&sql, bob.id, now).await;
    }
    // The first expires, the third is ended.
    assert!(logins::revoke(&sql, own[2].uuid, 9).await.expect("ended"));
    let list = async |skip, limit| {
        let window = Window { skip, limit };
        let listed = logins::list_of_user(&sql, ada.id, LIFETIME, window).await;
        let listed = listed.expect("a list");
        (listed.items, listed.total)
    };
    let open = [&own[4], &own[3], &own[1]].map(Clone::clone);
    assert_eq!(list(0, 10).await, (open.to_vec(), 3));
    assert_eq!(list(1, 1).await, (vec![open[1].clone()], 3));
    assert_eq!(list(3, 10).await, (Vec::new(), 3));
}

#[tokio::test]
async fn ones_own_logins_can_be_ended_and_no_others() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    let (here, there) = (login(&sql, ada.id, 0).await, login(&sql, ada.id, 0).await);
    let bobs = login(&sql, bob.id, 0).await;
    let end = async |user, login| {
        let ended = logins::revoke_one_of_user(&sql, user, login, 1).await;
        ended.expect("a statement")
    };
    assert!(!end(ada.id, bobs.uuid).await);
    assert!(end(ada.id, there.uuid).await);
    assert!(!end(ada.id, there.uuid).await);
    let end_all = async |except| {
        let ended = logins::revoke_of_user(&sql, ada.id, except, 1).await;
        ended.expect("a statement")
    };
    login(&sql, ada.id, 0).await;
    assert_eq!(end_all(Some(here.uuid)).await, 1);
    assert_eq!(end_all(Some(bobs.uuid)).await, 1);
    assert_eq!(end_all(None).await, 0);
    let open = logins::current(&sql, bobs.uuid, bob.uuid, 1).await;
    assert!(open.expect("a query").is_some());
}

#[tokio::test]
async fn one_more_than_an_account_may_have_open_ends_the_one_used_longest_ago() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    let bob = account(&sql, "bob", "hash").await;
    let bobs = login(&sql, bob.id, 0).await;
    let is_open = async |login: &Login, now| {
        let found = logins::current(&sql, login.uuid, ada.uuid, now).await;
        found.expect("a query").is_some()
    };
    // Neither what has expired nor what was ended takes a place.
    let expired = login(&sql, ada.id, -LIFETIME).await;
    let ended = login(&sql, ada.id, 0).await;
    assert!(logins::revoke(&sql, ended.uuid, 0).await.expect("ended"));
    let mut own = Vec::new();
    for now in 0..OPEN_MOST {
        own.push(login(&sql, ada.id, now).await);
    }
    for one in &own {
        assert!(is_open(one, OPEN_MOST).await);
    }
    // The first was used again, so the second is the one used longest ago.
    let touched = logins::touch(&sql, own[0].uuid, OPEN_MOST, LIFETIME).await;
    assert!(touched.expect("a statement").is_some());
    let with_password = new_login(ada.id, OPEN_MOST + 1);
    let opened = logins::open(&sql, &with_password, "hash").await;
    let newest = opened.expect("a statement").expect("a login");
    assert!(is_open(&newest, OPEN_MOST + 1).await && is_open(&own[0], OPEN_MOST + 1).await);
    assert!(!is_open(&own[1], OPEN_MOST + 1).await);
    assert!(is_open(&own[2], OPEN_MOST + 1).await);
    // By a clock that is behind, the new one seems the oldest: it stays all the same.
    let behind = login(&sql, ada.id, 1).await;
    assert!(is_open(&behind, 1).await && !is_open(&own[2], 1).await);
    let wrong = logins::open(&sql, &new_login(ada.id, OPEN_MOST + 2), "other").await;
    assert_eq!(wrong.expect("a statement"), None);
    assert!(is_open(&own[3], 1).await, "what opens nothing ends nothing");
    let list = Window { skip: 0, limit: 1 };
    let listed = logins::list_of_user(&sql, ada.id, OPEN_MOST, list).await;
    assert_eq!(listed.expect("a list").total, OPEN_MOST);
    let kept: i64 = one(
        &sql,
        "SELECT revoked_at IS NULL FROM logins WHERE uuid = ?1",
        vec![expired.uuid.to_string().into()],
    )
    .await;
    assert_eq!(kept, 1);
    let open = logins::current(&sql, bobs.uuid, bob.uuid, 1).await;
    assert!(open.expect("a query").is_some());
}
