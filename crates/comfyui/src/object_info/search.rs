//! Finds node classes by words, for agents that do not know a server's nodes.

use super::{NodeClass, ObjectInfo};

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeQuery<'a> {
    /// Words of which a class must have all, in its name, its category, its description or its
    /// aliases; without regard to case. Empty finds all.
    pub text: &'a str,
    /// The beginning of the category, such as `image`. Empty takes all.
    pub category: &'a str,
    /// A type that one of the outputs must have, such as `IMAGE`. Empty takes all.
    pub gives: &'a str,
    /// A type that one of the inputs must take. Empty takes all.
    pub takes: &'a str,
    /// How many to give at most.
    pub limit: usize,
    /// How many to leave out.
    pub offset: usize,
}

/// The classes that were found, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// Those asked for by limit and offset.
    pub classes: Vec<&'a NodeClass>,
    /// How many there are in all.
    pub total: usize,
}

impl ObjectInfo {
    /// The classes that fit a query: those whose name has the words before those whose
    /// description has them, deprecated ones last.
    #[must_use]
    pub fn search(&self, query: &NodeQuery<'_>) -> Found<'_> {
        let words: Vec<String> = query
            .text
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let mut scored: Vec<_> = self
            .classes()
            .filter(|class| has_category(class, query.category))
            .filter(|class| query.gives.is_empty() || gives(class, query.gives))
            .filter(|class| query.takes.is_empty() || takes(class, query.takes))
            .filter_map(|class| Some((score(class, &words)?, class)))
            .collect();
        scored.sort_by(|(left, a), (right, b)| left.cmp(right).then_with(|| a.name.cmp(&b.name)));
        Found {
            total: scored.len(),
            classes: scored
                .into_iter()
                .map(|(_, class)| class)
                .skip(query.offset)
                .take(query.limit)
                .collect(),
        }
    }
}

fn has_category(class: &NodeClass, category: &str) -> bool {
    let wanted = category.trim_matches('/').to_lowercase();
    let category = class.category.to_lowercase();
    match category.strip_prefix(&wanted) {
        Some(rest) => wanted.is_empty() || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

fn gives(class: &NodeClass, wanted: &str) -> bool {
    let mut outputs = class.outputs.iter();
    outputs.any(|output| output.kind.as_str().unwrap_or("COMBO") == wanted)
}

fn takes(class: &NodeClass, wanted: &str) -> bool {
    let mut inputs = class.inputs.iter();
    inputs.any(|input| input.spec.type_name().split(',').any(|one| one == wanted))
}

/// Lower is better; `None` when a word is missing.
fn score(class: &NodeClass, words: &[String]) -> Option<u32> {
    let names = [
        class.name.to_lowercase(),
        class.display_name.to_lowercase(),
        class.aliases.join("\n").to_lowercase(),
    ];
    let category = class.category.to_lowercase();
    let description = class.description.to_lowercase();
    let mut score = u32::from(class.is_deprecated) * 100;
    for word in words {
        score += if names.iter().any(|name| name == word) {
            0
        } else if names.iter().any(|name| name.contains(word)) {
            1
        } else if category.contains(word) {
            3
        } else if description.contains(word) {
            5
        } else {
            return None;
        };
    }
    Some(score)
}
