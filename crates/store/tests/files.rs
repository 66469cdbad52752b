//! Files: what is known of them, and what is left of them.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::{AvatarUrl, BusinessType, FileName, FilePlace, StoredFile, UserId};
use given::{account, count, database, fresh};
use platform_native::sqlite::Database;
use ports::Sql;
use store::{
    Window,
    files::{self, Filter, NewFile},
};

const ALL: Window = Window {
    skip: 0,
    limit: 100,
};

async fn begin(sql: &Database, user: UserId, size: i64) -> Option<StoredFile> {
    begin_for(sql, user, BusinessType::Output, size).await
}

async fn begin_for(
    sql: &Database,
    user: UserId,
    business_type: BusinessType,
    size: i64,
) -> Option<StoredFile> {
    let new = NewFile {
        uuid: fresh(),
        user,
        business_type,
        name: &FileName::of("cat.png", ""),
        file_type: "image/png",
        size,
        place: FilePlace::Runner,
        workflow: None,
        now: 10,
    };
    files::begin(sql, &new).await.expect("a statement")
}

#[tokio::test]
async fn a_file_is_seen_when_its_bytes_are_there() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await.id;
    let eve = account(&sql, "eve", "hash").await.id;
    let file = begin(&sql, ada, 7).await.expect("a file");
    let find = async |owner| {
        let found = files::find(&sql, owner, file.id).await;
        found.expect("a statement")
    };
    assert_eq!(find(Some(ada)).await, None);
    assert!(
        files::finish(&sql, file.id, 7, 20)
            .await
            .expect("a statement")
    );
    assert!(
        !files::finish(&sql, file.id, 7, 30)
            .await
            .expect("a statement")
    );
    assert_eq!(find(Some(ada)).await.as_ref(), Some(&file));
    assert_eq!(find(None).await.as_ref(), Some(&file));
    assert_eq!(find(Some(eve)).await, None);
    let deleted = files::delete(&sql, Some(eve), file.id).await;
    assert!(!deleted.expect("a statement"));
    let by_uuid = files::by_uuid(&sql, file.uuid).await.expect("a statement");
    assert_eq!(by_uuid.as_ref(), Some(&file));
    let check = async |filter: Filter<'_>, expected: i64| {
        let listed = files::list(&sql, Some(ada), filter, ALL).await;
        assert_eq!(listed.expect("a list").total, expected, "{filter:?}");
    };
    let of_type = |file_type| Filter {
        file_type: Some(file_type),
        ..Filter::default()
    };
    check(Filter::default(), 1).await;
    check(of_type("image/png"), 1).await;
    check(of_type("image/"), 1).await;
    check(of_type("image"), 0).await;
    check(of_type("application/"), 0).await;
    check(of_type("%/"), 0).await;
    let avatars = Filter {
        business_type: Some(BusinessType::Avatar),
        ..Filter::default()
    };
    check(avatars, 0).await;
    let deleted = files::delete(&sql, Some(ada), file.id).await;
    assert!(deleted.expect("a statement"));
    let remains = async |place, after| {
        let remains = files::remains(&sql, place, after, 10).await;
        remains.expect("a list")
    };
    let left = remains(FilePlace::Runner, None).await;
    let left: Vec<_> = left.iter().map(|left| (left.uuid, left.place)).collect();
    assert_eq!(left, [(file.uuid, FilePlace::Runner)]);
    let behind = remains(FilePlace::Runner, Some(file.uuid)).await;
    assert!(behind.is_empty());
    assert!(remains(FilePlace::KeyValue, None).await.is_empty());
    files::buried(&sql, file.uuid).await.expect("a statement");
    assert_eq!(count(&sql, "file_remains").await, 0);
}

#[tokio::test]
async fn what_never_came_and_whose_owner_went_remains() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await.id;
    let late = begin(&sql, ada, 7).await.expect("a file");
    assert_eq!(files::abandon(&sql, 10).await.expect("a statement"), 0);
    assert_eq!(files::abandon(&sql, 11).await.expect("a statement"), 1);
    assert!(
        !files::finish(&sql, late.id, 7, 20)
            .await
            .expect("a statement")
    );
    begin(&sql, ada, 7).await.expect("a file");
    let deleted = store::accounts::delete(&sql, ada).await;
    assert!(deleted.expect("a statement"));
    assert_eq!(count(&sql, "files").await, 0);
    assert_eq!(count(&sql, "file_remains").await, 2);
    assert!(begin(&sql, ada, 7).await.is_none());
}

/// Of two who send a picture at once one is later, in whichever order they go on.
#[tokio::test]
async fn the_newest_picture_is_the_one_that_is_shown() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await.id;
    let eve = account(&sql, "eve", "hash").await.id;
    let url = |name: &str| AvatarUrl::parse(&format!("https://example.org/{name}"));
    let show = async |user, name: &str, file: &StoredFile| {
        let url = url(name).expect("a URL");
        let shown = store::accounts::show_picture(&sql, user, &url, file.id).await;
        shown.expect("a statement")
    };
    let shown = async || {
        let account = store::accounts::by_id(&sql, ada).await;
        account.expect("a statement").expect("ada").avatar_url
    };
    let picture = async || {
        let begun = begin_for(&sql, ada, BusinessType::Avatar, 7).await;
        begun.expect("a file")
    };
    let finish = async |file: &StoredFile| {
        let finished = files::finish(&sql, file.id, 7, 20).await;
        assert!(finished.expect("a statement"));
    };
    let (old, new) = (picture().await, picture().await);
    finish(&old).await;
    // One that is not there yet is in nobody's way, and neither is another file.
    finish(&begin(&sql, ada, 7).await.expect("a file")).await;
    assert!(show(ada, "old", &old).await);
    finish(&new).await;
    assert!(show(ada, "new", &new).await);
    assert!(!show(ada, "old", &old).await);
    assert!(!show(eve, "new", &new).await);
    assert_eq!(shown().await.as_deref(), Some("https://example.org/new"));
    let hide = async |url: &str| {
        let hidden = store::accounts::hide_picture(&sql, ada, url).await;
        hidden.expect("a statement");
    };
    hide("https://example.org/old").await;
    assert!(shown().await.is_some());
    hide("https://example.org/new").await;
    assert_eq!(shown().await, None);
    let deleted = files::delete(&sql, Some(ada), new.id).await;
    assert!(deleted.expect("a statement"));
    assert!(!show(ada, "new", &new).await);
}

#[tokio::test]
async fn there_is_a_limit_to_what_one_has() {
    let sql = database().await;
    let ada = account(&sql, "ada", "hash").await.id;
    let half = files::BYTES_MOST / 2;
    assert!(begin(&sql, ada, half).await.is_some());
    assert!(begin(&sql, ada, half + 1).await.is_none());
    assert!(begin(&sql, ada, half).await.is_some());
    assert!(begin(&sql, ada, 1).await.is_none());
    sql.execute("DELETE FROM files", Vec::new())
        .await
        .expect("a statement");
    let many = "INSERT INTO files (uuid, user_id, business_type, name, file_type, size, place, \
         created_at) WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL \
         SELECT number + 1 FROM numbers WHERE number < ?2) \
         SELECT 'many-' || number, ?1, 'OUTPUT', 'x', 'image/png', 0, 'runner', 0 FROM numbers";
    let parameters = vec![ada.0.into(), files::FILES_MOST.into()];
    sql.execute(many, parameters).await.expect("a statement");
    assert!(begin(&sql, ada, 1).await.is_none());
}
