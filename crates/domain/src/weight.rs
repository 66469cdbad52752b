//! How much memory JSON takes once it is read, found without reading it: a text of few bytes can be
//! a value of many. An object with one member, seven bytes of JSON, takes some three hundred.
//!
//! Invariant: nothing here takes more memory than the text that it looks at.

use serde_json::Value;

/// Of an item of a list, whose room is doubled when it is full.
const ITEM: usize = 64;

/// Of a text besides its bytes.
const TEXT: usize = 32;

/// Of a node of the tree that an object is, which takes up to eleven members and has seldom less
/// than six.
const BRANCH: usize = 640;
const MEMBERS: usize = 6;

/// How deep JSON may be to be read at all, as `serde_json` has it.
const DEEPEST: usize = 128;

/// Why JSON is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is none.
    #[error("{0}")]
    Malformed(serde_json::Error),
    /// Its value would take more than it may.
    #[error("it has too many parts")]
    TooHeavy,
}

/// The value of JSON, which may take about `most` bytes.
///
/// # Errors
/// [`Unread`]
pub fn read(json: &[u8], most: usize) -> Result<Value, Unread> {
    if of_json(json) > most {
        return Err(Unread::TooHeavy);
    }
    serde_json::from_slice(json).map_err(Unread::Malformed)
}

/// The bytes that the value of `json` takes, roughly. What is no JSON weighs as much as its parts
/// would, up to where it is too deep to be read.
#[must_use]
pub fn of_json(json: &[u8]) -> usize {
    let mut weight = 0_usize;
    let mut texts = Texts::default();
    let mut open: Vec<Parts> = Vec::new();
    // Whether what comes next begins a part of what is open.
    let mut begins = false;
    for byte in json {
        if texts.take(*byte) {
            weight = weight.saturating_add(usize::from(*byte != b'"'));
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b':' => continue,
            b',' => {
                begins = true;
                continue;
            }
            b']' | b'}' => {
                open.pop();
                begins = false;
                continue;
            }
            _ => {}
        }
        if std::mem::take(&mut begins)
            && let Some(parts) = open.last_mut()
        {
            weight = weight.saturating_add(parts.next());
        }
        match byte {
            b'"' => weight = weight.saturating_add(TEXT),
            b'[' | b'{' if open.len() == DEEPEST => break,
            b'[' => open.push(Parts::Items),
            b'{' => open.push(Parts::Members(0)),
            _ => {}
        }
        begins = matches!(byte, b'[' | b'{');
    }
    weight
}

/// The parts of a list or of an object.
enum Parts {
    Items,
    Members(usize),
}

impl Parts {
    /// What one more takes.
    fn next(&mut self) -> usize {
        match self {
            Self::Items => ITEM,
            Self::Members(count) => {
                let is_full = count.is_multiple_of(MEMBERS);
                *count += 1;
                if is_full { BRANCH } else { 0 }
            }
        }
    }
}

/// Knows, byte after byte, what of JSON is within a text.
#[derive(Debug, Default)]
pub struct Texts {
    is_within: bool,
    is_escaped: bool,
}

impl Texts {
    /// Takes a byte; whether it is of a text. The quotation mark that begins one is not, the one
    /// that ends it is.
    pub fn take(&mut self, byte: u8) -> bool {
        let was_within = self.is_within;
        let was_escaped = std::mem::replace(&mut self.is_escaped, false);
        match byte {
            b'\\' if was_within && !was_escaped => self.is_escaped = true,
            b'"' if !was_escaped => self.is_within = !was_within,
            _ => {}
        }
        was_within
    }

    /// Whether what comes is within a text.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.is_within
    }
}

/// The bytes that a value takes which is there already.
#[must_use]
pub fn of_value(value: &Value) -> usize {
    let mut weight = 0_usize;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        weight = weight.saturating_add(own(value));
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    weight
}

/// What a value adds by itself; what it holds comes on top, but not the room that it stands in.
#[must_use]
pub fn own(value: &Value) -> usize {
    match value {
        Value::String(text) => of_text(text),
        Value::Array(items) => items.len() * ITEM,
        Value::Object(members) => {
            let names: usize = members.keys().map(|name| of_text(name)).sum();
            names + members.len().div_ceil(MEMBERS) * BRANCH
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// What a member adds to the object that it comes into.
#[must_use]
pub fn of_member(name: &str, value: &Value) -> usize {
    of_text(name) + BRANCH / MEMBERS + of_value(value)
}

/// What a text takes.
#[must_use]
pub fn of_text(text: &str) -> usize {
    TEXT + text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn weights() {
        let check = |json: &str, expected: usize| {
            assert_eq!(of_json(json.as_bytes()), expected, "{json}");
            // The value weighs what its text said.
            if let Ok(value) = serde_json::from_str::<Value>(json) {
                assert_eq!(of_value(&value), expected, "{json}");
            }
        };
        check("1", 0);
        check("\"abc\"", 35);
        check("[1,2.5,null,true]", 4 * ITEM);
        check("{}", 0);
        check("{\"a\":[0]}", 33 + BRANCH + ITEM);
        check("", 0);
        let many: Vec<_> = (0..13).map(|number| format!("\"{number:02}\":0")).collect();
        check(&format!("{{{}}}", many.join(",")), 13 * 34 + 3 * BRANCH);
        // As far as it went.
        check("[1,2", 2 * ITEM);
        check(&"[".repeat(10_000), (DEEPEST) * ITEM);
        // What is in a text counts for nothing else.
        check(r#"["[{,:", "}"]"#, 2 * (ITEM + TEXT) + 5);
    }

    #[test]
    fn what_would_take_too_much_is_not_read() {
        let many = format!("[{}]", vec!["{\"\":0}"; 1_000].join(","));
        let many = many.as_bytes();
        assert!(matches!(read(many, 100_000), Err(Unread::TooHeavy)));
        assert_eq!(read(many, 1_000_000).unwrap()[999][""], 0);
        assert!(matches!(read(b"[1", 100), Err(Unread::Malformed(_))));
        assert_eq!(read(b"7", 0).unwrap(), 7);
    }
}
