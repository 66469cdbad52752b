//! The toolbox of a run whose agents work in the sandbox of its session.

use crate::{
    desk::CodexTools,
    tools::{self, Workspace},
};
use agent::Tool;
use domain::{Error, SessionKind};
use ports::{BoxFuture, Platform};
use runs::{Toolbox, Workshop};
use std::sync::Arc;
use store::runs::Taken;

/// What whoever works in the sandbox is told besides.
const INSTRUCTIONS: &str = "\n\nYour tools work in a sandbox of this session, which your whole \
    team shares. Files are in /workspace; write paths relative to it.";

/// Makes toolboxes for the sandboxes of sessions.
pub(crate) struct InSandbox;

impl Workshop for InSandbox {
    fn open<'a>(
        &'a self,
        platform: &'a Platform,
        taken: &'a Taken,
    ) -> BoxFuture<'a, Result<Arc<dyn Toolbox>, Error>> {
        Box::pin(async move {
            if taken.run.session_kind == SessionKind::Codex {
                let toolbox = CodexTools::open(platform, taken).await?;
                return Ok(Arc::new(toolbox) as Arc<dyn Toolbox>);
            }
            let toolbox = SandboxTools(Arc::new(Workspace::new(platform, &taken.run)));
            Ok(Arc::new(toolbox) as Arc<dyn Toolbox>)
        })
    }
}

struct SandboxTools(Arc<Workspace>);

impl Toolbox for SandboxTools {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        tools::named(name, &self.0)
    }

    fn instructions(&self) -> &str {
        INSTRUCTIONS
    }
}
