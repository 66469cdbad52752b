//! What answers of models took.

use serde::Serialize;
use utoipa::ToSchema;

/// What answers of models took, and what that cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Usage {
    /// Tokens of the questions to models.
    pub input_tokens: i64,
    /// Tokens of their answers.
    pub output_tokens: i64,
    /// What both cost, in the currency of the models' prices.
    pub cost: f64,
    /// Whether a part of it was estimated, because a server did not count.
    pub estimated: bool,
}

impl From<domain::Usage> for Usage {
    fn from(usage: domain::Usage) -> Self {
        Self {
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost: usage.units(),
            estimated: usage.estimated,
        }
    }
}
