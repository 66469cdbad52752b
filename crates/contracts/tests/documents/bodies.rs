//! What a body must keep to, and how ours are written.

use contracts::accounts::{ApiKey, ApiKeyCreate, EmailChange, NewApiKey, OpenLogin, PasswordReset};
use contracts::codex::{CodexToken, LoginStatus};
use contracts::runtime::{
    AccountByEmail, Profile, ProfileChange, RefreshToken, SignIn, SignUp, Tokens, Verify,
};
use contracts::studio::providers::{ProviderCreate, ProviderUpdate};
use contracts::studio::{Changed, OwnAccount, OwnAccountChange, PasswordChange, StudioToken};
use contracts::workspace::{TokenResponse, UserProfile};
use contracts::{Change, Validate, invalid_members};
use domain::{Account, AccountRole, ApiKeyId, Audience, LoginId, Timestamp, UserId, uuid_at};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The members of `body` at fault, in the order of their names.
fn at_fault<T: DeserializeOwned + Validate>(body: &Value) -> Vec<String> {
    let body: T = serde_json::from_value(body.clone()).unwrap();
    let invalid = invalid_members(&body).into_iter();
    let mut fields: Vec<_> = invalid.map(|at| at.field).collect();
    fields.sort();
    fields
}

#[track_caller]
pub(crate) fn check<T: DeserializeOwned + Validate>(body: &Value, expected: &[&str]) {
    assert_eq!(at_fault::<T>(body), expected, "{body}");
}

#[test]
fn requests_of_runtime() {
    let mut sign_up =
        json!({"username": "ada_1", "email": "ada@example.org", "password": "123456"});
    check::<SignUp>(&sign_up, &[]);
    sign_up["redirect_to"] = json!("x".repeat(2049));
    check::<SignUp>(&sign_up, &["redirect_to"]);
    let wrong = json!({"username": "a b", "email": "ada", "password": "12345"});
    check::<SignUp>(&wrong, &["email", "password", "username"]);
    let verify = json!({"email": "ada@example.org", "token": "12345"});
    check::<Verify>(&verify, &["token"]);
    check::<SignIn>(&json!({"email": "ada", "password": "123456"}), &["email"]);
    check::<RefreshToken>(&json!({"refresh_token": ""}), &["refresh_token"]);
    check::<RefreshToken>(&json!({"refresh_token": "anything"}), &[]);
    let long = json!({"refresh_token": "x".repeat(4097)});
    check::<RefreshToken>(&long, &["refresh_token"]);
}

#[test]
fn requests_that_change_a_part() {
    check::<ProfileChange>(&json!({}), &[]);
    check::<ProfileChange>(
        &json!({"avatar_url": null, "bio": null, "username": null}),
        &[],
    );
    let wrong =
        json!({"avatar_url": "javascript:alert(1)", "bio": "x".repeat(201), "username": "x"});
    check::<ProfileChange>(&wrong, &["avatar_url", "bio", "username"]);
    let change: ProfileChange =
        serde_json::from_value(json!({"avatar_url": null, "username": "ada"})).unwrap();
    assert_eq!(change.avatar_url, Change::Clear);
    assert_eq!(change.bio, Change::Keep);
    assert_eq!(change.username.as_deref(), Some("ada"));
    let change: ProfileChange = serde_json::from_value(json!({"bio": "hello"})).unwrap();
    assert_eq!(change.bio.value().map(String::as_str), Some("hello"));
}

#[test]
fn requests_of_studio_name_their_members_as_written() {
    let wrong = json!({"displayName": "", "email": "ada", "avatarUrl": "x"});
    check::<OwnAccountChange>(&wrong, &["avatarUrl", "displayName", "email"]);
    let wrong = json!({"oldPassword": "", "newPassword": "12345"});
    check::<PasswordChange>(&wrong, &["newPassword", "oldPassword"]);
    check::<PasswordChange>(&json!({"oldPassword": "1", "newPassword": "123456"}), &[]);
}

#[test]
fn requests_besides() {
    let reset = json!({"email": "ada@example.org", "token": "x", "password": "y"});
    check::<PasswordReset>(&reset, &["password", "token"]);
    check::<EmailChange>(
        &json!({"email": "x", "password": ""}),
        &["email", "password"],
    );
    check::<ApiKeyCreate>(&json!({"name": " ", "password": "y"}), &["name"]);
}

#[test]
fn no_secret_is_shown() {
    let sign_in: SignIn =
        serde_json::from_value(json!({"email": "ada@example.org", "password": "hunter22"}))
            .unwrap();
    assert!(!format!("{sign_in:?}").contains("hunter22"));
    let provider = json!({"name": "n", "code": "c", "baseUrl": "u", "apiKey": "hunter22"});
    let create: ProviderCreate = serde_json::from_value(provider.clone()).unwrap();
    let update: ProviderUpdate = serde_json::from_value(provider).unwrap();
    assert!(!format!("{create:?} {update:?}").contains("hunter22"));
}

fn account() -> Account {
    Account {
        id: UserId(7),
        uuid: uuid_at(1_000, [0; 10]),
        username: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        role: AccountRole::Admin,
        display_name: Some("Ada".to_owned()),
        bio: None,
        avatar_url: None,
        created_at: Timestamp(0),
        email_confirmed_at: None,
    }
}

#[track_caller]
pub(crate) fn written<T: Serialize>(body: T, expected: &Value) {
    assert_eq!(&serde_json::to_value(body).unwrap(), expected);
}

#[test]
fn answers_about_an_account() {
    let id = account().uuid.to_string();
    let epoch = "1970-01-01T00:00:00.000Z";
    written(
        Profile::from(account()),
        &json!({"id": id, "username": "ada", "avatar_url": null, "bio": null}),
    );
    written(
        AccountByEmail::from(account()),
        &json!({"id": id, "email": "ada@example.org", "created_at": epoch,
            "email_confirmed_at": null}),
    );
    written(
        UserProfile::from(account()),
        &json!({"id": id, "email": "ada@example.org", "username": "ada", "display_name": "Ada",
            "avatar_url": null, "role": "ADMIN", "created_at": epoch}),
    );
    written(
        OwnAccount::of(account(), 0, 2),
        &json!({"id": 7, "username": "ada", "displayName": "Ada", "email": "ada@example.org",
            "avatarUrl": null, "role": "ADMIN", "workflowCount": 0, "sessionCount": 2}),
    );
}

#[test]
fn answers_with_tokens() {
    let id = account().uuid.to_string();
    let text = || "t".to_owned();
    written(
        Tokens::of(&account(), text(), "r".to_owned(), 3600),
        &json!({"access_token": "t", "refresh_token": "r", "expires_in": 3600,
            "token_type": "bearer", "user": {"id": id, "email": "ada@example.org"}}),
    );
    written(
        TokenResponse::of(text()),
        &json!({"access_token": "t", "token_type": "bearer"}),
    );
    written(
        CodexToken::of(text(), 86_400),
        &json!({"access_token": "t", "token_type": "bearer", "expires_in": 86_400}),
    );
    written(
        StudioToken::of(account(), text()),
        &json!({"token": "t", "user": {"id": 7, "username": "ada", "displayName": "Ada",
            "role": "ADMIN"}}),
    );
    written(LoginStatus::nobody(), &json!({"authenticated": false}));
    written(
        LoginStatus::of(account(), Timestamp(5)),
        &json!({"authenticated": true, "expires_at": 5,
            "user": {"id": id, "username": "ada", "email": "ada@example.org"}}),
    );
    written(Changed::of(None), &json!({"success": true}));
    written(
        Changed::of(Some("b@example.org".to_owned())),
        &json!({"success": true, "emailPending": "b@example.org"}),
    );
}

#[test]
fn answers_about_logins_and_keys() {
    let epoch = "1970-01-01T00:00:00.000Z";
    let uuid = account().uuid;
    let login = domain::Login {
        id: LoginId(3),
        uuid,
        audience: Audience::Codex,
        created_at: Timestamp(0),
        last_used_at: Timestamp(0),
        expires_at: Timestamp(0),
        user_agent: Some("curl".to_owned()),
        address: None,
    };
    written(
        OpenLogin::of(login, LoginId(3)),
        &json!({"id": uuid.to_string(), "audience": "codex", "current": true,
            "user_agent": "curl", "address": null, "created_at": epoch, "last_used_at": epoch,
            "expires_at": epoch}),
    );
    let known = ApiKey::from(domain::ApiKey {
        id: ApiKeyId(1),
        uuid,
        name: "ci".to_owned(),
        prefix: "atl_abcd".to_owned(),
        created_at: Timestamp(0),
        last_used_at: None,
    });
    written(
        NewApiKey {
            known,
            key: "atl_abcdefgh".to_owned().into(),
        },
        &json!({"id": uuid.to_string(), "name": "ci", "prefix": "atl_abcd", "created_at": epoch,
            "last_used_at": null, "key": "atl_abcdefgh"}),
    );
}
