//! Answers that may be large, before they are read.

use super::{ANSWER_MAX_BYTES, Call, Client, ORDINARY, refusal, whole};
use domain::Error;
use http::{Response, header};
use ports::ByteStream;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// JSON that has begun to come, and of which nothing is read yet: whoever has little room makes
/// it first.
pub struct Coming<T> {
    client: Client,
    response: Response<ByteStream>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Coming<T> {
    /// How many bytes come, if the runner says so.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        let size = self.response.headers().get(header::CONTENT_LENGTH)?;
        size.to_str().ok()?.parse().ok()
    }

    /// All of it.
    ///
    /// # Errors
    /// That it broke off, is too large, or is no such thing.
    pub async fn read(self) -> Result<T, Error> {
        let whole = whole(self.response.into_body(), ANSWER_MAX_BYTES);
        let bytes = self.client.within(ORDINARY, whole).await?;
        serde_json::from_slice(&bytes).map_err(|error| refusal::malformed(&error))
    }
}

impl Client {
    /// Sends `call`, until JSON begins to come back.
    pub(super) async fn coming<T>(&self, call: Call) -> Result<Coming<T>, Error> {
        Ok(Coming {
            client: self.clone(),
            response: self.open(call).await?,
            kind: PhantomData,
        })
    }
}
