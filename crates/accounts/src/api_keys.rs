//! API keys: what programs sign in with.

use domain::{Account, ApiKey, ApiKeyName, Error, ErrorKind};
use ports::Platform;
use store::api_keys::{self, MOST_KEYS, NewApiKey};
use web::new_uuid;

/// Makes a key. Its text is shown this once; the database keeps its hash.
///
/// # Errors
/// Conflict when the account has as many as it may have.
pub async fn new_api_key(
    platform: &Platform,
    account: &Account,
    name: &ApiKeyName,
) -> Result<(ApiKey, String), Error> {
    let mut random = [0; 32];
    platform.random.fill(&mut random);
    let text = auth::api_key_of(random);
    let new = NewApiKey {
        uuid: new_uuid(platform),
        user: account.id,
        name,
        hash: &auth::api_key_hash(&text),
        prefix: &auth::api_key_prefix(&text),
        now: platform.clock.now(),
    };
    let key = api_keys::insert(&*platform.sql, &new).await?;
    let full = || {
        let detail = format!("An account has at most {MOST_KEYS} keys. Delete one first");
        Error::new(ErrorKind::Conflict, detail)
    };
    Ok((key.ok_or_else(full)?, text))
}
