//! JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`, which JSON does not know.

use crate::{Error, limits};
use domain::weight::{self, Texts};
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Deserializer;
use std::marker::PhantomData;

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
    let read = |json: &[u8]| {
        let mut json = Deserializer::from_slice(json);
        let value = seed.deserialize(&mut json)?;
        json.end().map(|()| value)
    };
    read(json).or_else(|error| match with_nulls(json) {
        Some(changed) => read(&changed).map_err(|_| error),
        None => Err(error),
    })
}

/// The same of an answer, which is a few bytes of JSON or many, but not many in memory.
///
/// # Errors
/// [`Error::Malformed`], or [`Error::TooLong`] over [`limits::ANSWER_WEIGHT`].
pub(crate) fn answer<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    if weight::of_json(json) > limits::ANSWER_WEIGHT {
        return Err(Error::TooLong {
            what: "what the service's answer takes in memory",
            limit: limits::ANSWER_WEIGHT,
        });
    }
    from_slice(json).map_err(|error| Error::malformed(error.to_string()))
}

/// JSON with `null` for numbers that are none, if it has any. What is very long is not copied.
fn with_nulls(json: &[u8]) -> Option<Vec<u8>> {
    if json.len() > limits::ANSWER {
        return None;
    }
    let mut texts = Texts::default();
    let mut changed = Vec::new();
    let mut rest = json;
    // From where on nothing is copied yet.
    let mut from = json;
    while let Some((first, after)) = rest.split_first() {
        let may_be = matches!(first, b'-' | b'I' | b'N') && !texts.is_within();
        let mut found = NO_NUMBERS.iter().filter(|_| may_be);
        if let Some(behind) = found.find_map(|it| rest.strip_prefix(*it)) {
            changed.extend_from_slice(from.get(..from.len() - rest.len()).unwrap_or_default());
            changed.extend_from_slice(b"null");
            (rest, from) = (behind, behind);
        } else {
            texts.take(*first);
            rest = after;
        }
    }
    if changed.is_empty() {
        return None;
    }
    changed.extend_from_slice(from);
    Some(changed)
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
