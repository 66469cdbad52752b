//! What only real sandboxes can show of the registry.

use crate::site::{Kind, Site, docker_settings, engine, open};
use sandbox::{
    backend::{Backend as _, BackendError},
    docker::{Docker, Settings},
    registry::{Change, Launch, Status},
};
use std::{os::unix::net::UnixListener, time::Duration};

async fn comes_back(kind: Kind) {
    if !kind.is_here() {
        return;
    }
    let site = Site::new(kind, |settings| settings.pool = 1).await;
    let session = site.launch().await;
    assert_eq!(
        site.ok(session, "pwd; echo kept > file; id -u")
            .await
            .lines()
            .next(),
        Some("/workspace")
    );
    let used = site.sandboxes.enter(session).await.unwrap();
    let started = used.live().running.init;
    drop(used);
    site.sandboxes.stop(session).await.unwrap();
    assert_eq!(
        site.sandboxes.status(session).unwrap().status,
        Status::Stopped
    );
    assert_eq!(site.ok(session, "cat file").await, "kept\n");

    // It takes its own socket away, and puts something else there.
    site.run(
        session,
        "rm -f /run/atelier/init.sock; mkdir -p /run/atelier/init.sock/x; ln -s / /run/atelier/y",
    )
    .await;
    site.sandboxes.shutdown().await.unwrap();
    let (again, recovered) = open(site.backend.clone(), site.state.path(), |_| {}).await;
    assert!(recovered.adopted >= 1, "{recovered:?}");
    let used = again.enter(session).await.unwrap();
    assert_ne!(used.live().running.init, started);
    assert_eq!(
        std::fs::read_to_string(used.workspace().join("file")).unwrap(),
        "kept\n"
    );
    drop(used);

    // Process 1 is killed from outside.
    let used = again.enter(session).await.unwrap();
    let init = used.live().running.init;
    let pid = rustix::process::Pid::from_raw(i32::try_from(init).unwrap()).unwrap();
    drop(used);
    let mut told = again.subscribe();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(told.recv().await.unwrap().change, Change::Stopped);
    let used = again.enter(session).await.unwrap();
    assert_ne!(used.live().running.init, init);
    drop(used);
    again.destroy(session).await.unwrap();
    assert_eq!(again.counts().pooled, 0);
    assert_eq!(site.backend.running().await.unwrap(), []);
    again.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_comes_back_whatever_ends_it() {
    comes_back(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_comes_back_whatever_ends_it() {
    comes_back(Kind::Namespace).await;
}

#[tokio::test]
async fn an_engine_that_is_not_there_or_does_not_answer_is_said_with_the_remedy() {
    let state = tempfile::tempdir().unwrap();
    let silent = state.path().join("silent.sock");
    let _listener = UnixListener::bind(&silent).unwrap();
    let silent = format!("unix://{}", silent.display());
    let cases = [
        ("unix:///nonexistent/docker.sock", "is not there"),
        ("tcp://127.0.0.1:2375", "is no unix socket"),
        (silent.as_str(), "does not answer"),
    ];
    for (host, why) in cases {
        let settings = Settings {
            host: Some(host.to_owned()),
            ..docker_settings(state.path())
        };
        let error = Docker::open(settings).await.unwrap_err();
        let BackendError::Unavailable(text) = error else {
            panic!("{error:?}");
        };
        assert!(text.contains(why) && text.contains("DOCKER_HOST"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_missing_is_built_or_said_with_the_remedy() {
    if !Kind::Docker.is_here() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let base = docker_settings(state.path());
    let with = |image: &str, dockerfile: Option<&str>| Settings {
        image: image.to_owned(),
        dockerfile: dockerfile.map(str::to_owned),
        ..base.clone()
    };
    let missing = Docker::open(with("atelier-test:missing", None)).await;
    assert!(missing.unwrap_err().to_string().contains("RUNNER_IMAGE"));
    let wrong = Docker::open(with(
        "atelier-test:missing",
        Some("FROM nowhere.invalid/none:1"),
    ))
    .await;
    assert!(
        wrong
            .unwrap_err()
            .to_string()
            .contains("building it failed")
    );
    let built = format!("FROM {}\nENV BUILT=1\n", base.image);
    let name = format!("atelier-test:{}", uuid::Uuid::new_v4().simple());
    let docker = Docker::open(with(&name, Some(&built))).await.unwrap();
    assert_eq!(docker.running().await.unwrap(), []);
    let client = bollard::Docker::connect_with_host(&engine().unwrap()).unwrap();
    let client = client.negotiate_version().await.unwrap();
    client
        .remove_image(
            &name,
            None::<bollard::query_parameters::RemoveImageOptions>,
            None,
        )
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_with_the_network_has_it_and_one_without_has_not() {
    if !Kind::Docker.is_here() {
        return;
    }
    let site = Site::new(Kind::Docker, |settings| settings.network = true).await;
    let (without, with) = (site.launch().await, uuid::Uuid::new_v4());
    let launch = Launch {
        user: 1,
        network: true,
        project: None,
        read_only: false,
    };
    site.sandboxes.launch(with, launch).await.unwrap();
    let routes = "wc -l < /proc/net/route";
    assert_eq!(site.ok(without, routes).await.trim(), "1");
    assert_ne!(site.ok(with, routes).await.trim(), "1");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_was_half_made_is_found_and_made_anew() {
    if !Kind::Docker.is_here() {
        return;
    }
    let site = Site::new(Kind::Docker, |_| {}).await;
    let session = site.launch().await;
    site.sandboxes.stop(session).await.unwrap();
    let id = site.sandboxes.status(session).unwrap().id;
    // As a runner leaves it that is killed between making and starting.
    let client = bollard::Docker::connect_with_host(&engine().unwrap()).unwrap();
    let client = client.negotiate_version().await.unwrap();
    let other = site.launch().await;
    let other_id = site.sandboxes.status(other).unwrap().id;
    let all = client
        .list_containers(None::<bollard::query_parameters::ListContainersOptions>)
        .await
        .unwrap();
    let name = all.iter().flat_map(|one| one.names.iter().flatten());
    let name = name
        .into_iter()
        .find(|name| name.ends_with(&other_id.to_string()))
        .unwrap();
    let runner = name
        .trim_start_matches("/atelier-")
        .split('-')
        .next()
        .unwrap()
        .to_owned();
    let body = bollard::models::ContainerCreateBody {
        image: Some(docker_settings(site.state.path()).image),
        labels: Some(
            [
                ("dev.atelier.runner".to_owned(), runner.clone()),
                ("dev.atelier.sandbox".to_owned(), id.to_string()),
            ]
            .into(),
        ),
        ..Default::default()
    };
    let options = bollard::query_parameters::CreateContainerOptions {
        name: Some(format!("atelier-{runner}-{id}")),
        ..Default::default()
    };
    client.create_container(Some(options), body).await.unwrap();
    assert!(site.backend.running().await.unwrap().contains(&id));
    assert_eq!(site.ok(session, "echo runs").await, "runs\n");
    tokio::time::timeout(Duration::from_secs(60), site.end())
        .await
        .unwrap();
}
