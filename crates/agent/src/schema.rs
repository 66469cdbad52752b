//! Checks values against the part of JSON Schema that tools use.
//!
//! Known are `type`, `enum`, `const`, `anyOf`, `properties`, `required`, `additionalProperties`,
//! `items`, `minItems`, `maxItems`, `minimum`, `maximum`, `minLength` and `maxLength`; other words
//! are notes. The faults are for a model, so they name the member and say what it should be.

use serde_json::{Map, Value};

/// The most faults that are told at once.
const FAULTS: usize = 8;

/// What is wrong with `value`: nothing, or at most eight faults, a sentence each.
#[must_use]
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, value, "", &mut faults);
    faults.truncate(FAULTS);
    faults
}

fn check(schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    if faults.len() >= FAULTS {
        return;
    }
    let schema = match schema {
        Value::Object(schema) => schema,
        // `true` takes everything, and so does what is no schema.
        Value::Bool(false) => return fault(faults, path, "must not be there"),
        _ => return,
    };
    if let Some(expected) = schema.get("type")
        && !is_of(value, expected)
    {
        let expected = list(expected, |name| {
            name.as_str().unwrap_or_default().to_owned()
        });
        let found = type_of(value);
        return fault(faults, path, &format!("must be {expected}, not {found}"));
    }
    if let Some(Value::Array(values)) = schema.get("enum")
        && !values.iter().any(|known| same(known, value))
    {
        let known = list(&Value::Array(values.clone()), Value::to_string);
        fault(faults, path, &format!("must be one of {known}"));
    }
    if let Some(only) = schema.get("const")
        && !same(only, value)
    {
        fault(faults, path, &format!("must be {only}"));
    }
    if let Some(Value::Array(choices)) = schema.get("anyOf") {
        check_any(choices, value, path, faults);
    }
    match value {
        Value::Object(members) => check_members(schema, members, path, faults),
        Value::Array(items) => check_items(schema, items, path, faults),
        Value::String(text) => {
            let length = text.chars().count();
            check_range(
                schema,
                length,
                ["minLength", "maxLength"],
                "characters",
                path,
                faults,
            );
        }
        Value::Number(number) => check_number(schema, number.as_f64(), path, faults),
        Value::Null | Value::Bool(_) => {}
    }
}

/// One choice must fit. If none does, the faults of the one that comes nearest are told.
fn check_any(choices: &[Value], value: &Value, path: &str, faults: &mut Vec<String>) {
    let mut nearest: Option<Vec<String>> = None;
    for choice in choices {
        let mut found = Vec::new();
        check(choice, value, path, &mut found);
        if found.is_empty() {
            return;
        }
        // A choice of the right type comes nearer than any of a wrong one.
        let of_type = choice
            .get("type")
            .is_none_or(|expected| is_of(value, expected));
        let is_nearer = nearest
            .as_ref()
            .is_none_or(|nearest| of_type && found.len() <= nearest.len());
        if is_nearer {
            nearest = Some(found);
        }
    }
    match nearest {
        Some(nearest) if choices.len() == 1 => faults.extend(nearest),
        Some(nearest) => {
            let nearest = nearest.join("; ");
            fault(
                faults,
                path,
                &format!("fits none of the allowed forms ({nearest})"),
            );
        }
        None => {}
    }
}

fn check_members(
    schema: &Map<String, Value>,
    members: &Map<String, Value>,
    path: &str,
    faults: &mut Vec<String>,
) {
    let none = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            fault(faults, &member(path, name), "is missing");
        }
    }
    for (name, value) in members {
        let path = member(path, name);
        match (properties.get(name), schema.get("additionalProperties")) {
            (Some(property), _) => check(property, value, &path, faults),
            (None, Some(Value::Bool(false))) => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let known = known.join(", ");
                fault(faults, &path, &format!("is not known; known are: {known}"));
            }
            (None, Some(others)) => check(others, value, &path, faults),
            (None, None) => {}
        }
    }
}

fn check_items(schema: &Map<String, Value>, items: &[Value], path: &str, faults: &mut Vec<String>) {
    check_range(
        schema,
        items.len(),
        ["minItems", "maxItems"],
        "items",
        path,
        faults,
    );
    if let Some(each) = schema.get("items") {
        for (index, item) in items.iter().enumerate() {
            check(each, item, &format!("{path}[{index}]"), faults);
        }
    }
}

fn check_range(
    schema: &Map<String, Value>,
    found: usize,
    [least, most]: [&str; 2],
    of: &str,
    path: &str,
    faults: &mut Vec<String>,
) {
    let found = u64::try_from(found).unwrap_or(u64::MAX);
    let bound = |name| schema.get(name).and_then(Value::as_u64);
    if let Some(least) = bound(least).filter(|least| found < *least) {
        fault(
            faults,
            path,
            &format!("must have at least {least} {of}, not {found}"),
        );
    }
    if let Some(most) = bound(most).filter(|most| found > *most) {
        fault(
            faults,
            path,
            &format!("must have at most {most} {of}, not {found}"),
        );
    }
}

fn check_number(
    schema: &Map<String, Value>,
    number: Option<f64>,
    path: &str,
    faults: &mut Vec<String>,
) {
    let Some(number) = number else { return };
    let bound = |name| schema.get(name).filter(|bound| bound.is_number());
    if let Some(least) =
        bound("minimum").filter(|least| least.as_f64().is_some_and(|least| number < least))
    {
        fault(faults, path, &format!("must be at least {least}"));
    }
    if let Some(most) =
        bound("maximum").filter(|most| most.as_f64().is_some_and(|most| number > most))
    {
        fault(faults, path, &format!("must be at most {most}"));
    }
}

fn fault(faults: &mut Vec<String>, path: &str, what: &str) {
    // Names are the model's: a long one is not given back whole.
    let path: String = path.chars().take(200).collect();
    faults.push(match path.as_str() {
        "" => format!("the arguments {what}"),
        path => format!("`{path}` {what}"),
    });
}

fn member(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// Whether the value is of a type, or of one of several.
fn is_of(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::Array(types) => types.iter().any(|one| is_of(value, one)),
        Value::String(name) => match name.as_str() {
            "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(is_whole),
            name => type_of(value) == name,
        },
        _ => true,
    }
}

/// The whole number that a value is, if it is one of 0 or more; the largest that there is in place of
/// larger ones. Models write 8.0 for 8, and [`faults`] finds none in it.
#[must_use]
pub fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is too large turns into the largest; others are not taken"
        )]
        let whole = number as u64;
        (number >= 0.0 && is_whole(number)).then_some(whole)
    })
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// 1 and 1.0 are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (one, other) => one == other,
    }
}

fn list(values: &Value, show: impl Fn(&Value) -> String) -> String {
    match values {
        Value::Array(values) => values.iter().map(show).collect::<Vec<_>>().join(", "),
        value => show(value),
    }
}

#[cfg(test)]
mod tests;
