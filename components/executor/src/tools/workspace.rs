//! The sandbox of a run's session.

use super::refused;
use agent::ToolError;
use domain::UserId;
use futures::lock::Mutex;
use ports::Platform;
use runner_api::{Client, sandboxes::Launch};
use store::runs::StoredRun;
use uuid::Uuid;

/// The sandbox of a run's session, which is launched by the first tool that needs it.
pub(crate) struct Workspace {
    pub(super) client: Client,
    pub(super) session: Uuid,
    pub(super) platform: Platform,
    user: UserId,
    launched: Mutex<bool>,
}

impl Workspace {
    pub(crate) fn new(platform: &Platform, run: &StoredRun) -> Self {
        Self {
            client: Client::new(platform),
            session: run.session_uuid,
            platform: platform.clone(),
            user: run.user,
            launched: Mutex::new(false),
        }
    }

    /// Launches the sandbox, or finds it.
    pub(super) async fn launch(&self) -> Result<(), ToolError> {
        let mut launched = self.launched.lock().await;
        if !*launched {
            let launch = Launch::of(self.user.0, false);
            let done = self.client.launch(self.session, &launch).await;
            done.map_err(|error| refused(&error))?;
            *launched = true;
        }
        Ok(())
    }
}
