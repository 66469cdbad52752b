//! Ids. A row has an integer, which `studio` and `chat` show, and a UUID, which the others show.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! integer_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

integer_id! {
    /// A user's number.
    UserId,
    /// A session's number; the open chat calls a session a conversation.
    SessionId,
    /// A message's number.
    MessageId,
    /// A login's number.
    LoginId,
    /// An API key's number.
    ApiKeyId,
    /// An agent's number.
    AgentId,
    /// A model's number.
    ModelId,
    /// A model provider's number.
    ProviderId,
    /// An execution's number.
    ExecutionId,
    /// A ComfyUI service's number.
    ServiceId,
    /// A workflow's number.
    WorkflowId,
    /// A file's number.
    FileId,
}

/// A UUID of version 7: ordered by `now` (milliseconds since 1970), so that new rows land at the
/// end of their index, and unguessable by its ten random bytes.
#[must_use]
pub fn uuid_at(now: i64, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now.max(0).unsigned_abs(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_7_and_ordered_by_time() {
        let earlier = uuid_at(1_000, [0xff; 10]);
        let later = uuid_at(1_001, [0; 10]);
        assert_eq!(earlier.get_version_num(), 7);
        assert!(earlier < later);
    }
}
