//! Sandboxes that are made, found again and ended, and what is left of them: nothing.
//!
//! When root runs the tests, all of them run once more as an ordinary user.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use sandbox::{
    backend::{Backend, BackendError, Plan, Running},
    exec::{Exec, ExecError, Sandbox, Settings},
    namespace::{self, Namespaces},
};
use sandbox_init::packet;
use std::{fs, os::unix::process::CommandExt, path::Path, time::Instant};
use support::{Bench, connect, init_binary, ok, until, until_async};

#[test]
fn all_of_it_as_an_ordinary_user() {
    support::again_as_an_ordinary_user();
}

fn is_alive(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

/// The keepers and inits that name that state folder in their command lines, as anybody sees it.
fn processes_of(state: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(state.to_str().unwrap()) && is_alive(pid) {
            found.push(pid);
        }
    }
    found
}

/// How many processes have a command line that begins like that.
fn is_called(line: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap();
    let lines = entries.map(|entry| fs::read(entry.unwrap().path().join("cmdline")));
    lines
        .filter(|read| {
            read.as_ref()
                .is_ok_and(|read| read.starts_with(line.as_bytes()))
        })
        .count()
}

#[tokio::test]
async fn another_runner_finds_what_runs() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    ok(&sandbox, "echo kept > file; echo scratch > /tmp/file").await;
    let settings = |state: &Path| namespace::Settings {
        init: init_binary(),
        state: state.to_owned(),
        unattended_secs: 60,
    };
    let second = Namespaces::new(settings(bench.state.path())).unwrap();
    assert_eq!(second.running().await.unwrap(), [plan.id]);
    let running = second.adopt(&plan).await.unwrap().unwrap();
    assert_eq!(&running, sandbox.running());
    let adopted = connect(running).await;
    assert_eq!(ok(&adopted, "cat file /tmp/file").await, "kept\nscratch\n");
    // One with another state folder does not.
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Namespaces::new(settings(elsewhere.path())).unwrap();
    assert_eq!(stranger.running().await.unwrap(), []);
    assert_eq!(stranger.adopt(&plan).await.unwrap(), None);
    stranger.stop(plan.id).await.unwrap();
    ok(&adopted, "true").await;
    // Stopped, it keeps its files, and starts again.
    second.stop(plan.id).await.unwrap();
    second.stop(plan.id).await.unwrap();
    assert_eq!(second.adopt(&plan).await.unwrap(), None);
    assert_eq!(processes_of(bench.state.path()), [0; 0]);
    let again = connect(bench.backend.start(&plan).await.unwrap()).await;
    assert_eq!(ok(&again, "cat file; ls /tmp").await, "kept\n");
    bench.end().await;
}

#[tokio::test]
async fn a_keeper_and_its_init_end_together() {
    let bench = Bench::new();
    for victim in ["keeper", "init"] {
        let (_plan, sandbox) = bench.sandbox().await;
        sandbox.spawn(&Exec::shell("sleep 1000")).await.unwrap();
        let init = sandbox.running().init;
        let all = processes_of(bench.state.path());
        assert_eq!(all.len(), 2, "{all:?}");
        let victim = all
            .into_iter()
            .find(|pid| (*pid == init) == (victim == "init"))
            .unwrap();
        kill_process(Pid::from_raw(victim.cast_signed()).unwrap(), Signal::KILL).unwrap();
        until("the end of both", || {
            processes_of(bench.state.path()).is_empty() && !is_alive(init)
        })
        .await;
        assert_eq!(bench.backend.running().await.unwrap(), []);
    }
    bench.end().await;
}

#[tokio::test]
async fn a_sandbox_without_a_runner_ends_by_itself() {
    let bench = Bench::new();
    let short = Namespaces::new(namespace::Settings {
        init: init_binary(),
        state: bench.state.path().to_owned(),
        unattended_secs: 1,
    });
    let plan = bench.plan();
    let sandbox = connect(short.unwrap().start(&plan).await.unwrap()).await;
    sandbox.spawn(&Exec::shell("sleep 1000")).await.unwrap();
    // A runner that is there and says nothing is no absence.
    let begun = Instant::now();
    until("two seconds", || begun.elapsed().as_secs() >= 2).await;
    ok(&sandbox, "true").await;
    drop(sandbox);
    until_async("its end", async || {
        bench.backend.running().await.unwrap().is_empty()
    })
    .await;
    bench.end().await;
}

/// A command can call itself what it likes, and is seen from outside.
#[tokio::test]
async fn a_command_that_poses_as_a_sandbox_is_not_taken_for_one() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    let (victim, _) = bench.sandbox().await;
    let state = bench.state.path().to_str().unwrap();
    let fake = uuid::Uuid::new_v4();
    for (kind, id) in [
        ("hold", fake.simple().to_string()),
        ("boot", victim.id.to_string()),
    ] {
        let made = plan.folder.join("workspace").join(format!("{kind}-runs"));
        // A script of that name, with arguments that it does not heed.
        let script = format!("touch {kind}-runs; sleep 1000");
        fs::write(plan.folder.join("workspace").join(kind), script).unwrap();
        let exec = Exec::argv(["sh", kind, state, &id]);
        sandbox.spawn(&exec).await.unwrap();
        until("the impostor", || made.exists()).await;
        let line = format!("sh\0{kind}\0{state}\0{id}\0");
        until("its command line", || is_called(&line) == 1).await;
    }
    let mut running = bench.backend.running().await.unwrap();
    running.sort();
    let mut expected = [plan.id, victim.id];
    expected.sort();
    assert_eq!(running, expected);
    bench.backend.stop(victim.id).await.unwrap();
    assert_eq!(bench.backend.adopt(&victim).await.unwrap(), None);
    assert!(
        sandbox
            .list()
            .iter()
            .all(|command| command.exit_code.is_none())
    );
    bench.end().await;
}

#[tokio::test]
async fn whoever_listens_in_its_place_is_found_out() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let wrong = Running {
        init: std::process::id(),
        ..sandbox.running().clone()
    };
    let connected = Sandbox::connect(wrong, Settings::default()).await;
    assert!(
        matches!(connected, Err(ExecError::Gone(_))),
        "{connected:?}"
    );
    bench.end().await;
}

/// Whatever comes through the socket, init stays, and serves the next runner.
#[tokio::test]
async fn nonsense_ends_the_line_and_not_the_sandbox() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let long = format!(
        "{{\"tag\":1,\"body\":\"{}\"}}",
        "x".repeat(packet::MAX_PACKET - 100)
    );
    let bad: [&[u8]; 8] = [
        b"{",
        b"\xFF\xFE",
        b"[]",
        b"{\"tag\":1}",
        b"{\"tag\":-1,\"body\":\"list\"}",
        long.as_bytes(),
        b"{\"tag\":1,\"body\":{\"run\":{}}}",
        b"{\"tag\":1,\"body\":{\"connect\":{\"port\":65536}}}",
    ];
    let odd: [&[u8]; 6] = [
        b"{\"tag\":1,\"body\":{\"run\":{\"argv\":[\"true\"],\"cwd\":\"/\",\"env\":{},\"background\":true,\"timeout_ms\":0,\"note\":\"\"}}}",
        b"{\"tag\":0,\"body\":{\"kill\":{\"id\":18446744073709551615}}}",
        b"{\"tag\":1,\"body\":{\"signal\":{\"id\":1,\"signal\":-1}}}",
        b"{\"tag\":1,\"body\":{\"take\":{\"id\":0}}}",
        b"{\"tag\":1,\"body\":{\"connect\":{\"port\":0}}}",
        b"{\"tag\":1,\"body\":\"kill_all\"}",
    ];
    for packet in bad.into_iter().chain(odd) {
        let socket = dial(sandbox.running());
        packet::send_bytes(&socket, packet, &[]).unwrap();
        // Descriptors that nobody asked for are closed.
        let null = fs::File::open("/dev/null").unwrap();
        let _gone = packet::send_bytes(&socket, packet, &[std::os::fd::AsFd::as_fd(&null); 5]);
    }
    until_async("the line", async || {
        sandbox.exec(&Exec::shell("true")).await.is_ok()
    })
    .await;
    assert_eq!(
        ok(
            &sandbox,
            "ps -e -o args= | grep -vc -e ps -e grep -e sandbox-init -e sh || true"
        )
        .await
        .trim(),
        "0"
    );
    bench.end().await;
}

fn dial(running: &Running) -> std::os::fd::OwnedFd {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
    let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    let address = SocketAddrUnix::new(&running.socket).unwrap();
    connect(&socket, &address).unwrap();
    socket
}

#[tokio::test]
async fn what_cannot_be_made_is_said() {
    let bench = Bench::new();
    let mut plan = bench.plan();
    fs::remove_dir(plan.folder.join("control")).unwrap();
    match bench.backend.start(&plan).await {
        Err(BackendError::Failed { source, .. }) => {
            assert!(source.to_string().contains("control/init.sock"), "{source}");
        }
        other => panic!("{other:?}"),
    }
    plan.folder.push("missing");
    assert!(bench.backend.start(&plan).await.is_err());
    assert_eq!(processes_of(bench.state.path()), [0; 0]);
    bench.end().await;
}

/// A runner that is killed does not take its sandboxes along, and leaves nothing half made.
#[test]
fn a_keeper_outlives_the_runner() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    if let Some(state) = std::env::var_os("ATELIER_TEST_STATE") {
        // The runner: makes one and is killed.
        let bench = Bench::at(Path::new(&state));
        runtime().block_on(async {
            let (_plan, sandbox) = bench.sandbox().await;
            sandbox.spawn(&Exec::shell("sleep 1000")).await.unwrap();
            kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
        });
        return;
    }
    let bench = Bench::new();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_keeper_outlives_the_runner"])
        .env("ATELIER_TEST_STATE", bench.state.path())
        .process_group(0)
        .status()
        .unwrap();
    assert!(!status.success());
    runtime().block_on(async {
        let running = bench.backend.running().await.unwrap();
        assert_eq!(running.len(), 1);
        let plan = sandbox::backend::Plan {
            id: running[0],
            folder: bench.folder(running[0]),
            ..bench.plan()
        };
        let sandbox = connect(bench.backend.adopt(&plan).await.unwrap().unwrap()).await;
        assert_eq!(sandbox.list()[0].exit_code, None);
        bench.end().await;
    });
}

#[tokio::test]
async fn a_probe_says_whether_it_works_and_leaves_nothing() {
    let bench = Bench::new();
    let user = bench.plan().user;
    bench.backend.probe(user).await.unwrap();
    let missing = Namespaces::new(namespace::Settings {
        init: bench.state.path().join("no-init"),
        state: bench.state.path().to_owned(),
        unattended_secs: 1,
    });
    match missing.unwrap().probe(user).await {
        Err(BackendError::Unavailable(text)) => assert!(text.contains("RUNNER_SANDBOX_INIT")),
        other => panic!("{other:?}"),
    }
    // What is no init at all.
    let wrong = Namespaces::new(namespace::Settings {
        init: "/bin/true".into(),
        state: bench.state.path().to_owned(),
        unattended_secs: 1,
    });
    let probed = wrong.unwrap().probe(user).await;
    assert!(
        matches!(probed, Err(BackendError::Unavailable(_))),
        "{probed:?}"
    );
    let left: Vec<_> = fs::read_dir(bench.state.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["sandboxes"]);
    bench.end().await;
}

#[tokio::test]
async fn a_network_that_cannot_be_had_is_refused() {
    let bench = Bench::new();
    let plan = Plan {
        network: true,
        ..bench.plan()
    };
    let has_pasta = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("pasta").is_file());
    match bench.backend.start(&plan).await {
        Err(BackendError::Unavailable(text)) => {
            assert!(!has_pasta && text.contains("passt"), "{text}");
        }
        Ok(running) => {
            assert!(has_pasta);
            // An interface besides the loopback.
            let lines = ok(&connect(running).await, "tail -n +3 /proc/net/dev | wc -l").await;
            assert!(lines.trim().parse::<u32>().unwrap() >= 2);
        }
        other => panic!("{other:?}"),
    }
    bench.end().await;
}
