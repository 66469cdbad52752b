//! Section 7 of the `studio` document: providers and models.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{AGENTS, MODELS, PROVIDERS, Studio, provider, with};
use serde_json::{Value, json};

#[tokio::test]
async fn the_life_of_a_provider() {
    let studio = Studio::start(&[]).await;
    let mut body = provider("Main");
    body["rateLimit"] = json!(5);
    body["local"] = json!(true);
    let made = studio.call(&format!("POST {PROVIDERS}"), &body).await;
    let expected = json!({ "id": 1, "name": "Main", "code": "Main", "status": "ACTIVE" });
    assert_eq!(made.data(), expected);
    studio.model(1, "m1").await;
    let expected = json!({
        "id": 1, "name": "Main", "code": "Main", "baseUrl": "https://models.example.com/v1",
        "apiKeyMasked": "••••0a2c", "rateLimit": 5, "timeoutMs": 60000, "local": true,
        "status": "ACTIVE", "modelCount": 1, "createdAt": "2027-01-15T08:00:00.000Z",
        "updatedAt": "2027-01-15T08:00:00.000Z",
    });
    let path = format!("{PROVIDERS}/1");
    assert_eq!(studio.get(&path).await.data(), expected);
    let change = json!({ "name": "Other", "code": "OTHER", "rateLimit": null, "timeoutMs": 1000,
        "local": false, "apiKey": null, "baseUrl": "http://[::1]:11434/v1/" });
    let changed = studio.call(&format!("PUT {path}"), &change).await;
    assert_eq!(changed.data(), json!({ "success": true }));
    let mut expected = expected;
    for (name, value) in [
        ("name", json!("Other")),
        ("code", json!("OTHER")),
        ("rateLimit", Value::Null),
        ("timeoutMs", json!(1000)),
        ("local", json!(false)),
        ("apiKeyMasked", Value::Null),
        ("baseUrl", json!("http://[::1]:11434/v1")),
    ] {
        expected[name] = value;
    }
    assert_eq!(studio.get(PROVIDERS).await.data(), json!([expected]));
    let line = format!("DELETE {path}");
    let answer = studio.call(&line, &Value::Null).await;
    answer.problem(409, "The provider has models: m1");
    studio
        .call(&format!("DELETE {MODELS}/1"), &Value::Null)
        .await
        .done(200);
    let deleted = studio.call(&line, &Value::Null).await;
    assert_eq!(deleted.data(), json!({ "success": true }));
    studio
        .get(&path)
        .await
        .problem(404, "Model provider not found");
}

#[tokio::test]
async fn what_a_provider_may_be() {
    let studio = Studio::start(&[]).await;
    let main = studio.provider("main").await;
    for (name, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(65))),
        ("code", json!("a b")),
        ("code", json!("")),
        ("baseUrl", json!("models.example.com")),
        ("baseUrl", json!("ftp://models.example.com")),
        ("baseUrl", json!("https://user:secret@models.example.com")),
        ("baseUrl", json!("https://models.example.com/v1?x=y")),
        ("baseUrl", json!("https://models.example.com/v1#x")),
        (
            "baseUrl",
            json!(format!("https://models.example.com/{}", "x".repeat(512))),
        ),
        ("apiKey", json!("")),
        ("apiKey", json!("a b")),
        ("apiKey", json!("••••0a2c")),
        ("apiKey", json!("x".repeat(513))),
        ("apiKey", json!(7)),
        ("rateLimit", json!(0)),
        ("rateLimit", json!(-5)),
        ("timeoutMs", json!(999)),
        ("timeoutMs", json!(600_001)),
        ("local", json!("yes")),
        ("status", json!("ON")),
    ] {
        for line in [
            format!("POST {PROVIDERS}"),
            format!("PUT {PROVIDERS}/{main}"),
        ] {
            let body = with(&provider("other"), name, value.clone());
            let answer = studio.call(&line, &body).await;
            answer.refused(400);
            assert_eq!(answer.fields(), [name], "{line}: {}", answer.text);
        }
    }
    for name in ["name", "code", "baseUrl"] {
        let mut body = provider("other");
        body.as_object_mut().unwrap().remove(name);
        let answer = studio.call(&format!("POST {PROVIDERS}"), &body).await;
        answer.refused(400);
        assert_eq!(answer.fields(), [name]);
    }
    let taken = studio
        .call(&format!("POST {PROVIDERS}"), &provider("MAIN"))
        .await;
    taken.problem(409, "Another provider has this code");
    let other = studio.provider("other").await;
    let line = format!("PUT {PROVIDERS}/{other}");
    let taken = studio.call(&line, &json!({ "code": "Main" })).await;
    taken.problem(409, "Another provider has this code");
    // What the provider test makes of an address must take whatever is stored.
    for url in [
        "http://a_b.example.com",
        "https://x:1/v1",
        "http://[::1]/",
        "HTTPS://A.b/c",
    ] {
        let stored = domain::ProviderUrl::parse(url).unwrap();
        assert!(
            llm::Endpoint::parse(stored.as_str(), "", "").is_ok(),
            "{url}"
        );
    }
}

#[tokio::test]
async fn the_life_of_a_model() {
    let studio = Studio::start(&[]).await;
    let provider = studio.provider("main").await;
    let body = json!({ "providerId": provider, "name": "Large", "modelCode": "org/large:1",
        "modelType": "Chat", "maxTokens": 128000, "supportStream": true, "supportTools": false,
        "inputPrice": 2.5, "outputPrice": 0.15 });
    let made = studio.call(&format!("POST {MODELS}"), &body).await;
    let expected = json!({ "id": 1, "name": "Large", "modelCode": "org/large:1",
        "modelType": "CHAT", "status": "ACTIVE" });
    assert_eq!(made.data(), expected);
    let expected = json!({
        "id": 1, "name": "Large", "modelCode": "org/large:1", "modelType": "CHAT",
        "providerId": provider, "providerName": "main", "status": "ACTIVE", "usable": true,
        "maxTokens": 128000, "supportStream": true, "supportTools": false, "inputPrice": 2.5,
        "outputPrice": 0.15, "createdAt": "2027-01-15T08:00:00.000Z",
        "updatedAt": "2027-01-15T08:00:00.000Z",
    });
    let path = format!("{MODELS}/1");
    assert_eq!(studio.get(&path).await.data(), expected);
    let line = format!("PUT {PROVIDERS}/{provider}");
    studio
        .call(&line, &json!({ "status": "DISABLED" }))
        .await
        .done(200);
    let change = json!({ "name": "Small", "maxTokens": null, "supportTools": true,
        "inputPrice": 0, "outputPrice": 0.000001 });
    studio.call(&format!("PUT {path}"), &change).await.done(200);
    let mut expected = expected;
    for (name, value) in [
        ("name", json!("Small")),
        ("usable", json!(false)),
        ("maxTokens", Value::Null),
        ("supportTools", json!(true)),
        ("inputPrice", json!(0.0)),
        ("outputPrice", json!(0.000001)),
    ] {
        expected[name] = value;
    }
    assert_eq!(studio.get(MODELS).await.data(), json!([expected]));
    let agent = json!({ "name": "Ann", "type": "CHAT", "modelId": 1 });
    let agent = studio.create(AGENTS, &agent).await;
    for (line, body) in [
        (format!("DELETE {path}"), Value::Null),
        (format!("PUT {path}"), json!({ "modelType": "IMAGE" })),
    ] {
        let answer = studio.call(&line, &body).await;
        answer.problem(409, "Agents ask this model: Ann");
    }
    studio
        .call(&format!("DELETE {AGENTS}/{agent}"), &Value::Null)
        .await
        .done(200);
    studio
        .call(&format!("DELETE {path}"), &Value::Null)
        .await
        .done(200);
    studio.get(&path).await.problem(404, "Model not found");
}

#[tokio::test]
async fn models_are_listed_and_filtered() {
    let studio = Studio::start(&[]).await;
    let one = studio.provider("one").await;
    let two = studio.provider("two").await;
    for (provider, code, kind, status) in [
        (one, "a", "CHAT", "ACTIVE"),
        (one, "b", "EMBEDDING", "ACTIVE"),
        (two, "c", "IMAGE", "DISABLED"),
        (two, "a", "CHAT", "DISABLED"),
    ] {
        let body = json!({ "providerId": provider, "name": code, "modelCode": code,
            "modelType": kind, "status": status });
        studio.create(MODELS, &body).await;
    }
    for (query, expected, total) in [
        (String::new(), "a b c a", "4"),
        (format!("?providerId={one}"), "a b", "2"),
        (format!("?providerId={two}&modelType=chat"), "a", "1"),
        ("?providerId=99".to_owned(), "", "0"),
        ("?modelType=embedding".to_owned(), "b", "1"),
        ("?status=disabled".to_owned(), "c a", "2"),
        ("?limit=1&offset=2".to_owned(), "c", "4"),
    ] {
        let answer = studio.get(&format!("{MODELS}{query}")).await;
        let data = answer.data();
        let codes = data.as_array().unwrap().iter();
        let codes: Vec<_> = codes
            .map(|model| model["modelCode"].as_str().unwrap())
            .collect();
        assert_eq!(codes.join(" "), expected, "{query}");
        assert_eq!(answer.header("x-total-count"), total, "{query}");
    }
    for (query, detail) in [
        ("?providerId=x", "query.providerId: must be a whole number"),
        (
            "?modelType=VIDEO",
            "query.modelType: must be one of CHAT, EMBEDDING, IMAGE",
        ),
        ("?status=x", "query.status: must be one of ACTIVE, DISABLED"),
    ] {
        studio
            .get(&format!("{MODELS}{query}"))
            .await
            .problem(400, detail);
    }
    let disabled = studio.get(&format!("{PROVIDERS}?status=disabled")).await;
    assert_eq!(disabled.data(), json!([]));
}

#[tokio::test]
async fn what_a_model_may_be() {
    let studio = Studio::start(&[]).await;
    let main = studio.provider("main").await;
    let model = studio.model(main, "m1").await;
    let base = json!({ "providerId": main, "name": "M", "modelCode": "m2", "modelType": "CHAT" });
    for (name, value) in [
        ("providerId", json!(99)),
        ("providerId", json!("1")),
        ("name", json!("")),
        ("modelCode", json!("a b")),
        ("modelCode", json!("x".repeat(129))),
        ("modelType", json!("VIDEO")),
        ("maxTokens", json!(0)),
        ("supportStream", json!("yes")),
        ("inputPrice", json!(-1)),
        ("inputPrice", json!("2")),
        ("outputPrice", json!(1_000_001)),
        ("outputPrice", json!(0.0000001)),
        ("status", json!("")),
    ] {
        for line in [format!("POST {MODELS}"), format!("PUT {MODELS}/{model}")] {
            let answer = studio.call(&line, &with(&base, name, value.clone())).await;
            answer.refused(400);
            assert_eq!(answer.fields(), [name], "{line}: {}", answer.text);
        }
    }
    let taken = "The provider has a model of this code already";
    let again = with(&base, "modelCode", json!("m1"));
    studio
        .call(&format!("POST {MODELS}"), &again)
        .await
        .problem(409, taken);
    let other = studio.create(MODELS, &base).await;
    let line = format!("PUT {MODELS}/{other}");
    studio
        .call(&line, &json!({ "modelCode": "m1" }))
        .await
        .problem(409, taken);
    let all = json!({ "name": "", "modelCode": "", "modelType": "x" });
    let answer = studio.call(&line, &all).await;
    answer.refused(400);
    assert_eq!(answer.fields(), ["name", "modelCode", "modelType"]);
}
