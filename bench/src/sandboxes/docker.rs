//! The container engine, where one answers.

use std::env;

use anyhow::{Context, Result};

use super::peer::Peer;
use crate::runner::Backend;

/// Which engine, the first that is set.
const HOSTS: [&str; 2] = ["ATELIER_DOCKER_HOST", "DOCKER_HOST"];

/// Where engines listen by default.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// The image of the tests.
const DEFAULT_IMAGE: &str = "atelier-sandbox:test";

/// A container that runs on, removed with its engine's help when it is ended.
pub(super) struct Container {
    host: String,
    id: String,
}

/// The engine and the image that containers are made from.
///
/// # Errors
/// No engine answers, or it has no such image.
pub(super) async fn find() -> Result<Backend> {
    let host = HOSTS.iter().find_map(|name| given(name));
    let host = host.unwrap_or_else(|| DEFAULT_HOST.to_owned());
    let version = ["version", "--format", "{{.Server.Version}}"];
    let answers = Peer::of_engine(&host, &version).run().await;
    answers.with_context(|| format!("no engine answers at {host} (ATELIER_DOCKER_HOST)"))?;
    let image = given("RUNNER_IMAGE").unwrap_or_else(|| DEFAULT_IMAGE.to_owned());
    let inspect = ["image", "inspect", "--format", "{{.Id}}", &image];
    let there = Peer::of_engine(&host, &inspect).run().await;
    there.with_context(|| format!("the engine has no image {image} (RUNNER_IMAGE)"))?;
    Ok(Backend::Docker { host, image })
}

impl Container {
    /// Starts one that does nothing.
    pub(super) async fn start(host: &str, image: &str) -> Result<Self> {
        let idle = [
            "run",
            "--rm",
            "--detach",
            "--init",
            "--network",
            "none",
            image,
            "sleep",
            "3600",
        ];
        let id = Peer::of_engine(host, &idle).run().await?;
        Ok(Self {
            host: host.to_owned(),
            id: id.trim().to_owned(),
        })
    }

    /// `docker exec` of `true` in it.
    pub(super) fn exec(&self) -> Peer {
        Peer::of_engine(&self.host, &["exec", &self.id, "true"])
    }

    /// Removes it.
    pub(super) async fn end(self) -> Result<()> {
        let remove = Peer::of_engine(&self.host, &["rm", "--force", &self.id]);
        remove.run().await.map(drop)
    }
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
