//! Where files can be read without a token.

use domain::{BusinessType, Error, StoredFile};
use ports::Platform;
use uuid::Uuid;
use web::{TokenSettings, variable};

/// How long an address is good, in milliseconds.
const ADDRESS_MS: i64 = 3_600_000;

/// An address at which whoever has it can read the file for an hour; of an avatar, for good.
///
/// # Errors
/// Unavailable when the deployment has no key, or not its own address.
pub async fn access_url(platform: &Platform, file: &StoredFile) -> Result<String, Error> {
    if file.business_type == BusinessType::Avatar {
        return avatar_url(platform, file.uuid).await;
    }
    let TokenSettings { keys, issuer } = TokenSettings::read(platform).await?;
    let expires = platform.clock.now().saturating_add(ADDRESS_MS);
    let signature = auth::sign_file(&keys, file.uuid, expires);
    let (origin, uuid) = (issuer.trim_end_matches('/'), file.uuid);
    Ok(format!(
        "{origin}/api/v1/files/stored/{uuid}/content?expires={expires}&signature={signature}"
    ))
}

/// Where everybody sees an avatar.
///
/// # Errors
/// Unavailable when the deployment does not know its own address.
pub async fn avatar_url(platform: &Platform, uuid: Uuid) -> Result<String, Error> {
    let origin = variable(platform, "public_url").await?;
    let origin = origin.trim_end_matches('/');
    Ok(format!("{origin}/api/v1/files/avatar/{uuid}"))
}
