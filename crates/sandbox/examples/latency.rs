//! How long a sandbox of namespaces takes: made with its first command, and a command in one
//! that runs. `latency INIT [ROUNDS]`, as root or as an ordinary user.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use sandbox::{
    backend::{Backend, Limits, Plan, SandboxId},
    exec::{Exec, Sandbox, Settings},
    namespace::{self, Namespaces},
};
use std::{
    error::Error,
    fs,
    os::unix::fs::chown,
    time::{Duration, Instant},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let init = arguments.next().ok_or("usage: latency INIT [ROUNDS]")?;
    let rounds: usize = arguments.next().map_or(Ok(200), |rounds| rounds.parse())?;
    let state = tempfile::tempdir()?;
    let backend = Namespaces::new(namespace::Settings {
        init: init.into(),
        state: state.path().to_owned(),
        unattended_secs: 60,
    })?;
    let (mut made, mut warm, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let plan = plan(state.path())?;
        let begun = Instant::now();
        let running = backend.start(&plan).await?;
        let sandbox = Sandbox::connect(running, Settings::default()).await?;
        sandbox.exec(&Exec::shell("true")).await?;
        made.push(begun.elapsed());
        for _ in 0..5 {
            let begun = Instant::now();
            sandbox.exec(&Exec::shell("true")).await?;
            warm.push(begun.elapsed());
        }
        let begun = Instant::now();
        backend.stop(plan.id).await?;
        ended.push(begun.elapsed());
    }
    for (what, times) in [
        ("made, with its first command", made),
        ("a command in one that runs", warm),
        ("ended", ended),
    ] {
        tell(what, times);
    }
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{what}: p50 {:?}, p95 {:?}, p99 {:?}",
        at(50),
        at(95),
        at(99)
    );
}

fn plan(state: &std::path::Path) -> Result<Plan, Box<dyn Error>> {
    let id = SandboxId(uuid::Uuid::new_v4());
    let folder = state.join(id.to_string());
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let user = if uid.is_root() {
        (65532, 65532)
    } else {
        (uid.as_raw(), gid.as_raw())
    };
    for name in ["workspace", "control"] {
        fs::create_dir_all(folder.join(name))?;
        chown(folder.join(name), Some(user.0), Some(user.1))?;
    }
    Ok(Plan {
        id,
        folder,
        user,
        network: false,
        project: None,
        read_only: false,
        limits: Limits {
            memory: 1 << 30,
            processes: 256,
            cpu_millis: 2000,
            file_size: 1 << 30,
            tmpfs: 256 << 20,
        },
    })
}
