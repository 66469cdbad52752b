//! JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`, which JSON does not know.

use crate::{Error, limits};
use domain::weight;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Deserializer;
use std::{
    io::{BufReader, Read},
    marker::PhantomData,
};

/// What is read as `null`.
const NO_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// Reads JSON; where it is none for numbers that are none, these are `null`.
///
/// # Errors
/// What is wrong with it otherwise.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    by(PhantomData::<T>, json)
}

/// The same of what `seed` reads.
///
/// # Errors
/// As [`from_slice`].
pub(crate) fn by<T, S>(seed: S, json: &[u8]) -> serde_json::Result<T>
where
    S: Copy + for<'de> DeserializeSeed<'de, Value = T>,
{
    let mut strict = Deserializer::from_slice(json);
    let read = seed.deserialize(&mut strict);
    let read = read.and_then(|value| strict.end().map(|()| value));
    read.or_else(|error| {
        // Answers may be large: they are changed as they are read, not copied.
        let mut changed = Deserializer::from_reader(BufReader::new(Nulled::new(json)));
        let read = seed.deserialize(&mut changed);
        let read = read.and_then(|value| changed.end().map(|()| value));
        read.map_err(|_| error)
    })
}

/// The same of an answer, which is a few bytes of JSON or many, but not many in memory.
///
/// # Errors
/// [`Error::Malformed`], or [`Error::TooLong`] over [`limits::ANSWER_WEIGHT`].
pub(crate) fn answer<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    if weigh(json) > limits::ANSWER_WEIGHT {
        return Err(Error::TooLong {
            what: "what the service's answer takes in memory",
            limit: limits::ANSWER_WEIGHT,
        });
    }
    from_slice(json).map_err(|error| Error::malformed(error.to_string()))
}

/// What the value takes in memory that is read of it; of what is no JSON, up to where that shows.
fn weigh(json: &[u8]) -> usize {
    let mut weight = 0;
    let read = weight::add(&mut weight, &mut Deserializer::from_slice(json));
    if read.is_ok() {
        return weight;
    }
    weight = 0;
    let changed = BufReader::new(Nulled::new(json));
    match weight::add(&mut weight, &mut Deserializer::from_reader(changed)) {
        Ok(()) | Err(_) => weight,
    }
}

/// Knows, byte after byte, what of JSON is within a text.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    is_within: bool,
    is_escaped: bool,
}

impl Texts {
    /// Takes a byte; whether it is of a text. The quotation mark that begins one is not, the one
    /// that ends it is.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let was_within = self.is_within;
        let was_escaped = std::mem::replace(&mut self.is_escaped, false);
        match byte {
            b'\\' if was_within && !was_escaped => self.is_escaped = true,
            b'"' if !was_escaped => self.is_within = !was_within,
            _ => {}
        }
        was_within
    }
}

/// JSON with `null` for numbers that are none.
struct Nulled<'a> {
    /// What can be given out.
    ready: &'a [u8],
    /// What comes after it.
    rest: &'a [u8],
    texts: Texts,
}

impl<'a> Nulled<'a> {
    fn new(json: &'a [u8]) -> Self {
        Self {
            ready: &[],
            rest: json,
            texts: Texts::default(),
        }
    }

    /// Has what comes next ready: what stands before a number that is none, or `null` for it.
    fn advance(&mut self) {
        let rest = self.rest;
        if let Some(after) = self.after_no_number(rest) {
            self.ready = b"null";
            self.rest = after;
            return;
        }
        let mut end = 0;
        while let Some(byte) = rest.get(end) {
            let from = rest.get(end..).unwrap_or_default();
            if self.after_no_number(from).is_some() {
                break;
            }
            self.texts.take(*byte);
            end += 1;
        }
        (self.ready, self.rest) = rest.split_at(end);
    }

    /// What comes after a number that is none, if that is what comes.
    fn after_no_number(&self, json: &'a [u8]) -> Option<&'a [u8]> {
        let may_be = matches!(json.first(), Some(b'-' | b'I' | b'N')) && !self.texts.is_within;
        let mut found = NO_NUMBERS.iter().filter(|_| may_be);
        found.find_map(|it| json.strip_prefix(*it))
    }
}

impl Read for Nulled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ready.is_empty() {
            self.advance();
        }
        self.ready.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn numbers_that_are_none_are_null() {
        let check = |text: &str, expected: Option<Value>| {
            let found = from_slice::<Value>(text.as_bytes()).ok();
            assert_eq!(found, expected, "{text}");
        };
        check("NaN", Some(Value::Null));
        check(
            r#"{"a": NaN, "b": [Infinity,-Infinity , 1e3, -2]}"#,
            Some(json!({"a": null, "b": [null, null, 1e3, -2]})),
        );
        check(
            r#"["NaN", "\"NaN", "\\", NaN, "é\\\"Infinity", "-"]"#,
            Some(json!(["NaN", "\"NaN", "\\", null, "é\\\"Infinity", "-"])),
        );
        check(r#"{"NaN": "I"}"#, Some(json!({"NaN": "I"})));
        for broken in ["[NaN", "xNaN", "Nan", "[1NaN]", "--Infinity", "\"NaN", ""] {
            check(broken, None);
        }
        // Over what is read at once.
        let long = "x NaN ".repeat(10_000);
        check(
            &format!(r#"[{}"{long}"]"#, "NaN,".repeat(10_000)),
            Some(Value::Array(
                std::iter::repeat_n(Value::Null, 10_000)
                    .chain([Value::from(long.as_str())])
                    .collect(),
            )),
        );
    }

    #[test]
    fn an_answer_may_not_take_too_much() {
        let many = |first: &str, count: usize| {
            let rest = ",{\"\":0}".repeat(count);
            format!("[{first}{rest}]")
        };
        let most = limits::ANSWER_WEIGHT / 750;
        for first in ["0", "NaN"] {
            let few: Value = answer(many(first, most).as_bytes()).unwrap();
            assert_eq!(few.as_array().map(Vec::len), Some(most + 1));
            let refused = answer::<Value>(many(first, most * 2).as_bytes());
            assert!(matches!(refused, Err(Error::TooLong { .. })), "{first}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_what_came() {
        let error = from_slice::<Value>(b"[NaN, x]").unwrap_err();
        assert_eq!((error.line(), error.column()), (1, 2));
    }
}
