//! How much memory JSON takes once it is read, found without reading it: a text of few bytes can be
//! a value of many. An object with one member, seven bytes of JSON, takes some three hundred.
//!
//! Invariant: nothing here takes more memory than the text that it looks at.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Of an item of a list, whose room is doubled when it is full.
const ITEM: usize = 64;

/// Of a text besides its bytes.
const TEXT: usize = 32;

/// Of a node of the tree that an object is, which takes up to eleven members and has seldom less
/// than six.
const BRANCH: usize = 640;
const MEMBERS: usize = 6;

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

/// The bytes that the value of `json` takes, roughly. What is no JSON weighs as much as it has
/// before that shows: reading it ends there too.
#[must_use]
pub fn of_json(json: &[u8]) -> usize {
    let mut weight = 0;
    match add(&mut weight, &mut serde_json::Deserializer::from_slice(json)) {
        Ok(()) | Err(_) => weight,
    }
}

/// Adds what the value takes that a deserializer of JSON gives.
///
/// # Errors
/// Those of the deserializer; what it gave before is added.
pub fn add<'de, D: Deserializer<'de>>(weight: &mut usize, json: D) -> Result<(), D::Error> {
    Weigh(weight).deserialize(json)
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

struct Weigh<'a>(&'a mut usize);

impl Weigh<'_> {
    fn add(&mut self, bytes: usize) {
        *self.0 = self.0.saturating_add(bytes);
    }
}

impl<'de> DeserializeSeed<'de> for Weigh<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigh<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.add(of_text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Weigh(&mut *self.0))?.is_some() {
            self.add(ITEM);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut count = 0_usize;
        while members.next_key_seed(Weigh(&mut *self.0))?.is_some() {
            members.next_value_seed(Weigh(&mut *self.0))?;
            if count.is_multiple_of(MEMBERS) {
                self.add(BRANCH);
            }
            count += 1;
        }
        Ok(())
    }
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
        check(&"[".repeat(10_000), 0);
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
