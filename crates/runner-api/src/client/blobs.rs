//! Bytes that the runner keeps.

use super::{Call, Client};
use bytes::Bytes;
use domain::Error;
use http::Method;
use ports::ByteStream;
use uuid::Uuid;

impl Client {
    /// Has a piece kept, which begins at byte `from`; `last` says that nothing follows.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn put_blob(
        &self,
        blob: Uuid,
        from: u64,
        piece: Bytes,
        last: bool,
    ) -> Result<(), Error> {
        let from = from.to_string();
        let last = last.then_some("true");
        let call = Call::new(Method::PUT, target(blob))
            .query(&[("from", Some(&from)), ("last", last)])
            .bytes(piece);
        self.tell(call).await
    }

    /// The bytes that are kept, as they come.
    ///
    /// # Errors
    /// Not found when there are none; that the runner cannot be asked.
    pub async fn blob(&self, blob: Uuid) -> Result<ByteStream, Error> {
        let response = self.open(Call::new(Method::GET, target(blob))).await?;
        Ok(self.patient(response).into_body())
    }

    /// Forgets what is kept, if there is something.
    ///
    /// # Errors
    /// That the runner cannot be asked.
    pub async fn delete_blob(&self, blob: Uuid) -> Result<(), Error> {
        self.tell(Call::new(Method::DELETE, target(blob))).await
    }
}

fn target(blob: Uuid) -> String {
    format!("/v1/blobs/{blob}")
}
