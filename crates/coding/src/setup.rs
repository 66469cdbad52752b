//! How a coding session works now.

use crate::{Choice, Profile, Profiles, chosen};
use domain::{Error, SessionId};
use ports::Platform;
use store::codex::CodexSettings;
use web::variable;

/// How a coding session works now: as it was set up, and as its profile and the models are today.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How it was set up.
    pub settings: CodexSettings,
    /// Its profile. One that the operator has taken away allows nothing that it did not before.
    pub profile: Profile,
    /// The model that answers.
    pub choice: Choice,
}

impl Setup {
    /// That of a session.
    ///
    /// # Errors
    /// Not found where there is no such session; refused where a local model is asked for and there
    /// is none.
    pub async fn of(platform: &Platform, session: SessionId) -> Result<Self, Error> {
        let sql = &*platform.sql;
        let settings = store::codex::settings(sql, session).await?;
        let settings = settings.ok_or_else(|| Error::not_found("Session not found"))?;
        let profiles = Profiles::configured(platform).await?;
        let profile = profiles.get(&settings.profile).cloned().unwrap_or_default();
        let default = variable(platform, "llm_model").await?;
        let choice = chosen(sql, &settings, &profile, &default).await?;
        Ok(Self {
            settings,
            profile,
            choice,
        })
    }
}
