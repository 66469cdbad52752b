//! A command in a sandbox that runs.

use std::time::Instant;

use anyhow::{Context, Result};

use super::docker::Container;
use super::{Findings, Times, at_most, with_runner};
use crate::runner::{Backend, Setup, session};

/// The promise for namespaces, in milliseconds.
const NAMESPACES: f64 = 5.0;

/// Each round measures ours and then the peer.
pub(super) async fn measure(
    setup: &Setup,
    backend: &Backend,
    rounds: usize,
    findings: &mut Findings,
) -> Result<()> {
    let name = backend.name();
    eprintln!("measuring commands ({name})");
    let container = match backend {
        Backend::Namespace => None,
        Backend::Docker { host, image } => Some(Container::start(host, image).await?),
    };
    let peer = container.as_ref().map(Container::exec);
    let measured = with_runner(setup.clone(), async |_, api| {
        let session = session(0);
        api.launch(&session).await?;
        // The first one has been measured elsewhere.
        api.exec(&session, &["true"]).await?;
        let (mut own, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            api.exec(&session, &["true"]).await?;
            own.push(begun.elapsed());
            if let Some(peer) = &peer {
                beside.push(peer.time().await?);
            }
        }
        Ok((Times::new(own), Times::new(beside)))
    })
    .await;
    if let Some(container) = container {
        container.end().await?;
    }
    let (own, beside) = measured.with_context(|| format!("commands ({name})"))?;
    let promise = match &peer {
        None => at_most("p50", NAMESPACES, "", own.at(50)),
        Some(_) => at_most("p50", beside.at(50), ", docker exec", own.at(50)),
    };
    findings.push(
        &format!("{name}: a command in one that runs"),
        &own,
        promise,
    );
    if peer.is_some() {
        findings.push("  docker exec true", &beside, String::new());
    }
    Ok(())
}
