//! The sandbox of a session: the same, whoever launches it.

use domain::{Error, Session, SessionKind};
use ports::Sql;
use runner_api::sandboxes::Launch;

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
    let launch = Launch {
        user: session.user_id.0,
        network,
        project: None,
        read_only: false,
    };
    Ok(match settings {
        None => launch,
        Some(settings) => Launch {
            network: settings.network,
            project: settings.project,
            read_only: settings.read_only,
            ..launch
        },
    })
}
