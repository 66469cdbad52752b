//! Values that fit a schema and values that do not, with what is said of them.

use super::{faults, whole};
use serde_json::{Value, json};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "maxLength": 5},
            "depth": {"type": "integer", "minimum": 1, "maximum": 16},
            "share": {"type": "number"},
            "kind": {"enum": ["file", "folder", 3]},
            "always": {"const": "x"},
            "command": {"anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3}
            ]},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "edit": {"type": "object", "properties": {"line": {"type": "integer"}}, "required": ["line"]},
            "note": {"type": ["string", "null"], "description": "words that are notes"},
            "never": false,
            "any": true
        },
        "required": ["path"],
        "additionalProperties": false
    })
}

fn check(value: &Value, expected: &[&str]) {
    assert_eq!(faults(&schema(), value), expected, "{value}");
}

#[test]
fn what_fits() {
    for value in [
        json!({"path": "a"}),
        json!({"path": "äöüß世", "depth": 16, "share": 1, "kind": "file"}),
        json!({"path": "a", "depth": 2.0, "kind": 3.0, "always": "x", "any": [null]}),
        json!({"path": "a", "command": "ls", "note": null}),
        json!({"path": "a", "command": ["ls", "-l"], "env": {"A": "b"}, "note": "n"}),
        json!({"path": "a", "edit": {"line": -3, "more": true}}),
    ] {
        check(&value, &[]);
    }
}

#[test]
fn what_does_not_fit_names_the_member() {
    check(&json!([]), &["the arguments must be object, not array"]);
    check(&json!({}), &["`path` is missing"]);
    check(&json!({"path": 5}), &["`path` must be string, not number"]);
    check(
        &json!({"path": ""}),
        &["`path` must have at least 1 characters, not 0"],
    );
    check(
        &json!({"path": "世世世世世世"}),
        &["`path` must have at most 5 characters, not 6"],
    );
    check(
        &json!({"path": "a", "depth": "3"}),
        &["`depth` must be integer, not string"],
    );
    check(
        &json!({"path": "a", "depth": 1.5}),
        &["`depth` must be integer, not number"],
    );
    check(
        &json!({"path": "a", "depth": 0}),
        &["`depth` must be at least 1"],
    );
    check(
        &json!({"path": "a", "depth": 17}),
        &["`depth` must be at most 16"],
    );
    check(
        &json!({"path": "a", "kind": "link"}),
        &[r#"`kind` must be one of "file", "folder", 3"#],
    );
    check(
        &json!({"path": "a", "always": "y"}),
        &[r#"`always` must be "x""#],
    );
    check(
        &json!({"path": "a", "note": 1}),
        &["`note` must be string, null, not number"],
    );
    check(
        &json!({"path": "a", "never": 1}),
        &["`never` must not be there"],
    );
    check(
        &json!({"path": "a", "env": {"A": 1}}),
        &["`env.A` must be string, not number"],
    );
    check(
        &json!({"path": "a", "edit": {}}),
        &["`edit.line` is missing"],
    );
    check(
        &json!({"path": "a", "command": ["ls", 1]}),
        &["`command` fits none of the allowed forms (`command[1]` must be string, not number)"],
    );
    check(
        &json!({"path": "a", "command": 1}),
        &["`command` fits none of the allowed forms (`command` must be string, not number)"],
    );
    check(
        &json!({"path": 1, "depth": 0}),
        &[
            "`depth` must be at least 1",
            "`path` must be string, not number",
        ],
    );
}

#[test]
fn an_unknown_member_is_told_the_known_ones() {
    let schema =
        json!({"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false});
    assert_eq!(
        faults(&schema, &json!({"c": 1})),
        ["`c` is not known; known are: a, b"]
    );
}

#[test]
fn faults_are_bounded() {
    let schema = json!({"items": {"type": "string"}});
    let many = Value::Array(vec![json!(1); 1_000]);
    assert_eq!(faults(&schema, &many).len(), 8);
    let name = "n".repeat(100_000);
    let schema = json!({"additionalProperties": false});
    let told: usize = faults(&schema, &json!({name: 1}))
        .iter()
        .map(String::len)
        .sum();
    assert!(told < 1_000, "{told}");
}

#[test]
fn a_schema_that_is_none_takes_everything() {
    for schema in [
        json!(null),
        json!(true),
        json!({}),
        json!({"type": 3}),
        json!({"required": "x"}),
    ] {
        assert!(faults(&schema, &json!({"a": 1})).is_empty(), "{schema}");
    }
}

#[test]
fn whole_numbers() {
    for (value, expected) in [
        (json!(30), Some(30)),
        (json!(30.0), Some(30)),
        (json!(0), Some(0)),
        (json!(-0.0), Some(0)),
        (json!(u64::MAX), Some(u64::MAX)),
        (json!(1e300), Some(u64::MAX)),
        (json!(-1), None),
        (json!(-1.0), None),
        (json!(30.5), None),
        (json!("30"), None),
        (json!(true), None),
        (json!(null), None),
    ] {
        assert_eq!(whole(&value), expected, "{value}");
    }
}
