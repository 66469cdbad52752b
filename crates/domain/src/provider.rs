//! Model providers, and the models that they serve.

mod fields;

pub(crate) use fields::base_url;
pub use fields::{Millionths, ModelCode, ModelName, ProviderCode, ProviderKey, ProviderUrl};

use crate::{Availability, ModelId, ProviderId, Timestamp, word::words};
use std::fmt;
use uuid::Uuid;

words! {
    /// What a model does.
    ModelType { Chat = "CHAT", Embedding = "EMBEDDING", Image = "IMAGE" }
}

/// A server of models, and how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its number.
    pub id: ProviderId,
    /// Its number for the outside; its key is sealed to it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// What configurations call it, unique whatever the case of its letters.
    pub code: String,
    /// Where it is.
    pub base_url: String,
    /// The key for it, sealed.
    pub api_key: Option<Sealed>,
    /// How the key ends; none where there is no key, or where it is too short to show that.
    pub api_key_hint: Option<String>,
    /// How many requests a minute it may get, of everybody together.
    pub rate_limit: Option<i64>,
    /// How long it may say nothing before it counts as failed, in milliseconds.
    pub timeout_ms: i64,
    /// Whether it is one of the operator's own machines.
    pub local: bool,
    /// Whether it is used; of one that is not, no model is.
    pub status: Availability,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its number.
    pub id: ModelId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What its server calls it, unique there.
    pub code: String,
    /// What it does.
    pub model_type: ModelType,
    /// How many tokens question and answer may have together, if that is known.
    pub max_tokens: Option<i64>,
    /// Whether it can answer piece by piece.
    pub support_stream: bool,
    /// Whether it can call tools.
    pub support_tools: bool,
    /// What a million tokens of a question cost, in millionths of the currency's unit.
    pub input_price: i64,
    /// What a million tokens of an answer cost, in the same.
    pub output_price: i64,
    /// Whether it is used.
    pub status: Availability,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Model {
    /// Whether it can be asked: neither it nor `provider`, which serves it, is disabled.
    #[must_use]
    pub fn is_usable(&self, provider: &Provider) -> bool {
        self.status == Availability::Active && provider.status == Availability::Active
    }
}

/// A secret as the database keeps it: encrypted and bound to its row.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_not_shown() {
        assert_eq!(format!("{:?}", Sealed("1.abc".to_owned())), "Sealed(…)");
    }
}
