//! The components `auth`, `sessions` and `files` over one database.

use axum::Router;
use ports::Platform;
use test_app::{Accounts, Way};

fn router(platform: Platform) -> Router {
    let others = sessions::router(platform.clone())
        .fallback_service(auth_component::router(platform.clone()));
    files_component::router(platform).fallback_service(others)
}

/// An app with the accounts ada and eve, a token of each, and a session of ada.
pub(crate) struct Setting {
    pub(crate) app: Accounts,
    pub(crate) ada: String,
    #[allow(dead_code, reason = "not every test needs somebody else")]
    pub(crate) eve: String,
    /// The session's UUID; its number is 1.
    pub(crate) session: String,
}

pub(crate) async fn start() -> Setting {
    let app = Accounts::start_with(router, &[], &["ada", "eve"]).await;
    let ada = app.token(Way::Workspace, "ada").await;
    Setting {
        session: app.session(&ada).await,
        eve: app.token(Way::Runtime, "eve").await,
        app,
        ada,
    }
}
