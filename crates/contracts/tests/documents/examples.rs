//! Every JSON example of a document is one of our bodies.

use crate::reading::{CHAT, CODEX, RUNTIME, STUDIO, check_members, examples};
use contracts::chat::{ChatRequest, ConversationCreate, UserCreate};
use contracts::health::{CodexHealth, Health, InfraHealth};
use contracts::runtime::{EmailOnly, ProfileChange, RefreshToken, SignIn, SignUp, Verify};
use contracts::{Problem, studio};
use serde::de::DeserializeOwned;

#[test]
fn the_chat_documents_examples_are_ours() {
    let examples = examples(CHAT);
    assert_eq!(examples.len(), 11);
    serde_json::from_value::<UserCreate>(examples[0].clone()).unwrap();
    check_members("User", &examples[1]);
    check_members("Problem", &examples[2]);
    check_members("User", &examples[3]);
    check_members("Problem", &examples[4]);
    serde_json::from_value::<ConversationCreate>(examples[5].clone()).unwrap();
    check_members("Conversation", &examples[6]);
    check_members("Conversation", &examples[7]);
    check_members("ConversationWithMessages", &examples[8]);
    check_members("ChatMessage", &examples[8]["messages"]);
    check_members("Problem", &examples[9]);
    serde_json::from_value::<ChatRequest>(examples[10].clone()).unwrap();
}

#[test]
fn the_health_examples_are_ours() {
    let runtime = examples(RUNTIME);
    let infra = runtime
        .iter()
        .find(|example| example["services"].is_object())
        .unwrap();
    serde_json::from_value::<InfraHealth>(infra.clone()).unwrap();
    let health = runtime
        .iter()
        .find(|example| example["status"] == "ok")
        .unwrap();
    serde_json::from_value::<Health>(health.clone()).unwrap();
    let problem = runtime
        .iter()
        .find(|example| example["type"] == "about:blank")
        .unwrap();
    serde_json::from_value::<Problem>(problem.clone()).unwrap();
    let codex = CODEX.split("GET /api/health").nth(1).unwrap();
    let body = codex
        .split("Response:")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    serde_json::from_str::<CodexHealth>(body).unwrap();
}

#[test]
fn the_account_examples_of_runtime_are_ours() {
    let examples = examples(RUNTIME);
    let request = |index: usize| examples[index].clone();
    fn parses<T: DeserializeOwned>(example: serde_json::Value) {
        serde_json::from_value::<T>(example).unwrap();
    }
    parses::<SignUp>(request(0));
    check_members("EmailSent", &examples[1]);
    parses::<EmailOnly>(request(2));
    parses::<Verify>(request(3));
    parses::<SignIn>(request(5));
    parses::<RefreshToken>(request(7));
    parses::<RefreshToken>(request(9));
    for tokens in [4, 6, 8] {
        check_members("Tokens", &examples[tokens]);
        check_members("TokenUser", &examples[tokens]["user"]);
    }
    check_members("AccountByEmail", &examples[10]);
    parses::<ProfileChange>(request(12));
    for profile in [11, 13, 14] {
        check_members("Profile", &examples[profile]);
    }
}

#[test]
fn the_envelope_of_studio_is_ours() {
    let body = STUDIO.split("```json").nth(1).unwrap();
    let body = body.split("```").next().unwrap();
    let example: serde_json::Value = serde_json::from_str(body).unwrap();
    let ours = studio::Envelope::of(serde_json::json!({}));
    assert_eq!(serde_json::to_value(ours).unwrap(), example);
}

/// `studio` writes the members of its bodies as a list of names.
#[test]
fn the_members_that_studio_names_are_ours() {
    let check = |route: &str, line: &str, schema: &str| {
        let section = STUDIO.split(route).nth(1).unwrap();
        let list = section.split(line).nth(1).unwrap();
        let list = list.split('{').nth(1).unwrap().split('}').next().unwrap();
        let names = list.split([',', ':']).map(str::trim);
        let example = names
            .filter(|name| !name.is_empty())
            .map(|name| (name.to_owned(), serde_json::Value::Null))
            .collect();
        check_members(schema, &serde_json::Value::Object(example));
    };
    check("POST /auth/login\n", "Request: ", "Login");
    check("POST /auth/login\n", "Response: ", "StudioToken");
    check("POST /auth/login\n", "user: ", "StudioUser");
    check("POST /auth/refresh\n", "Response: ", "NewToken");
    check("GET /users/me\n", "Response: ", "OwnAccount");
    check("GET /sessions\n", "Response: ", "StudioSession");
    check("POST /sessions\n", "Request: ", "SessionCreate");
    check("POST /sessions\n", "Response: ", "NewSession");
    check(
        "GET /sessions/{id}/messages\n",
        "Response: ",
        "StudioMessage",
    );
    check("PUT /users/me\n", "Request: ", "OwnAccountChange");
    check("PUT /users/me\n", "Response: ", "Changed");
    check("PUT /users/me/password\n", "Request: ", "PasswordChange");
}
