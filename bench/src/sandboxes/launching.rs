//! A sandbox is made and runs its first command: cold, and taken from those kept ready.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::peer::Peer;
use super::{Findings, Times, at_most, disk, with_runner};
use crate::runner::{Api, Backend, Setup, session};

/// The promise for namespaces, in milliseconds.
const NAMESPACES: f64 = 12.0;

/// The promise for containers: so many times what `docker run` takes.
const TIMES_RUN: f64 = 1.2;

/// The promise for a container that was kept ready, in milliseconds.
const WARM_DOCKER: f64 = 30.0;

/// Each round measures ours and then the peer, so that both have the same machine.
pub(super) async fn measure(
    setup: &Setup,
    backend: &Backend,
    rounds: usize,
    findings: &mut Findings,
) -> Result<()> {
    let name = backend.name();
    eprintln!("measuring how sandboxes are made ({name})");
    let peer = match find_peer(backend).await {
        Ok(peer) => Some(peer),
        Err(reason) => {
            findings.leave_out(&format!("the peer of {name}"), &reason);
            None
        }
    };
    let (cold, beside, records) = with_runner(setup.clone(), async |runner, api| {
        let (mut own, mut beside, mut records) = (Vec::new(), Vec::new(), Vec::new());
        // On the same disk, and out of the runner's sight.
        let aside = tempfile::tempdir_in(runner.state())?;
        for number in 0..rounds {
            own.push(launch(api, number).await?);
            records.push(disk::time(aside.path())?);
            if let Some(peer) = &peer {
                beside.push(peer.time().await?);
            }
        }
        Ok((Times::new(own), Times::new(beside), Times::new(records)))
    })
    .await
    .with_context(|| format!("making sandboxes ({name})"))?;
    let warm = with_runner(setup.clone().with_pool(1), async |_, api| {
        let mut own = Vec::new();
        for number in 0..rounds {
            api.wait_for("runner_sandboxes_pooled", 1).await?;
            own.push(launch(api, number).await?);
        }
        Ok(Times::new(own))
    })
    .await
    .with_context(|| format!("taking sandboxes that were kept ready ({name})"))?;

    let promise = match (backend, &peer) {
        (Backend::Namespace, _) => at_most("p50", NAMESPACES, "", cold.at(50)),
        (Backend::Docker { .. }, Some(_)) => {
            let limit = TIMES_RUN * beside.at(50);
            at_most("p50", limit, ", 1.2 x docker run", cold.at(50))
        }
        (Backend::Docker { .. }, None) => String::new(),
    };
    findings.push(&format!("{name}: made, first command"), &cold, promise);
    let limit = match backend {
        Backend::Namespace => NAMESPACES,
        Backend::Docker { .. } => WARM_DOCKER,
    };
    findings.push(
        &format!("{name}: kept ready, first command"),
        &warm,
        at_most("p50", limit, "", warm.at(50)),
    );
    if let Some(peer) = peer {
        findings.push(&format!("  {}", peer.name()), &beside, String::new());
    }
    findings.push("  a record stored on this disk", &records, String::new());
    Ok(())
}

/// Two requests, as the edge makes them. What comes after them does not count.
async fn launch(api: &mut Api, number: usize) -> Result<Duration> {
    let session = session(number);
    let begun = Instant::now();
    api.launch(&session).await?;
    api.exec(&session, &["true"]).await?;
    let time = begun.elapsed();
    api.destroy(&session).await?;
    Ok(time)
}

async fn find_peer(backend: &Backend) -> Result<Peer> {
    match backend {
        Backend::Namespace => {
            let own_user = Peer::new(&["unshare", "-Urmpf", "--mount-proc", "true"]);
            // Where nobody may make namespaces of users, root makes the others without.
            let as_root = Peer::new(&["unshare", "-mpf", "--mount-proc", "true"]);
            Peer::first(&[own_user, as_root]).await
        }
        // Without a network, as ours are: it is a large part of the time.
        Backend::Docker { host, image } => {
            let run = ["run", "--rm", "--network", "none", image, "true"];
            Peer::first(&[Peer::of_engine(host, &run)]).await
        }
    }
}
