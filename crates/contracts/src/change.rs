//! A member of a request that changes part of a thing.

use serde::{Deserialize, Deserializer};

/// What a request does to a member. Where it is not named, it stays: `#[serde(default)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Not named.
    #[default]
    Keep,
    /// Null.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Change<T> {
    /// The new value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.map_or(Self::Clear, Self::Set))
    }
}
