//! The parameters of an offered tool, as its schema has them.

use serde_json::{Map, Value};

/// A tool's parameters: a JSON Schema of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(pub(super) &'a Value);

impl Parameters<'_> {
    /// Arguments with this text under the first of `names` that the tool knows, else under the
    /// first name that it requires. None where there is no text.
    pub(super) fn of(&self, names: &[&str], text: &str) -> Map<String, Value> {
        let mut arguments = Map::new();
        if !text.is_empty() {
            let name = self.name(names);
            let value = self.value(&name, text);
            arguments.insert(name, value);
        }
        arguments
    }

    /// Arguments that have a shell run this command, be it a text or a list of words.
    pub(super) fn command(&self, command: &str) -> Map<String, Value> {
        let name = self.name(&["command", "cmd"]);
        let value = match self.kind(&name) {
            Some("array") => Value::from(vec!["sh", "-c", command]),
            _ => command.into(),
        };
        [(name, value)].into_iter().collect()
    }

    /// Whether `value` is one of those that the schema lists for `name`.
    pub(super) fn allow(&self, name: &str, value: &str) -> bool {
        let listed = || self.0.get("properties")?.get(name)?.get("enum")?.as_array();
        listed().is_some_and(|listed| listed.iter().any(|one| one == value))
    }

    fn name(&self, names: &[&str]) -> String {
        let properties = self.0.get("properties");
        let is_known = |name: &&&str| properties.is_some_and(|all| all.get(**name).is_some());
        let required = || self.0.get("required")?.get(0)?.as_str();
        let known = names.iter().find(is_known).copied();
        let name = known.or_else(required).or(names.first().copied());
        name.unwrap_or_default().to_owned()
    }

    /// The text as the schema wants it, if it can be read so.
    fn value(&self, name: &str, text: &str) -> Value {
        let read = || serde_json::from_str::<Value>(text).ok();
        let read = match self.kind(name) {
            Some("integer" | "number") => read().filter(Value::is_number),
            Some("boolean") => read().filter(Value::is_boolean),
            Some("array") => read().filter(Value::is_array),
            Some("object") => read().filter(Value::is_object),
            _ => None,
        };
        read.unwrap_or_else(|| text.into())
    }

    fn kind(&self, name: &str) -> Option<&str> {
        let kind = self.0.get("properties")?.get(name)?.get("type")?;
        let first = || {
            let mut kinds = kind.as_array()?.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null")
        };
        kind.as_str().or_else(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_become_what_the_schema_wants() {
        let schema = json!({
            "properties": {
                "port": {"type": ["integer", "null"]}, "patch": {"type": "array"},
                "path": {"type": "string"}, "deep": {"type": "boolean"}, "any": {},
            },
            "required": ["path"],
        });
        let tool = Parameters(&schema);
        let check = |name: &str, text: &str, expected: Value| {
            assert_eq!(
                Value::from(tool.of(&[name], text)),
                expected,
                "{name} {text}"
            );
        };
        check("port", "80", json!({"port": 80}));
        check("port", "eighty", json!({"port": "eighty"}));
        check("patch", "[1]", json!({"patch": [1]}));
        check("patch", "{}", json!({"patch": "{}"}));
        check("path", "80", json!({"path": "80"}));
        check("deep", "true", json!({"deep": true}));
        check("any", "[1]", json!({"any": "[1]"}));
        check("unknown", "x", json!({"path": "x"}));
        check("port", "", json!({}));
        let nothing = Parameters(&Value::Null).of(&["query"], "x");
        assert_eq!(Value::from(nothing), json!({"query": "x"}));
    }

    #[test]
    fn commands_are_texts_or_words() {
        let words = json!({"properties": {"command": {"type": "array"}}});
        let command = Parameters(&words).command("a | b");
        assert_eq!(
            Value::from(command),
            json!({"command": ["sh", "-c", "a | b"]})
        );
        let text = json!({"properties": {"cmd": {"type": "string"}}});
        let command = Parameters(&text).command("a | b");
        assert_eq!(Value::from(command), json!({"cmd": "a | b"}));
    }
}
