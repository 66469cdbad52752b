//! A runner that is killed at any moment, and the one after it.
//!
//! The runner is this test binary, started anew: it launches, runs commands and destroys, and
//! says each step on its output. It is killed as soon as it has said so many steps.

use crate::site::{ALONE, Kind, open};
use sandbox::{
    exec::Exec,
    registry::{Launch, Sandboxes},
};
use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How often it is killed.
const ROUNDS: usize = 20;

/// How long something may be left that nobody owns.
const REAPED: Duration = Duration::from_secs(5);

/// Not a test of its own: the runner of the others.
#[tokio::test(flavor = "multi_thread")]
async fn runner_that_is_killed() {
    let (Ok(kind), Ok(state)) = (env::var("CRASH_KIND"), env::var("CRASH_STATE")) else {
        return;
    };
    let kind = match kind.as_str() {
        "docker" => Kind::Docker,
        _ => Kind::Namespace,
    };
    let state = Path::new(&state);
    let (sandboxes, _) = open(kind.backend(state).await, state, |settings| {
        settings.pool = 1;
    })
    .await;
    println!("\nstep open");
    loop {
        let old = async {
            let old = sandboxes.sessions().into_iter().next();
            if let Some(old) = old.filter(|_| sandboxes.sessions().len() > 4) {
                println!("step destroying {old}");
                sandboxes.destroy(old).await.unwrap();
            }
        };
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        tokio::join!(old, live(&sandboxes, one), live(&sandboxes, other));
    }
}

async fn live(sandboxes: &Sandboxes, session: Uuid) {
    println!("step launching {session}");
    let launch = Launch {
        user: 1,
        network: false,
        project: None,
        read_only: false,
    };
    if sandboxes.launch(session, launch).await.is_err() {
        return;
    }
    println!("step launched {session}");
    for number in 0..2 {
        let used = sandboxes.enter(session).await.unwrap();
        let exec = Exec::shell(format!(
            "sleep 0.02; echo {number} > file; (setsid sleep 600 &)"
        ));
        let output = used.commands().await.unwrap().exec(&exec).await.unwrap();
        assert_eq!(output.exit_code, 0, "{output:?}");
        println!("step wrote {session} {number}");
    }
}

/// Starts a runner and kills it after so many steps. Returns what it had said.
fn killed_after(kind: Kind, state: &Path, steps: usize) -> Vec<String> {
    let mut runner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crashes::runner_that_is_killed", "--nocapture"])
        .env("CRASH_KIND", kind.name())
        .env("CRASH_STATE", state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let mut kill = Some(runner);
    for line in lines {
        let line = line.unwrap();
        let Some((_, step)) = line.split_once("step ") else {
            continue;
        };
        said.push(step.to_owned());
        if said.len() > steps
            && let Some(mut runner) = kill.take()
        {
            runner.kill().unwrap();
            runner.wait().unwrap();
        }
    }
    assert!(kill.is_none(), "it ended by itself after {said:?}");
    said
}

async fn crash(kind: Kind) {
    if !kind.is_here() {
        return;
    }
    let _alone = ALONE.lock().await;
    let state = tempfile::tempdir().unwrap();
    // Session by session: what was acknowledged, None once its destruction began.
    let mut written: BTreeMap<String, Option<String>> = BTreeMap::new();
    for round in 0..ROUNDS {
        let path = state.path().to_owned();
        let said = tokio::task::spawn_blocking(move || killed_after(kind, &path, round));
        for step in said.await.unwrap() {
            let words: Vec<&str> = step.split(' ').collect();
            match words.as_slice() {
                ["wrote", session, number] => {
                    written.insert((*session).to_owned(), Some((*number).to_owned()));
                }
                ["destroying", session] => drop(written.insert((*session).to_owned(), None)),
                _ => {}
            }
        }
        let began = Instant::now();
        let backend = kind.backend(state.path()).await;
        let (sandboxes, recovered) = open(backend.clone(), state.path(), |_| {}).await;
        let running = backend.running().await.unwrap();
        let took = began.elapsed();
        assert!(took < REAPED, "round {round}: {took:?} {recovered:?}");
        let sessions = sandboxes.sessions();
        let owned: Vec<_> = sessions
            .iter()
            .map(|one| sandboxes.status(*one).unwrap().id)
            .collect();
        for id in &running {
            assert!(owned.contains(id), "round {round}: {id} is nobody's");
        }
        for (session, number) in &written {
            let Some(number) = number else { continue };
            let files = sandboxes.files(session.parse().unwrap()).unwrap();
            let file = std::fs::read_to_string(files.workspace.join("file")).unwrap();
            // It may have come further than it could say.
            assert!(
                file.trim() >= number.as_str(),
                "round {round}: {session}: {file} {number}"
            );
        }
        // Whatever the last runner did to it, it can be used.
        if let Some(session) = sessions.first() {
            let used = sandboxes.enter(*session).await.unwrap();
            let exec = Exec::shell("ps -e 2>/dev/null | wc -l; echo used");
            let output = used.commands().await.unwrap().exec(&exec).await.unwrap();
            assert!(output.stdout.contains("used"), "{output:?}");
        }
        if round + 1 == ROUNDS {
            sandboxes.destroy_all(1).await.unwrap();
            assert_eq!(backend.running().await.unwrap(), []);
        }
        sandboxes.shutdown().await.unwrap();
    }
    assert!(
        written.len() > ROUNDS / 2,
        "the runners came to something: {written:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_killed_at_any_moment_leaves_no_container_that_is_nobodys() {
    crash(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_killed_at_any_moment_leaves_no_namespace_that_is_nobodys() {
    crash(Kind::Namespace).await;
}
