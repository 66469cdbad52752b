//! The end of a session, of whatever kind.

use domain::{Error, Session, SessionKey};
use http::HeaderMap;
use ports::Platform;
use runner_api::Client;
use store::sessions::{self, Scope};

/// Deletes a session with its sandbox and its room.
///
/// The session goes first, so that nobody launches its sandbox anew. A runner that cannot be asked
/// keeps nobody from deleting: it asks which sandboxes nobody owns, and destroys this one then.
///
/// # Errors
/// Not found when it is not in `scope`, else what a failed statement means.
pub async fn delete(
    platform: &Platform,
    headers: &HeaderMap,
    scope: Scope<'_>,
    key: SessionKey,
) -> Result<Session, Error> {
    let unknown = || Error::not_found("Session not found");
    let found = sessions::find(&*platform.sql, scope, key).await?;
    let session = found.ok_or_else(unknown)?;
    if !sessions::delete(&*platform.sql, scope, key).await? {
        return Err(unknown());
    }
    let client = Client::of(platform, headers);
    if let Err(error) = client.end_session(session.uuid).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_default();
        eprintln!("a deleted session not ended at the runner yet: {error}: {cause}");
    }
    Ok(session)
}
