//! What answers cost: tokens and money.
//!
//! Money is counted in whole numbers: a price is millionths of a currency unit for a million
//! tokens, so a token's cost is a whole number of 10⁻¹² units and nothing is ever rounded.

use serde::{Deserialize, Serialize};

/// An amount of money in 10⁻¹² of the currency unit that the prices are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cost(pub u64);

impl Cost {
    /// The most that one answer costs. The sum of all of a run's is below 2⁶³, which databases can
    /// add up.
    const MOST: Self = Self(10_000_000_000_000_000);

    /// An amount of whole millionths.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000_000))
    }
}

/// What a model costs, in millionths of a currency unit for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// A million tokens of the question.
    pub input: u64,
    /// A million tokens of the answer.
    pub output: u64,
}

/// Tokens and money of one answer, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the questions.
    pub input: u64,
    /// Tokens of the answers.
    pub output: u64,
    /// What they cost.
    pub cost: Cost,
    /// Whether a part of it was estimated, because a server did not count or was cut off.
    pub estimated: bool,
}

impl Usage {
    /// The usage of one answer.
    #[must_use]
    pub fn new(input: u64, output: u64, prices: Prices, estimated: bool) -> Self {
        let questions = input.saturating_mul(prices.input);
        let answers = output.saturating_mul(prices.output);
        Self {
            input,
            output,
            cost: Cost(questions.saturating_add(answers)).min(Cost::MOST),
            estimated,
        }
    }

    /// Tokens of questions and answers together.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cost: Cost(self.cost.0.saturating_add(other.cost.0)),
            estimated: self.estimated || other.estimated,
        }
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), Self::plus)
    }
}

impl From<Usage> for domain::Usage {
    fn from(usage: Usage) -> Self {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            input: whole(usage.input),
            output: whole(usage.output),
            cost: whole(usage.cost.0),
            estimated: usage.estimated,
        }
    }
}

/// About how many tokens a text is: four ASCII characters, or one other character, make one.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text
        .chars()
        .filter(|character| !character.is_ascii())
        .count();
    u64::try_from(ascii.div_ceil(4).saturating_add(others)).unwrap_or(u64::MAX)
}

/// What the wire adds to each message.
const MESSAGE: u64 = 4;

/// About how many tokens a message is.
#[must_use]
pub(crate) fn estimate_message(message: &llm::Message) -> u64 {
    let calls = message.tool_calls.iter();
    let calls: u64 = calls
        .map(|call| estimate(&call.name) + estimate(&call.arguments) + MESSAGE)
        .sum();
    estimate(&message.content) + calls + MESSAGE
}

/// About how many tokens the description of a tool is.
#[must_use]
pub(crate) fn estimate_tool(tool: &llm::Tool) -> u64 {
    estimate(&tool.name)
        + estimate(&tool.description)
        + estimate(&tool.parameters.to_string())
        + MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        // 2.50 and 10.00 a million.
        let prices = Prices {
            input: 2_500_000,
            output: 10_000_000,
        };
        let usage = Usage::new(1_000, 10, prices, false);
        assert_eq!(usage.cost, Cost::from_micros(2_600));
        assert!((domain::Usage::from(usage).units() - 0.0026).abs() < 1e-12);
        let free = Usage::new(7, 1, Prices::default(), true);
        let both: Usage = [usage, free].into_iter().sum();
        assert_eq!((both.input, both.output, both.tokens()), (1_007, 11, 1_018));
        assert_eq!(both.cost, usage.cost);
        assert!(both.estimated && !usage.estimated);
    }

    #[test]
    fn no_number_overflows() {
        let prices = Prices {
            input: u64::MAX,
            output: u64::MAX,
        };
        let most = Usage::new(u64::MAX, u64::MAX, prices, false);
        assert_eq!(most.plus(most).tokens(), u64::MAX);
    }

    #[test]
    fn estimates() {
        for (text, tokens) in [
            ("", 0),
            ("a", 1),
            ("four", 1),
            ("fives", 2),
            ("世界", 2),
            ("é ab", 2),
        ] {
            assert_eq!(estimate(text), tokens, "{text}");
        }
    }
}
