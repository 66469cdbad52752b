//! The chat-completions wire, as a server writes it.

use serde_json::{Value, json};

/// The event that ends a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// Makes the chunks of one streamed answer, or all of it at once.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) created: u64,
    /// Whether the reader asked for the usage: then every other chunk says `usage: null`.
    pub(crate) include_usage: bool,
}

impl Chunks {
    pub(crate) fn role(&self) -> Value {
        self.delta(&json!({"role": "assistant", "content": ""}))
    }

    pub(crate) fn text(&self, text: &str) -> Value {
        self.delta(&json!({"content": text}))
    }

    pub(crate) fn reasoning(&self, text: &str) -> Value {
        self.delta(&json!({"reasoning_content": text}))
    }

    /// The piece that opens a tool call.
    pub(crate) fn call(&self, index: usize, id: &str, name: &str) -> Value {
        self.delta(&json!({"tool_calls": [{
            "index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": ""},
        }]}))
    }

    /// A further piece of a tool call's arguments.
    pub(crate) fn arguments(&self, index: usize, fragment: &str) -> Value {
        self.delta(&json!({"tool_calls": [{
            "index": index, "function": {"arguments": fragment},
        }]}))
    }

    pub(crate) fn finish(&self, reason: &str) -> Value {
        self.chunk(&json!([{"index": 0, "delta": {}, "finish_reason": reason}]))
    }

    /// The chunk after the last, which has no choice.
    pub(crate) fn usage(&self, prompt: usize, completion: usize) -> Value {
        let mut chunk = self.chunk(&json!([]));
        if let Some(members) = chunk.as_object_mut() {
            members.insert("usage".to_owned(), usage(prompt, completion));
        }
        chunk
    }

    /// The whole answer as one JSON text, for a reader who did not ask for a stream.
    pub(crate) fn whole(&self, message: &Value, reason: &str, usage: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": usage,
        })
    }

    /// A chunk whose only choice has this delta.
    pub(crate) fn delta(&self, delta: &Value) -> Value {
        self.chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]))
    }

    fn chunk(&self, choices: &Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if let (true, Some(members)) = (self.include_usage, chunk.as_object_mut()) {
            members.insert("usage".to_owned(), Value::Null);
        }
        chunk
    }
}

/// The usage object.
pub(crate) fn usage(prompt: usize, completion: usize) -> Value {
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt.saturating_add(completion),
    })
}

/// One server-sent event with this JSON.
pub(crate) fn event(json: &Value) -> String {
    format!("data: {json}\n\n")
}

/// An error in the shape that clients of this wire know.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}

/// Cuts a text into pieces like a model's tokens: words with the blanks before them. Together
/// they are the text.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() && in_word {
            tokens.extend(text.get(start..at));
            start = at;
        }
        in_word = !character.is_whitespace();
    }
    tokens.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    tokens
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(tokens(text), expected);
        assert_eq!(tokens(text).concat(), text);
    }

    #[test]
    fn texts_are_cut_before_blanks() {
        check("", &[]);
        check("one", &["one"]);
        check("one two", &["one", " two"]);
        check("  one\n\ntwo ", &["  one", "\n\ntwo", " "]);
        check("grüße 世界", &["grüße", " 世界"]);
    }
}
