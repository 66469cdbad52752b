//! What the operator says about accounts.

use auth::Keys;
use domain::{Error, ErrorKind};
use ports::Platform;
use web::variable;

/// The settings that every operation on logins needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The keys of tokens and codes.
    pub keys: Keys,
    /// Who issues tokens: the variable `public_url`.
    pub issuer: String,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Unavailable when `jwt_secret` is too short for a key: the deployment is at fault.
    pub async fn read(platform: &Platform) -> Result<Self, Error> {
        let secret = variable(platform, "jwt_secret").await?;
        let keys = Keys::from_secret(&secret).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "The service is not configured")
                .caused_by(format!("variable `jwt_secret`: {error}"))
        })?;
        Ok(Self {
            keys,
            issuer: variable(platform, "public_url").await?,
        })
    }
}
