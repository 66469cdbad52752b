//! The document as a whole.

use super::*;
use serde_json::Value;

fn document_as_json() -> Value {
    serde_json::to_value(document()).unwrap_or_default()
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let (true, Some(to)) = (name == "$ref", member.as_str()) {
                    found.push(to.to_owned());
                }
                references(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn it_is_3_1_and_refers_only_to_what_it_holds() {
    let document = document_as_json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for to in found {
        let pointer = to.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{to}");
    }
}

#[test]
fn every_operation_is_in_it() {
    let document = document_as_json();
    for operation in operations() {
        let method = format!("{:?}", operation.method).to_lowercase();
        let found = &document["paths"][operation.path][&method];
        assert!(found.is_object(), "{method} {}", operation.path);
        let tags = found["tags"].as_array().cloned().unwrap_or_default();
        let contract = Value::from(operation.contract.as_str());
        assert!(tags.contains(&contract), "{method} {}", operation.path);
    }
}

#[test]
fn what_has_no_body_says_so() {
    let document = document_as_json();
    let resend = &document["paths"]["/api/v1/auth/verifications/resend"]["post"];
    let nothing = &resend["responses"]["204"];
    assert!(nothing["description"].is_string());
    assert!(nothing["content"].is_null(), "{nothing}");
}

#[test]
fn a_shared_path_says_what_both_contracts_answer() {
    let document = document_as_json();
    let path = |path: &str, method: &str| document["paths"][path][method].clone();
    let login = path("/api/v1/auth/login", "post");
    let answers = login["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(answers.len(), 2, "{login}");
    let invalid = ["400", "422"].map(|status| login["responses"][status].is_object());
    assert_eq!(invalid, [true, true], "each contract has its own status");
    let me = path("/api/v1/users/me", "get");
    assert_eq!(me["tags"], json!(["runtime", "studio"]));
    for method in ["patch", "put", "delete"] {
        assert!(path("/api/v1/users/me", method).is_object(), "{method}");
    }
}

#[test]
fn who_may_call_is_said() {
    let document = document_as_json();
    let check = |path: &str, method: &str, expected: Value| {
        let found = &document["paths"][path][method]["security"];
        assert_eq!(found, &expected, "{method} {path}");
    };
    let (bearer, cookie) = (json!({"bearer": []}), json!({"cookie": []}));
    check("/api/v1/auth/sessions", "post", json!([]));
    check("/api/v1/users/me", "get", json!([bearer, cookie]));
    check("/api/v1/chat", "post", json!([{}, bearer, cookie]));
    check(
        "/api/v1/users/{username}",
        "get",
        json!([{}, bearer, cookie]),
    );
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"]["scheme"], "bearer");
    assert_eq!(schemes["cookie"]["name"], "access_token");
}

#[test]
fn parameters_have_their_types() {
    let document = document_as_json();
    let check = |path: &str, method: &str, expected: Value| {
        let found = &document["paths"][path][method]["parameters"][0]["schema"];
        assert_eq!(found, &expected, "{method} {path}");
    };
    let uuid = json!({"type": "string", "format": "uuid"});
    check("/api/v1/auth/logins/{login_id}", "delete", uuid);
    let integer = json!({"type": "integer"});
    check("/api/v1/users/{user_id}/conversations", "get", integer);
    check("/api/v1/auth/users", "get", json!({"type": "string"}));
    check("/api/v1/users/{username}", "get", json!({"type": "string"}));
    let email = &document["paths"]["/api/v1/auth/users"]["get"]["parameters"][0];
    assert_eq!(email["required"], true);
}
