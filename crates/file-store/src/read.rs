//! Files' bytes.

use crate::{keep::unavailable, key};
use bytes::Bytes;
use domain::{Error, FilePlace, StoredFile};
use futures::stream;
use ports::{ByteStream, Platform};
use runner_api::Client;

/// A file's bytes, as they come.
///
/// # Errors
/// Not found when they are gone; that a store cannot be asked.
pub async fn read(platform: &Platform, file: &StoredFile) -> Result<ByteStream, Error> {
    match file.place {
        FilePlace::Runner => Client::new(platform).blob(file.uuid).await,
        FilePlace::KeyValue => {
            let bytes = platform.key_value.get(&key(file.uuid)).await;
            let bytes = bytes.map_err(unavailable)?;
            let bytes = bytes.ok_or_else(|| Error::not_found("The file is gone"))?;
            Ok(Box::pin(stream::iter([Ok(Bytes::from(bytes))])))
        }
    }
}
