//! Checkpoints of workspaces, and folders of the host.

use super::{Call, Client, calls::sandbox};
use crate::{
    checkpoints::{Checkpoints, Diff, Restored, Taken},
    projects::Project,
};
use domain::Error;
use http::Method;
use std::time::Duration;
use uuid::Uuid;

/// How long reading all files of a workspace may take.
const LONG: Duration = Duration::from_secs(120);

impl Client {
    /// Takes a checkpoint of the workspace, unless there is one of that name.
    ///
    /// # Errors
    /// Too large where there is too much in the workspace, a conflict where there was when that name
    /// was asked for before; the runner's refusal, or that it cannot be asked.
    pub async fn checkpoint(&self, session: Uuid, name: Uuid) -> Result<Taken, Error> {
        let target = format!("{}/{name}", checkpoints(session));
        self.ask(Call::new(Method::PUT, target).within(LONG)).await
    }

    /// The checkpoints of the workspace.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn checkpoints(&self, session: Uuid) -> Result<Checkpoints, Error> {
        self.ask(Call::new(Method::GET, checkpoints(session))).await
    }

    /// What differs from a checkpoint.
    ///
    /// # Errors
    /// Not found where there is no such checkpoint, a conflict where it is a gap; that the runner
    /// cannot be asked.
    pub async fn diff(&self, session: Uuid, name: &str) -> Result<Diff, Error> {
        let target = format!("{}/{name}/diff", checkpoints(session));
        self.ask(Call::new(Method::GET, target).within(LONG)).await
    }

    /// Puts a checkpoint back.
    ///
    /// # Errors
    /// Not found where there is no such checkpoint, a conflict where it is a gap; that the runner
    /// cannot be asked.
    pub async fn restore(&self, session: Uuid, name: &str) -> Result<Restored, Error> {
        let target = format!("{}/{name}/restore", checkpoints(session));
        self.ask(Call::new(Method::POST, target).within(LONG)).await
    }

    /// Whether a folder of the runner's host may be a workspace; as the runner names it.
    ///
    /// # Errors
    /// That it may not; that the runner cannot be asked.
    pub async fn project(&self, path: &str) -> Result<Project, Error> {
        let project = Project {
            path: path.to_owned(),
        };
        let call = Call::new(Method::POST, "/v1/projects").json(&project)?;
        self.ask(call).await
    }
}

fn checkpoints(session: Uuid) -> String {
    format!("{}/checkpoints", sandbox(session))
}
