//! What answers of models took.

/// Tokens of answers of models, and what they cost to the last digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the questions.
    pub input: i64,
    /// Tokens of the answers.
    pub output: i64,
    /// What both cost, in 10⁻¹² of the currency's unit.
    pub cost: i64,
    /// Whether a part of it was estimated, because a server did not count.
    pub estimated: bool,
}

impl Usage {
    /// What it cost in the currency's units, for people.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub fn units(self) -> f64 {
        self.cost as f64 / 1e12
    }
}
