//! Values as the server's language converts, compares and writes them.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// `int(value)`.
pub(super) fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(bool) => Ok(Value::from(i64::from(*bool))),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => whole(float)
                .map(Value::Number)
                .ok_or_else(|| "cannot convert float to integer".to_owned()),
            _ => Ok(value.clone()),
        },
        Value::String(text) => {
            // Python reads numbers of any length and underscores between digits.
            let plain = text.trim().replace('_', "");
            let plain = plain.strip_prefix('+').unwrap_or(&plain);
            let parsed = plain
                .parse::<i64>()
                .map(Value::from)
                .or_else(|_| plain.parse::<u64>().map(Value::from));
            parsed.map_err(|_| format!("invalid literal for int() with base 10: {}", repr(value)))
        }
        _ => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(value)
        )),
    }
}

/// `float(value)`.
pub(super) fn float(value: &Value) -> Result<Value, String> {
    let float = match value {
        Value::Bool(bool) => Some(f64::from(u8::from(*bool))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let parsed = text.trim().replace('_', "").parse::<f64>();
            let parsed = parsed
                .map_err(|_| format!("could not convert string to float: {}", repr(value)))?;
            Some(parsed)
        }
        _ => {
            return Err(format!(
                "float() argument must be a string or a real number, not '{}'",
                type_name(value)
            ));
        }
    };
    let number = float.and_then(Number::from_f64);
    // Infinity has no JSON; the server would take it and fail later.
    number
        .map(Value::Number)
        .ok_or_else(|| format!("could not convert string to float: {}", repr(value)))
}

/// `bool(value)`.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// `left < right` for numbers; anything else is not compared.
pub(super) fn is_less(left: &Value, right: &Value) -> bool {
    compare(left, right) == Some(Ordering::Less)
}

/// `left == right`: numbers by value.
pub(super) fn is_equal(left: &Value, right: &Value) -> bool {
    left == right || compare(left, right) == Some(Ordering::Equal)
}

/// `repr(value)`.
pub(super) fn repr(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let quote = if text.contains('\'') && !text.contains('"') {
                '"'
            } else {
                '\''
            };
            let mut repr = String::from(quote);
            for character in text.chars() {
                match character {
                    '\n' => repr.push_str("\\n"),
                    '\r' => repr.push_str("\\r"),
                    '\t' => repr.push_str("\\t"),
                    '\\' => repr.push_str("\\\\"),
                    other if other == quote => repr.extend(['\\', other]),
                    other => repr.push(other),
                }
            }
            repr.push(quote);
            repr
        }
        value => text(value),
    }
}

/// `str(value)`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", repr(&Value::String(name.clone())), repr(value))
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// `type(value).__name__`.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// A float cut to a whole number; as a float again where no integer is wide enough.
#[expect(clippy::cast_possible_truncation, reason = "only where it is in range")]
fn whole(float: f64) -> Option<Number> {
    let cut = float.trunc();
    if cut.abs() < 9e15 {
        return Some(Number::from(cut as i64));
    }
    Number::from_f64(cut)
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    let integer = |value: &Value| match value {
        Value::Bool(bool) => Some(i128::from(*bool)),
        value => value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from)),
    };
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => {
            let float = |value: &Value| match value {
                Value::Bool(bool) => Some(f64::from(u8::from(*bool))),
                value => value.as_f64(),
            };
            float(left)?.partial_cmp(&float(right)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conversions() {
        let check = |value: Value, expected_int: Option<Value>, expected_float: Option<Value>| {
            assert_eq!(int(&value).ok(), expected_int, "int({value})");
            assert_eq!(float(&value).ok(), expected_float, "float({value})");
        };
        check(json!(3), Some(json!(3)), Some(json!(3.0)));
        check(json!(-3.7), Some(json!(-3)), Some(json!(-3.7)));
        check(json!(true), Some(json!(1)), Some(json!(1.0)));
        check(json!(" 12 "), Some(json!(12)), Some(json!(12.0)));
        check(json!("1_000"), Some(json!(1000)), Some(json!(1000.0)));
        check(json!("1.5"), None, Some(json!(1.5)));
        check(json!("twelve"), None, None);
        check(json!(null), None, None);
        check(json!({}), None, None);
        check(
            json!(u64::MAX),
            Some(json!(u64::MAX)),
            Some(json!(u64::MAX as f64)),
        );
        assert!(is_less(&json!(u64::MAX - 1), &json!(u64::MAX)));
        assert!(!is_less(&json!("a"), &json!(1)));
        assert!(is_equal(&json!(1), &json!(1.0)));
    }

    #[test]
    fn texts() {
        let check = |value: Value, expected: &str| assert_eq!(repr(&value), expected);
        check(
            json!(["a", 1, 2.0, true, null]),
            "['a', 1, 2.0, True, None]",
        );
        check(json!("it's"), "\"it's\"");
        check(json!("a\nb\\"), "'a\\nb\\\\'");
        check(json!({"a": "b"}), "{'a': 'b'}");
    }
}
