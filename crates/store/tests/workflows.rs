//! Services, workflows, versions and locks.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::{
    AuthorKind, ServiceId, ServiceName, ServiceStatus, ServiceUrl, SessionKind, UserId,
    WorkflowFormat, WorkflowId, WorkflowName,
};
use given::{account, count, database, fresh, one};
use platform_native::sqlite::Database;
use ports::Sql;
use store::{
    Window,
    runs::{self, Beginning},
    services::{self, Found, NewService, ServiceChange},
    sessions, versions,
    workflows::{
        self, Author, Change, Changed, Content, Deleted, Filter, Inserted, Locked, NewWorkflow,
        Order, Scope, SortBy, Writer,
    },
};
use uuid::Uuid;

const ALL: Window = Window {
    skip: 0,
    limit: 1000,
};

const NEWEST: Order = Order {
    by: SortBy::CreatedAt,
    descending: true,
};

fn content(data: &str) -> Content<'_> {
    Content {
        data,
        format: WorkflowFormat::Api,
        node_count: 1,
    }
}

fn ada<'a>() -> Writer<'a> {
    Writer {
        author: Author::User("ada"),
        note: "",
        base: None,
        now: 10,
    }
}

async fn service(sql: &Database, name: &str) -> ServiceId {
    let new = NewService {
        uuid: fresh(),
        name: &ServiceName::parse(name).expect("a name"),
        url: &ServiceUrl::parse("http://gpu:8188").expect("a URL"),
        description: "",
        now: 1,
    };
    let inserted = services::insert(sql, &new).await.expect("a statement");
    inserted.expect("a service").id
}

async fn insert(
    sql: &Database,
    user: UserId,
    name: &str,
    service: Option<ServiceId>,
    data: &str,
) -> Inserted {
    let new = NewWorkflow {
        uuid: fresh(),
        user,
        name: &WorkflowName::parse(name).expect("a name"),
        description: "About",
        service,
        content: content(data),
        author: Author::User("ada"),
        note: "first",
        now: 5,
    };
    workflows::insert(sql, &new).await.expect("a statement")
}

async fn workflow(sql: &Database, user: UserId, name: &str) -> WorkflowId {
    match insert(sql, user, name, None, "{1}").await {
        Inserted::Done(id) => id,
        other => panic!("{name}: {other:?}"),
    }
}

/// A run that is being executed.
async fn run(sql: &Database, user: UserId) -> Uuid {
    let session = sessions::insert(sql, fresh(), SessionKind::Studio, user, None, 0, 100).await;
    let session = session.expect("a statement").expect("a session");
    let (uuid, message) = (fresh(), fresh());
    let body =
        format!(r#"{{"type":"user","run_id":"{uuid}","message_id":"{message}","text":"Hello"}}"#);
    let beginning = Beginning {
        uuid,
        session: session.id,
        user,
        agent: Some("Comfy"),
        body: &body,
        options: "{}",
        now: 5,
    };
    runs::begin(sql, &beginning).await.expect("a run");
    let taken = runs::take(sql, uuid, "token", 5, 1_000).await;
    assert!(taken.expect("a statement").is_some());
    uuid
}

async fn change_data(sql: &Database, scope: Scope, id: WorkflowId, data: &str) -> Changed {
    let change = Change {
        content: Some(content(data)),
        ..Change::default()
    };
    let changed = workflows::update(sql, scope, id, &change, &ada()).await;
    changed.expect("a statement")
}

async fn data(sql: &Database, scope: Scope, id: WorkflowId, number: Option<i64>) -> String {
    let found = versions::find(sql, scope, id, number).await;
    found.expect("a statement").expect("a version").data
}

#[tokio::test]
async fn a_change_is_a_version() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let gpu = service(&sql, "gpu").await;
    let id = workflow(&sql, scope.asker, "Cats").await;
    assert_eq!(change_data(&sql, scope, id, "{2}").await, Changed::Done(2));
    let name = WorkflowName::parse("Dogs").expect("a name");
    let change = Change {
        name: Some(&name),
        description: Some(""),
        service: Some(Some(gpu)),
        content: None,
    };
    let changed = workflows::update(&sql, scope, id, &change, &ada()).await;
    assert_eq!(changed.expect("a statement"), Changed::Done(3));
    let found = workflows::find(&sql, scope, id, 0).await;
    let found = found.expect("a statement").expect("a workflow");
    assert_eq!((found.workflow.version, found.versions), (3, 3));
    assert_eq!(found.workflow.name, "Dogs");
    assert_eq!(found.service_name.as_deref(), Some("gpu"));
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    let numbers: Vec<_> = listed.items.iter().map(|version| version.number).collect();
    assert_eq!((numbers, listed.total), (vec![3, 2, 1], 3));
    let names: Vec<_> = listed.items.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["Dogs", "Cats", "Cats"]);
    // The third is of the second's JSON, which is there once.
    assert_eq!(data(&sql, scope, id, None).await, "{2}");
    assert_eq!(data(&sql, scope, id, Some(1)).await, "{1}");
    assert_eq!(count(&sql, "workflow_contents").await, 2);
    let restored = workflows::restore(&sql, scope, id, 1, &ada()).await;
    assert_eq!(restored.expect("a statement"), Changed::Done(4));
    assert_eq!(data(&sql, scope, id, None).await, "{1}");
    let found = workflows::find(&sql, scope, id, 0).await;
    let found = found.expect("a statement").expect("a workflow");
    assert_eq!(found.workflow.name, "Cats");
    // Where it runs is none of a version's business.
    assert_eq!(found.workflow.service_id, Some(gpu));
    let restored = workflows::restore(&sql, scope, id, 9, &ada()).await;
    assert_eq!(restored.expect("a statement"), Changed::NoVersion);
}

#[tokio::test]
async fn strangers_find_nothing() {
    let sql = database().await;
    let mine = Scope::of(account(&sql, "ada", "hash").await.id);
    let theirs = Scope::of(account(&sql, "eve", "hash").await.id);
    let id = workflow(&sql, mine.asker, "Cats").await;
    let found = workflows::find(&sql, theirs, id, 0).await;
    assert_eq!(found.expect("a statement"), None);
    assert_eq!(change_data(&sql, theirs, id, "{2}").await, Changed::Gone);
    let restored = workflows::restore(&sql, theirs, id, 1, &ada()).await;
    assert_eq!(restored.expect("a statement"), Changed::Gone);
    let deleted = workflows::delete(&sql, theirs, id, 0).await;
    assert_eq!(deleted.expect("a statement"), Deleted::Gone);
    for favorite in [true, false] {
        let set = workflows::set_favorite(&sql, theirs, id, favorite).await;
        assert!(!set.expect("a statement"));
    }
    let versions = versions::list(&sql, theirs, id, ALL).await.expect("a list");
    assert_eq!(versions.total, 0);
    let version = versions::find(&sql, theirs, id, None).await;
    assert_eq!(version.expect("a statement"), None);
    let everybody = Scope {
        owner: None,
        asker: theirs.asker,
    };
    let found = workflows::find(&sql, everybody, id, 0).await;
    assert!(found.expect("a statement").is_some());
}

#[tokio::test]
async fn of_many_changes_at_once_each_has_its_number() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let id = workflow(&sql, scope.asker, "Cats").await;
    let texts: Vec<_> = (0..20).map(|number| format!("{{{number}}}")).collect();
    let changes = texts.iter().map(|text| change_data(&sql, scope, id, text));
    let mut numbers: Vec<_> = futures::future::join_all(changes)
        .await
        .into_iter()
        .map(|changed| match changed {
            Changed::Done(number) => number,
            other => panic!("{other:?}"),
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=21).collect::<Vec<_>>());
    // Of those who changed the same version, one did.
    let change = Change {
        content: Some(content("{}")),
        ..Change::default()
    };
    let writer = Writer {
        base: Some(21),
        ..ada()
    };
    let changes = (0..5).map(|_| workflows::update(&sql, scope, id, &change, &writer));
    let changed = futures::future::join_all(changes).await;
    let done = changed
        .iter()
        .filter(|changed| matches!(changed, Ok(Changed::Done(22))));
    assert_eq!(done.count(), 1);
    let overtaken = changed
        .iter()
        .filter(|changed| matches!(changed, Ok(Changed::Overtaken(22))));
    assert_eq!(overtaken.count(), 4);
}

#[tokio::test]
async fn a_lock_keeps_everybody_out_but_its_holder() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let id = workflow(&sql, scope.asker, "Cats").await;
    let (run, other) = (run(&sql, scope.asker).await, run(&sql, scope.asker).await);
    let lock = async |run: Uuid, now: i64, until: i64| {
        let why = (run, "Agent editing");
        let locked = workflows::lock(&sql, scope.owner, id, why, now, until).await;
        locked.expect("a statement")
    };
    assert_eq!(lock(run, 10, 100).await, Locked::Done(1));
    assert_eq!(lock(run, 20, 110).await, Locked::Done(1));
    let held = Locked::Held("Agent editing".to_owned());
    assert_eq!(lock(other, 20, 200).await, held);
    let locked = Changed::Locked("Agent editing".to_owned());
    assert_eq!(change_data(&sql, scope, id, "{2}").await, locked);
    let deleted = workflows::delete(&sql, scope, id, 20).await;
    let kept = Deleted::Locked("Agent editing".to_owned());
    assert_eq!(deleted.expect("a statement"), kept);
    let by = async |run: Uuid, now: i64| {
        let writer = Writer {
            author: Author::Agent { name: "Comfy", run },
            note: "wider",
            base: None,
            now,
        };
        let change = Change {
            content: Some(content("{3}")),
            ..Change::default()
        };
        let changed = workflows::update(&sql, scope, id, &change, &writer).await;
        changed.expect("a statement")
    };
    assert_eq!(by(run, 20).await, Changed::Done(2));
    assert_eq!(by(other, 20).await, locked);
    let version = versions::find(&sql, scope, id, Some(2)).await;
    let version = version.expect("a statement").expect("a version").version;
    assert_eq!(version.author_kind, AuthorKind::Agent);
    assert_eq!((version.author.as_str(), version.run), ("Comfy", Some(run)));
    assert_eq!(version.note, "wider");
    let found = workflows::find(&sql, scope, id, 109).await;
    let lock_now = found.expect("a statement").expect("a workflow").workflow;
    assert_eq!(lock_now.lock.expect("a lock").run, run);
    // It has run out: who held it changes nothing any more, and another takes it.
    assert_eq!(by(run, 110).await, locked);
    assert_eq!(lock(other, 110, 200).await, Locked::Done(2));
    let unlocked = workflows::unlock(&sql, id, run).await;
    assert!(!unlocked.expect("a statement"));
    let unlocked = workflows::unlock(&sql, id, other).await;
    assert!(unlocked.expect("a statement"));
    assert_eq!(change_data(&sql, scope, id, "{4}").await, Changed::Done(3));
}

#[tokio::test]
async fn a_run_that_has_ended_locks_nothing() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let id = workflow(&sql, scope.asker, "Cats").await;
    let lock = async |run: Uuid, id: WorkflowId| {
        let why = (run, "Agent editing");
        let locked = workflows::lock(&sql, scope.owner, id, why, 10, 100).await;
        locked.expect("a statement")
    };
    let run = run(&sql, scope.asker).await;
    assert_eq!(lock(run, id).await, Locked::Done(1));
    let end = "UPDATE runs SET status = 'succeeded', ended_at = 20, lease = NULL, \
         lease_until = NULL WHERE uuid = ?1";
    let ended = sql.execute(end, vec![run.to_string().into()]).await;
    ended.expect("a statement");
    // What was still under way in it comes too late.
    assert_eq!(lock(run, id).await, Locked::Ended);
    assert_eq!(lock(fresh(), id).await, Locked::Ended);
    assert_eq!(lock(run, WorkflowId(99)).await, Locked::Gone);
    assert_eq!(change_data(&sql, scope, id, "{2}").await, Changed::Done(2));
}

#[tokio::test]
async fn old_versions_go() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let id = workflow(&sql, scope.asker, "Cats").await;
    for number in 2..=205 {
        let changed = change_data(&sql, scope, id, &format!("{{{number}}}")).await;
        assert_eq!(changed, Changed::Done(number));
    }
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    assert_eq!(listed.total, 200);
    assert_eq!(listed.items.last().map(|version| version.number), Some(6));
    assert_eq!(count(&sql, "workflow_contents").await, 200);
    let large = |digit: u8| format!("{digit}{}", "x".repeat((10 << 20) - 1));
    for digit in 0..7 {
        change_data(&sql, scope, id, &large(digit)).await;
    }
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    assert_eq!(listed.total, 6);
    let kept: i64 = one(&sql, "SELECT SUM(size) FROM workflow_contents", Vec::new()).await;
    assert_eq!(kept, 6 * (10 << 20));
    // What is only called otherwise is there once, and counts once.
    for number in 0..10 {
        let name = WorkflowName::parse(&format!("Cats {number}")).expect("a name");
        let change = Change {
            name: Some(&name),
            ..Change::default()
        };
        let changed = workflows::update(&sql, scope, id, &change, &ada()).await;
        changed.expect("a statement");
    }
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    assert_eq!(listed.total, 16);
    let kept: i64 = one(&sql, "SELECT SUM(size) FROM workflow_contents", Vec::new()).await;
    assert_eq!(kept, 6 * (10 << 20));
    // It counts where it is newest: what comes back is no more than it was.
    let oldest = listed.items.last().map(|version| version.number);
    let restored = workflows::restore(&sql, scope, id, oldest.expect("a version"), &ada()).await;
    assert!(matches!(restored, Ok(Changed::Done(_))));
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    assert_eq!(listed.total, 17);
    // Another one sends the oldest of the others, and what it was before it was restored.
    change_data(&sql, scope, id, &large(7)).await;
    let listed = versions::list(&sql, scope, id, ALL).await.expect("a list");
    assert_eq!(listed.total, 16);
    let kept: i64 = one(&sql, "SELECT SUM(size) FROM workflow_contents", Vec::new()).await;
    assert_eq!(kept, 6 * (10 << 20));
}

#[tokio::test]
async fn the_same_json_again_is_not_stored_again() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let id = workflow(&sql, scope.asker, "Cats").await;
    let other = workflow(&sql, scope.asker, "Dogs").await;
    assert_eq!(change_data(&sql, scope, id, "{1}").await, Changed::Done(2));
    assert_eq!(count(&sql, "workflow_contents").await, 2);
    // It takes no room: not even where there is none.
    let fill = async |size: i64| {
        let update = "UPDATE workflow_contents SET size = ?2 WHERE workflow_id = ?1";
        let filled = sql.execute(update, vec![other.0.into(), size.into()]);
        filled.await.expect("a statement");
    };
    fill(workflows::BYTES_MOST).await;
    assert_eq!(change_data(&sql, scope, id, "{1}").await, Changed::Done(3));
    assert_eq!(change_data(&sql, scope, id, "{2}").await, Changed::Full);
    fill(3).await;
    // What is as long is not the same, nor is what the workflow was before.
    assert_eq!(change_data(&sql, scope, id, "{2}").await, Changed::Done(4));
    assert_eq!(change_data(&sql, scope, id, "{1}").await, Changed::Done(5));
    assert_eq!(count(&sql, "workflow_contents").await, 4);
    for (number, expected) in [(3, "{1}"), (4, "{2}"), (5, "{1}")] {
        assert_eq!(data(&sql, scope, id, Some(number)).await, expected);
    }
}

#[tokio::test]
async fn there_is_a_limit_to_what_one_has() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let missing = insert(&sql, scope.asker, "x", Some(ServiceId(9)), "{}").await;
    assert_eq!(missing, Inserted::NoService);
    let nobody = insert(&sql, UserId(99), "x", None, "{}").await;
    assert_eq!(nobody, Inserted::NoUser);
    let id = workflow(&sql, scope.asker, "Cats").await;
    let fill = "UPDATE workflow_contents SET size = 536870911";
    sql.execute(fill, Vec::new()).await.expect("a statement");
    let full = insert(&sql, scope.asker, "x", None, "{}").await;
    assert_eq!(full, Inserted::Full);
    assert_eq!(change_data(&sql, scope, id, "{}").await, Changed::Full);
    // What adds nothing is stored.
    let change = Change {
        description: Some("x"),
        ..Change::default()
    };
    let changed = workflows::update(&sql, scope, id, &change, &ada()).await;
    assert_eq!(changed.expect("a statement"), Changed::Done(2));
}

#[tokio::test]
async fn lists_are_filtered_and_sorted() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let gpu = service(&sql, "gpu").await;
    let cats = workflow(&sql, scope.asker, "cats 100%").await;
    let dogs = workflow(&sql, scope.asker, "Dogs").await;
    let birds = workflow(&sql, scope.asker, "birds").await;
    let change = Change {
        service: Some(Some(gpu)),
        description: Some("Wings"),
        ..Change::default()
    };
    let changed = workflows::update(&sql, scope, birds, &change, &ada()).await;
    changed.expect("a statement");
    workflows::touch(&sql, dogs, 50).await.expect("a statement");
    for _ in 0..2 {
        let set = workflows::set_favorite(&sql, scope, cats, true).await;
        assert!(set.expect("a statement"));
    }
    let check = async |filter: Filter<'_>, order: Order, expected: &[WorkflowId]| {
        let listed = workflows::list(&sql, scope, filter, order, ALL, 0).await;
        let listed = listed.expect("a list");
        let ids: Vec<_> = listed.items.iter().map(|it| it.workflow.id).collect();
        assert_eq!(ids, expected, "{filter:?} {order:?}");
        assert_eq!(listed.total, i64::try_from(expected.len()).unwrap_or(-1));
    };
    let order = |by, descending| Order { by, descending };
    let none = Filter::default();
    check(none, NEWEST, &[birds, dogs, cats]).await;
    check(none, order(SortBy::CreatedAt, false), &[cats, dogs, birds]).await;
    check(none, order(SortBy::Name, false), &[birds, cats, dogs]).await;
    check(none, order(SortBy::Name, true), &[dogs, cats, birds]).await;
    check(none, order(SortBy::LastUsedAt, true), &[dogs, birds, cats]).await;
    let search = |text| Filter {
        search: Some(text),
        ..none
    };
    check(search("DOG"), NEWEST, &[dogs]).await;
    check(search("wing"), NEWEST, &[birds]).await;
    check(search("0%"), NEWEST, &[cats]).await;
    check(search("_"), NEWEST, &[]).await;
    let favorite = |favorite| Filter {
        favorite: Some(favorite),
        ..none
    };
    check(favorite(true), NEWEST, &[cats]).await;
    check(favorite(false), NEWEST, &[birds, dogs]).await;
    let on = Filter {
        service: Some(gpu),
        ..none
    };
    check(on, NEWEST, &[birds]).await;
}

#[tokio::test]
async fn probes_are_of_the_address_that_is_there() {
    let sql = database().await;
    let id = service(&sql, "gpu").await;
    let find = async || {
        let found = services::find(&sql, id).await.expect("a statement");
        found.expect("a service").service
    };
    let before = find().await;
    assert_eq!(before.status, ServiceStatus::Unknown);
    let found = |began, response_time| Found {
        began,
        response_time,
    };
    let record = async |found| {
        let recorded = services::record(&sql, &before, found).await;
        recorded.expect("a statement")
    };
    assert!(record(found(20, Some(7))).await);
    // One that began before that does not count.
    assert!(!record(found(19, None)).await);
    assert_eq!(find().await.status, ServiceStatus::Online);
    assert_eq!(find().await.response_time, Some(7));
    let due = services::due(&sql, 19, 10).await.expect("a list");
    assert!(due.is_empty());
    assert_eq!(services::due(&sql, 20, 10).await.expect("a list").len(), 1);
    let url = ServiceUrl::parse("http://other:8188").expect("a URL");
    let moved = ServiceChange {
        url: Some(&url),
        ..ServiceChange::default()
    };
    let changed = services::update(&sql, id, &moved, 30).await;
    assert_eq!(changed.expect("a statement"), services::Changed::Done);
    assert_eq!(find().await.status, ServiceStatus::Unknown);
    assert_eq!(find().await.checked_at, None);
    assert!(!record(found(40, Some(7))).await);
    // The same address again forgets nothing.
    let now = find().await;
    let recorded = services::record(&sql, &now, found(50, None)).await;
    assert!(recorded.expect("a statement"));
    let changed = services::update(&sql, id, &moved, 60).await;
    assert_eq!(changed.expect("a statement"), services::Changed::Done);
    assert_eq!(find().await.status, ServiceStatus::Offline);
    service(&sql, "cpu").await;
    let name = ServiceName::parse("CPU").expect("a name");
    let taken = ServiceChange {
        name: Some(&name),
        ..ServiceChange::default()
    };
    let changed = services::update(&sql, id, &taken, 70).await;
    assert_eq!(changed.expect("a statement"), services::Changed::NameTaken);
}

#[tokio::test]
async fn what_is_deleted_leaves_nothing_even_without_foreign_keys() {
    let sql = database().await;
    let scope = Scope::of(account(&sql, "ada", "hash").await.id);
    let off = "PRAGMA foreign_keys = OFF";
    sql.execute(off, Vec::new()).await.expect("a statement");
    let gpu = service(&sql, "gpu").await;
    let first = match insert(&sql, scope.asker, "Cats", Some(gpu), "{1}").await {
        Inserted::Done(id) => id,
        other => panic!("{other:?}"),
    };
    let second = workflow(&sql, scope.asker, "Dogs").await;
    for id in [first, second] {
        change_data(&sql, scope, id, "{2}").await;
        let set = workflows::set_favorite(&sql, scope, id, true).await;
        assert!(set.expect("a statement"));
        let session = store::sessions::insert_about(&sql, fresh(), scope, id, None, 0, 100).await;
        session.expect("a statement").expect("a session");
    }
    assert!(services::delete(&sql, gpu).await.expect("a statement"));
    let found = workflows::find(&sql, scope, first, 0).await;
    let found = found.expect("a statement").expect("a workflow");
    assert_eq!((found.workflow.service_id, found.sessions), (None, 1));
    let deleted = workflows::delete(&sql, scope, first, 0).await;
    assert_eq!(deleted.expect("a statement"), Deleted::Done);
    assert_eq!(count(&sql, "workflow_contents").await, 2);
    assert_eq!(count(&sql, "sessions").await, 2);
    let about = "SELECT COUNT(workflow_id) FROM sessions";
    assert_eq!(one::<i64>(&sql, about, Vec::new()).await, 1);
    let deleted = store::accounts::delete(&sql, scope.asker).await;
    assert!(deleted.expect("a statement"));
    for table in [
        "workflows",
        "workflow_versions",
        "workflow_contents",
        "favorites",
        "sessions",
    ] {
        assert_eq!(count(&sql, table).await, 0, "{table}");
    }
}
