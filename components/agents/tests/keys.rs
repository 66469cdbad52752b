//! Keys of providers: where they are, where they must not be, and for whom they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{PROVIDERS, SENTINEL, Studio, holds, log_of_all, provider, with};
use platform_native::MapVariables;
use ports::Platform;
use serde_json::{Value, json};
use std::sync::Arc;
use test_app::Reply;

/// What the test database holds, with what SQLite has not cleared up.
async fn database_bytes(studio: &Studio) -> Vec<u8> {
    let rows = studio.app.sql("PRAGMA database_list", vec![]).await;
    let path: String = rows[0].get(2).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for more in ["-wal", "-journal"] {
        bytes.extend(std::fs::read(format!("{path}{more}")).unwrap_or_default());
    }
    bytes
}

const ALL: store::Window = store::Window {
    skip: 0,
    limit: 100,
};

#[tokio::test]
async fn a_key_is_in_no_answer_and_not_in_the_database() {
    let studio = Studio::start(&[]).await;
    let mut said = Vec::new();
    let odd = with(&provider("odd"), "apiKey", json!(format!("{SENTINEL} x")));
    let listed = with(&provider("odd"), "apiKey", json!([SENTINEL]));
    let elsewhere = format!("https://{SENTINEL}@models.example.com");
    let elsewhere = with(&provider("odd"), "baseUrl", json!(elsewhere));
    for (line, body) in [
        (format!("POST {PROVIDERS}"), provider("main")),
        (format!("POST {PROVIDERS}"), provider("main")),
        (format!("POST {PROVIDERS}"), odd.clone()),
        (format!("POST {PROVIDERS}"), listed),
        (format!("POST {PROVIDERS}"), elsewhere),
        (format!("PUT {PROVIDERS}/1"), json!({ "apiKey": SENTINEL })),
        (format!("PUT {PROVIDERS}/1"), odd),
        (format!("GET {PROVIDERS}"), Value::Null),
        (format!("GET {PROVIDERS}/1"), Value::Null),
        (format!("POST {PROVIDERS}/1/test"), Value::Null),
        (format!("POST {PROVIDERS}/99/test"), Value::Null),
    ] {
        let answer = studio.call(&line, &body).await;
        said.push(answer.text);
    }
    for text in &said {
        assert!(!text.contains(SENTINEL), "{text}");
    }
    assert!(said[8].contains("••••0a2c"), "{}", said[8]);
    let bytes = database_bytes(&studio).await;
    assert!(holds(&bytes, "models.example.com"), "the right file");
    assert!(!holds(&bytes, SENTINEL));
    let found = store::providers::list(&*studio.app.platform.sql, None, ALL).await;
    let shown = format!("{found:?}");
    assert!(
        !shown.contains(SENTINEL) && shown.contains("Sealed(…)"),
        "{shown}"
    );
}

#[test]
fn a_key_is_in_no_log() {
    let log = log_of_all("a_key_is_in_no_log");
    assert!(holds(&log, "provider main: "), "something was logged");
    assert!(!holds(&log, SENTINEL));
}

#[tokio::test]
async fn a_key_that_was_moved_or_changed_is_sent_to_nobody() {
    let studio = Studio::start(&[]).await;
    let listed = json!({ "data": [] });
    studio
        .app
        .runner
        .answers("GET /v1/models", Reply::Json(200, listed));
    studio.provider("main").await;
    let other = with(&provider("other"), "apiKey", json!("a-token-for-tests"));
    studio.create(PROVIDERS, &other).await;
    let test = async || {
        let answer = studio
            .call(&format!("POST {PROVIDERS}/2/test"), &Value::Null)
            .await;
        answer.data()
    };
    assert_eq!(test().await["status"], "ONLINE");
    assert_eq!(studio.app.runner.asked().len(), 1);
    let original = "SELECT api_key FROM providers WHERE id = 2";
    let original: String = studio.app.sql(original, vec![]).await[0].get(0).unwrap();
    let spoilt = |at: usize| {
        let mut text = original.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    let moved: String = {
        let select = "SELECT api_key FROM providers WHERE id = 1";
        studio.app.sql(select, vec![]).await[0].get(0).unwrap()
    };
    let in_clear = SENTINEL.to_owned();
    for text in [
        moved,
        spoilt(2),
        spoilt(40),
        spoilt(original.len() - 2),
        in_clear,
    ] {
        let update = "UPDATE providers SET api_key = ?1 WHERE id = 2";
        studio.app.sql(update, vec![text.into()]).await;
        let expected = json!({ "status": "OFFLINE", "responseTime": null,
            "message": "The model provider's key cannot be opened. It has to be entered again" });
        assert_eq!(test().await, expected);
    }
    assert!(studio.app.runner.asked().is_empty());
    let line = format!("PUT {PROVIDERS}/2");
    let again = json!({ "apiKey": "a-token-for-tests" });
    studio.call(&line, &again).await.done(200);
    assert_eq!(test().await["status"], "ONLINE");
}

#[tokio::test]
async fn a_key_does_not_go_to_another_server_unless_it_is_given_again() {
    let studio = Studio::start(&[]).await;
    studio.provider("main").await;
    let line = format!("PUT {PROVIDERS}/1");
    for url in [
        "https://evil.example.com/v1",
        "http://models.example.com/v1",
        "https://models.example.com:8443/v1",
        "https://models.example.com.evil.org/v1",
    ] {
        let answer = studio.call(&line, &json!({ "baseUrl": url })).await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["apiKey"], "{url}");
    }
    let shown = studio.get(&format!("{PROVIDERS}/1")).await.data();
    assert_eq!(shown["baseUrl"], "https://models.example.com/v1");
    for body in [
        json!({ "baseUrl": "https://models.example.com/v2" }),
        json!({ "baseUrl": "https://other.example.com/v1", "apiKey": "another-key" }),
        json!({ "baseUrl": "https://third.example.com/v1", "apiKey": null }),
        json!({ "baseUrl": "https://fourth.example.com/v1" }),
    ] {
        studio.call(&line, &body).await.done(200);
    }
}

fn variables(changed: &[(&str, &str)]) -> MapVariables {
    let known = [
        ("jwt_secret", JWT),
        ("data_key", ""),
        ("data_key_previous", ""),
    ];
    known.iter().chain(changed).copied().collect()
}

const JWT: &str = "a-secret-for-tests-of-32-bytes-at-least";
const FIRST: &str = "a-data-key-for-tests-of-32-bytes-at-least";
const SECOND: &str = "another-data-key-of-32-bytes-at-the-very-least";

#[tokio::test]
async fn the_key_of_keys_can_be_replaced() {
    let studio = Studio::start(&[("data_key", "")]).await;
    studio.provider("main").await;
    let opens = async |changed: &[(&str, &str)]| {
        let platform = Platform {
            variables: Arc::new(variables(changed)),
            ..studio.app.platform.clone()
        };
        let listed = store::providers::find(&*platform.sql, domain::ProviderId(1)).await;
        let provider = listed.unwrap().unwrap().provider;
        match web::open_provider_key(&platform, &provider).await {
            Ok(opened) => {
                assert_eq!(opened.unwrap().as_str(), SENTINEL);
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), domain::ErrorKind::Unavailable);
                assert!(!format!("{error:?}").contains(SENTINEL));
                false
            }
        }
    };
    let previous = "data_key_previous";
    // Without a key of its own, what is sealed stands under the secret of tokens.
    assert!(opens(&[]).await);
    assert!(!opens(&[("data_key", FIRST)]).await);
    assert!(opens(&[("data_key", FIRST), (previous, JWT)]).await);
    assert!(opens(&[("data_key", FIRST)]).await, "it was sealed anew");
    assert!(!opens(&[]).await);
    assert!(opens(&[("data_key", SECOND), (previous, FIRST)]).await);
    assert!(!opens(&[("data_key", FIRST)]).await);
    assert!(opens(&[("data_key", SECOND)]).await);
    for wrong in [("data_key", "short"), (previous, "short")] {
        assert!(!opens(&[("data_key", SECOND), wrong]).await, "{wrong:?}");
    }
}
