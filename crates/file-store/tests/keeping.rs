//! Files with a runner that keeps bytes as the real one does.

#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use domain::{BusinessType, Error, ErrorKind, FileName, FilePlace, UserId};
use file_store::{NewFile, SMALL, keep, keep_stream, read, remove, sweep};
use futures::{StreamExt, stream};
use platform_native::MapVariables;
use ports::{BoxFuture, ByteStream, Http, HttpError, Platform};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A runner that keeps bytes, breaks at a byte, and does not let go of what begins so.
#[derive(Clone, Default)]
struct Runner {
    blobs: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    breaks_at: Option<usize>,
    stuck: Option<&'static str>,
}

impl Http for Runner {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let mut blobs = self.blobs.lock().unwrap();
        let mut body = Vec::new();
        match request.method().as_str() {
            "PUT" => {
                let from = query.split('&').find_map(|pair| pair.strip_prefix("from="));
                let from: usize = from.unwrap().parse().unwrap();
                if self.breaks_at.is_some_and(|at| at <= from) {
                    let broken = HttpError::Broken("a reset".to_owned());
                    return Box::pin(std::future::ready(Err(broken)));
                }
                let blob = blobs.entry(path).or_default();
                assert_eq!(blob.len(), from);
                blob.extend_from_slice(request.body());
            }
            "GET" => body.clone_from(blobs.get(&path).unwrap()),
            _ if self.stuck.is_some_and(|stuck| path.starts_with(stuck)) => {
                let broken = HttpError::Broken("a reset".to_owned());
                return Box::pin(std::future::ready(Err(broken)));
            }
            _ => drop(blobs.remove(&path)),
        }
        let body = stream::iter([Ok(Bytes::from(body))]).boxed();
        Box::pin(std::future::ready(Ok(http::Response::new(body))))
    }
}

async fn platform(runner: &Runner) -> Platform {
    let variables: MapVariables = [
        ("runner_url", "http://127.0.0.1:9"),
        ("runner_token", "a-token-for-tests"),
        ("public_url", "http://127.0.0.1:3000/"),
        ("jwt_secret", "a-secret-for-tests-of-32-bytes-at-least"),
    ]
    .into_iter()
    .collect();
    let platform = platform_native::temporary(variables).unwrap();
    store::migrations::apply(&*platform.sql, 0, "test")
        .await
        .unwrap();
    let user = "INSERT INTO users (uuid, realm, username, created_at) VALUES \
         ('0190a5c0-0000-7000-8000-000000000001', 'account', 'ada', 0)";
    platform.sql.execute(user, Vec::new()).await.unwrap();
    Platform {
        http: Arc::new(runner.clone()),
        ..platform
    }
}

fn new(name: &FileName) -> NewFile<'_> {
    NewFile {
        user: UserId(1),
        business_type: BusinessType::Output,
        name,
        file_type: "image/png",
        workflow: None,
    }
}

async fn content(platform: &Platform, file: &domain::StoredFile) -> Vec<u8> {
    let mut body = read(platform, file).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    bytes
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_kept_is_read_whatever_its_size() {
    let runner = Runner::default();
    let platform = platform(&runner).await;
    let name = FileName::of("a.png", "");
    for (size, place) in [
        (0, FilePlace::KeyValue),
        (1, FilePlace::KeyValue),
        (SMALL, FilePlace::KeyValue),
        (SMALL + 1, FilePlace::Runner),
        (4 << 20, FilePlace::Runner),
        ((4 << 20) + 1, FilePlace::Runner),
    ] {
        let bytes = pattern(size);
        let kept = keep(&platform, &new(&name), bytes.clone().into())
            .await
            .unwrap();
        assert_eq!(
            (kept.place, kept.size),
            (place, i64::try_from(size).unwrap())
        );
        assert!(content(&platform, &kept).await == bytes, "{size}");
        // The same in pieces of any size, without a word on how many come.
        let pieces: Vec<_> = bytes
            .chunks(77_777)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let kept = keep_stream(&platform, &new(&name), stream::iter(pieces), 8 << 20)
            .await
            .unwrap();
        assert_eq!(
            (kept.place, kept.size),
            (place, i64::try_from(size).unwrap())
        );
        assert!(content(&platform, &kept).await == bytes, "{size}");
        assert!(remove(&platform, Some(UserId(1)), kept.id).await.unwrap());
    }
    let files = store::files::list(
        &*platform.sql,
        None,
        store::files::Filter::default(),
        store::Window {
            skip: 0,
            limit: 100,
        },
    );
    assert_eq!(files.await.unwrap().total, 6);
    assert_eq!(runner.blobs.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn of_what_fails_nothing_is_left() {
    let runner = Runner {
        breaks_at: Some(2 << 20),
        ..Runner::default()
    };
    let platform = platform(&runner).await;
    let name = FileName::of("a.png", "");
    let broken = keep(&platform, &new(&name), pattern(3 << 20).into()).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Upstream);
    let cut: [Result<Bytes, Error>; 2] = [
        Ok(pattern(1_500_000).into()),
        Err(Error::new(ErrorKind::Upstream, "cut off")),
    ];
    let broken = keep_stream(&platform, &new(&name), stream::iter(cut), 8 << 20).await;
    assert_eq!(broken.unwrap_err().detail(), "cut off");
    let many = stream::iter([Ok(pattern(1_900_000).into())]);
    let broken = keep_stream(&platform, &new(&name), many, 1_200_000).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::TooLarge);
    let many = stream::iter([Ok(pattern(11).into())]);
    let broken = keep_stream(&platform, &new(&name), many, 10).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::TooLarge);
    for table in ["files", "file_remains"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let rows = platform.sql.execute(&count, Vec::new()).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0, "{table}");
    }
    assert!(runner.blobs.lock().unwrap().is_empty());
    assert_eq!(sweep(&platform).await.unwrap(), 0);
}

#[tokio::test]
async fn what_never_came_is_swept() {
    let runner = Runner::default();
    let platform = platform(&runner).await;
    let announced = store::files::NewFile {
        uuid: uuid::Uuid::from_u128(7),
        user: UserId(1),
        business_type: BusinessType::Output,
        name: &FileName::of("a.png", ""),
        file_type: "image/png",
        size: 9 << 20,
        place: FilePlace::Runner,
        workflow: None,
        now: platform.clock.now() - 3_600_001,
    };
    store::files::begin(&*platform.sql, &announced)
        .await
        .unwrap()
        .unwrap();
    let path = "/v1/blobs/00000000-0000-0000-0000-000000000007";
    runner
        .blobs
        .lock()
        .unwrap()
        .insert(path.to_owned(), vec![1]);
    assert_eq!(sweep(&platform).await.unwrap(), 1);
    assert!(runner.blobs.lock().unwrap().is_empty());
}

/// Notes bytes whose file is gone: so many, at a place, with numbers from `first` on.
async fn leave(platform: &Platform, place: FilePlace, first: u32, count: u32) {
    let insert = "INSERT INTO file_remains (uuid, place) VALUES (?1, ?2)";
    for number in first..first + count {
        let uuid = uuid::Uuid::from_u128(number.into()).to_string();
        let parameters = vec![uuid.into(), place.as_str().into()];
        platform.sql.execute(insert, parameters).await.unwrap();
    }
}

async fn left(platform: &Platform) -> i64 {
    let count = "SELECT COUNT(*) FROM file_remains";
    let rows = platform.sql.execute(count, Vec::new()).await.unwrap();
    rows.first().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn a_sweep_goes_on_until_nothing_is_left() {
    let platform = platform(&Runner::default()).await;
    leave(&platform, FilePlace::KeyValue, 0, 600).await;
    leave(&platform, FilePlace::Runner, 1_000, 600).await;
    assert_eq!(sweep(&platform).await.unwrap(), 1_200);
    assert_eq!(left(&platform).await, 0);
}

#[tokio::test]
async fn what_cannot_be_removed_blocks_nothing_else() {
    // Three of the runner's stay, and before everything else.
    let stuck = Runner {
        stuck: Some("/v1/blobs/00000000-0000-0000-0000-00000000000"),
        ..Runner::default()
    };
    let some = platform(&stuck).await;
    leave(&some, FilePlace::Runner, 1, 3).await;
    leave(&some, FilePlace::Runner, 16, 520).await;
    leave(&some, FilePlace::KeyValue, 1_000, 5).await;
    assert_eq!(sweep(&some).await.unwrap(), 525);
    assert_eq!(left(&some).await, 3);
    // A runner that is away is not asked for each of many.
    let away = Runner {
        stuck: Some("/"),
        ..Runner::default()
    };
    let none = platform(&away).await;
    leave(&none, FilePlace::Runner, 0, 30).await;
    leave(&none, FilePlace::KeyValue, 1_000, 5).await;
    assert_eq!(sweep(&none).await.unwrap(), 5);
    assert_eq!(left(&none).await, 30);
}

#[tokio::test]
async fn as_much_must_be_free_as_may_come() {
    let platform = platform(&Runner::default()).await;
    let name = FileName::of("a.png", "");
    let fill = "INSERT INTO files (uuid, user_id, business_type, name, file_type, size, place, \
         created_at, stored_at) VALUES ('fill', 1, 'OUTPUT', 'x', 'image/png', ?1, 'runner', 0, 0)";
    let taken = store::files::BYTES_MOST - (4 << 20);
    let filled = platform.sql.execute(fill, vec![taken.into()]).await;
    filled.unwrap();
    let pieces = || stream::iter([Ok(Bytes::from(pattern(2 << 20)))]);
    let refused = keep_stream(&platform, &new(&name), pieces(), 64 << 20).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InsufficientStorage);
    let kept = keep_stream(&platform, &new(&name), pieces(), 2 << 20).await;
    assert_eq!(kept.unwrap().size, 2 << 20);
}
