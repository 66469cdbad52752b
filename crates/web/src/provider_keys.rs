//! Keys of model providers: sealed before the database sees them, opened where one is used.

use crate::settings::{misread, variable};
use auth::sealing::{NONCE_BYTES, Opened, Place, SealingKeys};
use domain::{Error, ErrorKind, Provider, ProviderKey, Sealed};
use ports::Platform;
use uuid::Uuid;

/// Seals the key of the provider that has, or will have, that uuid.
///
/// # Errors
/// Unavailable when the operator's secrets are missing or too short.
pub async fn seal_provider_key(
    platform: &Platform,
    provider: Uuid,
    key: &ProviderKey,
) -> Result<Sealed, Error> {
    seal(
        platform,
        &sealing_keys(platform).await?,
        provider,
        key.as_str(),
    )
}

/// The key of `provider` in clear, if it has one. One that the secret before the current one had
/// sealed is sealed anew.
///
/// # Errors
/// Unavailable when the operator's secrets are missing, too short or not those that sealed it.
pub async fn open_provider_key(
    platform: &Platform,
    provider: &Provider,
) -> Result<Option<Opened>, Error> {
    let Some(sealed) = &provider.api_key else {
        return Ok(None);
    };
    let keys = sealing_keys(platform).await?;
    let opened = keys.open(place(provider.uuid), sealed).map_err(|error| {
        let detail = "The model provider's key cannot be opened. It has to be entered again";
        let cause = format!("provider {}: {error}", provider.code);
        Error::new(ErrorKind::Unavailable, detail).caused_by(cause)
    })?;
    if opened.is_stale {
        let anew = seal(platform, &keys, provider.uuid, opened.as_str())?;
        // Where it is not replaced, somebody has just changed the key, which is sealed anew then.
        let resealed = store::providers::reseal(&*platform.sql, provider.id, sealed, &anew).await;
        if let Err(error) = resealed {
            // It opens all the same, and the next use tries again.
            eprintln!("provider {}: not sealed anew: {error}", provider.code);
        }
    }
    Ok(Some(opened))
}

fn seal(
    platform: &Platform,
    keys: &SealingKeys,
    provider: Uuid,
    key: &str,
) -> Result<Sealed, Error> {
    let mut nonce = [0; NONCE_BYTES];
    platform.random.fill(&mut nonce);
    keys.seal(place(provider), key, nonce)
        .map_err(Error::internal)
}

fn place(provider: Uuid) -> Place {
    Place {
        column: "providers.api_key",
        row: provider,
    }
}

/// The keys of the variables `data_key` and `data_key_previous`. Without a `data_key` the secret
/// of tokens stands in for it, by a key of its own.
async fn sealing_keys(platform: &Platform) -> Result<SealingKeys, Error> {
    let data_key = variable(platform, "data_key").await?;
    let (name, secret) = match data_key.as_str() {
        "" => ("jwt_secret", variable(platform, "jwt_secret").await?),
        _ => ("data_key", data_key),
    };
    let previous = variable(platform, "data_key_previous").await?;
    SealingKeys::from_secrets(&secret, &previous).map_err(|error| {
        misread(
            &format!("{name}` or `data_key_previous"),
            &error.to_string(),
        )
    })
}
