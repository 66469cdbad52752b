//! The sandbox of a session: the same, whoever launches it.

use domain::{Error, Session, SessionKind, UserId};
use ports::Sql;
use runner_api::sandboxes::Launch;
use store::codex::CodexSettings;

/// What is asked of the runner for the sandbox of `session`. One of a coding session is as the
/// session was set up; for all others `network` counts.
///
/// # Errors
/// What a failed statement means.
pub async fn launch(sql: &dyn Sql, session: &Session, network: bool) -> Result<Launch, Error> {
    let settings = match session.kind {
        SessionKind::Codex => store::codex::settings(sql, session.id).await?,
        _ => None,
    };
    Ok(match settings {
        Some(settings) => launch_as_set_up(session.user_id, settings),
        None => Launch::of(session.user_id.0, network),
    })
}

/// What is asked of the runner for the sandbox of a coding session of `user` that was set up so.
#[must_use]
pub fn launch_as_set_up(user: UserId, settings: CodexSettings) -> Launch {
    Launch {
        user: user.0,
        network: settings.network,
        project: settings.project,
        read_only: settings.read_only,
    }
}
