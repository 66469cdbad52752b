//! Commands as people and agents write them.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, SeqAccess, Visitor},
};
use std::fmt;

/// A command as it is written: in JSON a text, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// For `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CommandVisitor)
    }
}

/// By hand: what `untagged` makes costs a component tens of kilobytes.
struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = CommandLine;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<CommandLine, E> {
        Ok(CommandLine::Shell(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<CommandLine, A::Error> {
        let mut argv = Vec::new();
        while let Some(argument) = list.next_element()? {
            argv.push(argument);
        }
        Ok(CommandLine::Argv(argv))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings() {
        let argv = CommandLine::Argv(vec!["ls".to_owned(), String::new()]);
        for (json, command) in [
            (json!("ls | wc"), CommandLine::Shell("ls | wc".to_owned())),
            (json!(["ls", ""]), argv),
            (json!([]), CommandLine::Argv(Vec::new())),
        ] {
            assert_eq!(serde_json::to_value(&command).ok().as_ref(), Some(&json));
            assert_eq!(serde_json::from_value(json).ok(), Some(command));
        }
        for wrong in [json!(7), json!({}), json!([7]), json!([["a"]]), json!(null)] {
            let parsed = serde_json::from_value::<CommandLine>(wrong.clone());
            assert!(parsed.is_err(), "{wrong}");
        }
    }
}
