//! How accounts begin, change and end.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::{Account, AccountRole, AvatarUrl, Bio, DisplayName, UserId};
use given::{account, count, database, email, fresh, login, one, sign_up, username};
use platform_native::sqlite::Database;
use store::{
    accounts::{self, Changed, Inserted, ProfileChange},
    logins, verifications,
};

async fn insert(sql: &Database, verification: uuid::Uuid, now: i64) -> Inserted {
    accounts::insert_verified(sql, verification, fresh(), now)
        .await
        .expect("a statement")
}

#[tokio::test]
async fn a_verified_account_is_found_by_all_that_names_it() {
    let sql = database().await;
    let verification = sign_up(&sql, "Ada", "ada@example.org", "hash").await;
    let Inserted::Done(ada) = insert(&sql, verification, 5).await else {
        panic!("not inserted");
    };
    assert_eq!(
        (ada.username.as_str(), ada.email.as_str(), ada.role),
        ("Ada", "ada@example.org", AccountRole::User)
    );
    assert_eq!(ada.created_at.0, 5);
    assert_eq!(ada.email_confirmed_at.map(|at| at.0), Some(5));
    let found = |account: Option<Account>| assert_eq!(account.as_ref(), Some(&ada));
    found(accounts::by_id(&sql, ada.id).await.expect("a query"));
    let address = email("ADA@example.org");
    found(accounts::by_email(&sql, &address).await.expect("a query"));
    for name in ["Ada", "ada", "ADA"] {
        found(accounts::by_username(&sql, name).await.expect("a query"));
        let credentials = accounts::credentials_by_username(&sql, name).await;
        assert_eq!(credentials.expect("a query").expect("one").1, "hash");
    }
    for credentials in [
        accounts::credentials_by_id(&sql, ada.id).await,
        accounts::credentials_by_email(&sql, &address).await,
    ] {
        let expected = Some((ada.clone(), "hash".to_owned()));
        assert_eq!(credentials.expect("a query"), expected);
    }
    for nobody in ["", "ada_", "Ad", "%", "a_a"] {
        let found = accounts::by_username(&sql, nobody).await;
        assert_eq!(found.expect("a query"), None, "{nobody}");
    }
}

#[tokio::test]
async fn names_and_addresses_are_taken_once_and_a_sign_up_is_used_once() {
    let sql = database().await;
    account(&sql, "ada", "hash").await;
    for (name, address, expected) in [
        ("ADA", "other@example.org", Inserted::UsernameTaken),
        ("other", "ada@example.org", Inserted::EmailTaken),
        ("Ada", "ada@example.org", Inserted::EmailTaken),
    ] {
        let verification = sign_up(&sql, name, address, "other hash").await;
        assert_eq!(insert(&sql, verification, 0).await, expected, "{name}");
    }
    let verification = sign_up(&sql, "bob", "bob@example.org", "hash").await;
    assert_eq!(insert(&sql, fresh(), 0).await, Inserted::Gone);
    assert_eq!(insert(&sql, verification, 600_000).await, Inserted::Gone);
    let done = insert(&sql, verification, 599_999).await;
    assert!(matches!(done, Inserted::Done(_)));
    assert_eq!(insert(&sql, verification, 0).await, Inserted::EmailTaken);
    assert!(verifications::take(&sql, verification).await.expect("one"));
    assert!(!verifications::take(&sql, verification).await.expect("none"));
    assert_eq!(insert(&sql, verification, 0).await, Inserted::Gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_make_one_account() {
    let sql = database().await;
    let verification = sign_up(&sql, "ada", "ada@example.org", "hash").await;
    let all: Vec<_> = (0..20)
        .map(|_| {
            let sql = sql.clone();
            tokio::spawn(async move { insert(&sql, verification, 0).await })
        })
        .collect();
    let mut made = 0;
    for one in all {
        match one.await.expect("a task") {
            Inserted::Done(_) => made += 1,
            other => assert_eq!(other, Inserted::EmailTaken),
        }
    }
    assert_eq!((made, count(&sql, "users").await), (1, 1));
}

#[tokio::test]
async fn open_users_and_accounts_do_not_see_each_other() {
    let sql = database().await;
    let name = domain::OpenUsername::parse("ada").expect("a name");
    let open = store::open_users::insert(&sql, fresh(), &name, None, 0).await;
    let open = open.expect("a statement").expect("an open user");
    let ada = account(&sql, "ada", "hash").await;
    assert_ne!(open.id, ada.id);
    assert_eq!(accounts::by_id(&sql, open.id).await.expect("none"), None);
    let seen = store::open_users::by_id(&sql, ada.id).await;
    assert_eq!(seen.expect("none"), None);
    let set = accounts::set_password(&sql, open.id, "hash").await;
    assert!(!set.expect("a statement"));
    let new = given::new_login(open.id, 0);
    let opened = logins::open_without_password(&sql, &new).await;
    assert_eq!(opened.expect("a statement"), None);
    assert!(!accounts::delete(&sql, open.id).await.expect("nothing"));
    assert_eq!(count(&sql, "users").await, 2);
}

#[tokio::test]
async fn a_profile_changes_in_the_parts_that_are_given() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    account(&sql, "bob", "hash").await;
    let (name, bio) = (DisplayName::parse("Ada L"), Bio::parse("Programs."));
    let url = AvatarUrl::parse("https://example.org/a.png").expect("a URL");
    let (name, bio) = (name.expect("a name"), bio.expect("a text"));
    let all = ProfileChange {
        username: None,
        display_name: Some(Some(&name)),
        bio: Some(Some(&bio)),
        avatar_url: Some(Some(&url)),
    };
    let full = Account {
        display_name: Some("Ada L".to_owned()),
        bio: Some("Programs.".to_owned()),
        avatar_url: Some(url.as_str().to_owned()),
        ..ada.clone()
    };
    let change = async |change: &ProfileChange<'_>| {
        accounts::update_profile(&sql, ada.id, change)
            .await
            .expect("a statement")
    };
    assert_eq!(change(&all).await, Changed::Done(full.clone()));
    let nothing = ProfileChange::default();
    assert_eq!(change(&nothing).await, Changed::Done(full.clone()));
    // A taken name leaves everything as it was.
    let (taken, recased) = (username("BOB"), username("Ada"));
    let refused = ProfileChange {
        username: Some(&taken),
        bio: Some(None),
        ..nothing
    };
    assert_eq!(change(&refused).await, Changed::Taken);
    assert_eq!(change(&nothing).await, Changed::Done(full.clone()));
    let accepted = ProfileChange {
        username: Some(&recased),
        bio: Some(None),
        ..nothing
    };
    let expected = Account {
        username: "Ada".to_owned(),
        bio: None,
        ..full
    };
    assert_eq!(change(&accepted).await, Changed::Done(expected));
    let gone = accounts::update_profile(&sql, UserId(99), &all).await;
    assert_eq!(gone.expect("a statement"), Changed::Gone);
}

#[tokio::test]
async fn an_address_changes_unless_it_is_taken() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await;
    account(&sql, "bob", "hash").await;
    let change = async |user, address| {
        accounts::change_email(&sql, user, &email(address), 7)
            .await
            .expect("a statement")
    };
    assert_eq!(change(ada.id, "bob@example.org").await, Changed::Taken);
    assert_eq!(change(UserId(99), "a@example.org").await, Changed::Gone);
    let Changed::Done(changed) = change(ada.id, "new@example.org").await else {
        panic!("not changed");
    };
    assert_eq!(changed.email, "new@example.org");
    assert_eq!(changed.email_confirmed_at.map(|at| at.0), Some(7));
}

#[tokio::test]
async fn a_password_is_upgraded_only_if_it_is_still_the_same() {
    let sql = database().await;
    let ada = account(&sql, "ada", "one").await;
    let upgrade = async |old, new| {
        let done = accounts::replace_password(&sql, ada.id, old, new).await;
        done.expect("a statement")
    };
    assert!(upgrade("one", "one again").await);
    assert!(!upgrade("one", "one a third time").await);
    let set = accounts::set_password(&sql, ada.id, "two").await;
    assert!(set.expect("a statement"));
    assert!(!upgrade("one again", "one a third time").await);
    let now = accounts::credentials_by_id(&sql, ada.id).await;
    assert_eq!(now.expect("a query").expect("an account").1, "two");
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_even_without_foreign_keys() {
    let sql = database().await;
    let (ada, bob) = (
        account(&sql, "ada", "hash").await,
        account(&sql, "bob", "hash").await,
    );
    let mut connection = sql.connect().expect("a connection");
    let off = "PRAGMA foreign_keys = OFF";
    connection.execute(off, Vec::new()).await.expect("a pragma");
    for user in [&ada, &bob] {
        hang_things_on(&sql, user).await;
    }
    let tables = [
        "logins",
        "api_keys",
        "verifications",
        "sessions",
        "messages",
    ];
    for table in tables {
        assert_eq!(count(&sql, table).await, 2, "{table}");
    }
    let without = Unconstrained(tokio::sync::Mutex::new(connection));
    assert!(accounts::delete(&without, ada.id).await.expect("deleted"));
    assert!(!accounts::delete(&without, ada.id).await.expect("nothing"));
    for table in tables {
        assert_eq!(count(&sql, table).await, 1, "{table}");
    }
    assert_eq!(accounts::by_id(&sql, ada.id).await.expect("none"), None);
    assert_eq!(accounts::by_id(&sql, bob.id).await.expect("one"), Some(bob));
}

/// A database that does not follow its foreign keys.
struct Unconstrained(tokio::sync::Mutex<platform_native::sqlite::Connection>);

impl ports::Sql for Unconstrained {
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<ports::Value>,
    ) -> ports::BoxFuture<'a, Result<Vec<ports::Row>, ports::SqlError>> {
        Box::pin(async move {
            let mut connection = self.0.lock().await;
            let outcome = connection.execute(statement, parameters).await?;
            Ok(outcome.rows.into_iter().map(ports::Row::new).collect())
        })
    }
}

async fn hang_things_on(sql: &Database, user: &Account) {
    login(sql, user.id, 0).await;
    let name = domain::ApiKeyName::parse("key").expect("a name");
    let key = store::api_keys::NewApiKey {
        uuid: fresh(),
        user: user.id,
        name: &name,
        hash: &user.username,
        prefix: "atl_",
        now: 0,
    };
    let key = store::api_keys::insert(sql, &key).await;
    assert!(key.expect("a statement").is_some());
    let reset = verifications::NewVerification {
        uuid: fresh(),
        email: &email(&user.email),
        subject: verifications::Subject::PasswordReset(user.id),
        code_hash: "code",
        redirect_to: None,
        now: 0,
        expires_at: 1,
    };
    verifications::put(sql, &reset).await.expect("a reset");
    for insert in [
        "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES (?1, 'studio', ?2, 0) \
         RETURNING id",
        "INSERT INTO messages (uuid, session_id, role, content, status, created_at) \
         SELECT ?1, id, 'user', 'hi', 'complete', 0 FROM sessions WHERE user_id = ?2 RETURNING id",
    ] {
        let parameters = vec![fresh().to_string().into(), user.id.0.into()];
        one::<i64>(sql, insert, parameters).await;
    }
    let counts = accounts::counts(sql, user.id).await.expect("counts");
    assert_eq!((counts.workflows, counts.sessions), (0, 1));
}
