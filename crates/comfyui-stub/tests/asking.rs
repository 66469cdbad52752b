//! The client's questions, and answers that are not what they should be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: they say what they expect by panicking"
)]

mod user;

use comfyui::{Error, OutputFile, QueuePlace, Timeouts, Upload, limits};
use comfyui_stub::{Canned, Stub, size_of_png, text_to_image};
use futures::TryStreamExt;
use serde_json::json;
use std::time::Duration;
use user::{client, client_at, prompt, submission};

async fn bytes_of(client: &comfyui::Client, file: &OutputFile) -> Result<Vec<u8>, Error> {
    let view = client.view(file).await?;
    let pieces: Vec<_> = view.body.try_collect().await?;
    Ok(pieces.concat())
}

fn file(folder: &str, subfolder: &str, filename: &str) -> OutputFile {
    OutputFile {
        kind: "images".to_owned(),
        filename: filename.to_owned(),
        subfolder: subfolder.to_owned(),
        folder: folder.to_owned(),
    }
}

#[tokio::test]
async fn what_a_server_has() {
    let stub = Stub::start().await.unwrap();
    // A proxy may add a path, as `/api` is one.
    for url in [stub.url(), format!("{}/api/", stub.url())] {
        let client = client_at(&url, Timeouts::default());
        let probe = client.probe().await.unwrap();
        assert_eq!(probe.stats.version.as_deref(), Some("0.3.64"));
        assert_eq!(probe.stats.devices[0].kind, "cpu");
        assert!(probe.response_time < user::LONG);
        let info = client.object_info().await.unwrap();
        let sampler = info.class("KSampler").unwrap();
        let names: Vec<_> = sampler
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        assert_eq!(names[..4], ["model", "seed", "steps", "cfg"]);
        let one = client.node_class("KSampler").await.unwrap();
        assert_eq!(one.class("KSampler").unwrap().inputs, sampler.inputs);
        assert!(client.node_class("a/../b c").await.unwrap().is_empty());
        assert!(
            client
                .model_folders()
                .await
                .unwrap()
                .contains(&"loras".to_owned())
        );
        let loras = client.models("loras").await.unwrap().unwrap();
        assert_eq!(loras, ["detail.safetensors", "style.safetensors"]);
        assert_eq!(client.models("nothing").await.unwrap(), None);
        assert_eq!(client.models("../../etc").await.unwrap(), None);
    }
}

#[tokio::test]
async fn uploads_keep_what_is_there() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let upload = |name: &str, bytes: &'static [u8], overwrite| Upload {
        name: name.to_owned(),
        subfolder: "of user".to_owned(),
        bytes: bytes.into(),
        overwrite,
    };
    let first = client
        .upload_image(&upload("a \"b\".png", b"one", false))
        .await
        .unwrap();
    assert_eq!(first.subfolder, "of user");
    let again = client
        .upload_image(&upload("a \"b\".png", b"one", false))
        .await
        .unwrap();
    assert_eq!(again, first);
    let other = client
        .upload_image(&upload("a \"b\".png", b"two\r\n--atelier", false))
        .await
        .unwrap();
    assert_ne!(other.name, first.name);
    assert_eq!(other.input_value(), format!("of user/{}", other.name));
    let bytes = bytes_of(&client, &file("input", "of user", &other.name))
        .await
        .unwrap();
    assert_eq!(bytes, b"two\r\n--atelier");
    client
        .upload_image(&upload(&first.name, b"three", true))
        .await
        .unwrap();
    let bytes = bytes_of(&client, &file("input", "of user", &first.name))
        .await
        .unwrap();
    assert_eq!(bytes, b"three");
    // A name cannot add fields to the form.
    let nasty = "x\r\n\r\n--atelier\r\ncontent-disposition: form-data; name=\"type\"";
    let named = client
        .upload_image(&upload(nasty, b"x", false))
        .await
        .unwrap();
    assert_eq!(named.folder, "input");
    let too_long = Upload {
        bytes: vec![0; limits::UPLOAD + 1].into(),
        ..upload("big", b"", false)
    };
    assert!(matches!(
        client.upload_image(&too_long).await,
        Err(Error::TooLong { .. })
    ));
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let mut broken = text_to_image(512);
    broken["3"]["inputs"]["steps"] = json!(0);
    broken["3"]["inputs"]["sampler_name"] = json!("none");
    let broken = prompt(&broken);
    let Err(Error::Refused(refusal)) = client.submit(&submission(&broken, "me")).await else {
        panic!("it was taken");
    };
    assert_eq!(refusal.error.kind, "prompt_outputs_failed_validation");
    let kinds: Vec<_> = refusal.node_errors.0["3"]
        .errors
        .iter()
        .map(|e| e.kind.as_str())
        .collect();
    assert_eq!(kinds, ["value_smaller_than_min", "value_not_in_list"]);
    // The same as is found without the server.
    let found = comfyui::validate(&broken, &client.object_info().await.unwrap()).unwrap_err();
    assert_eq!(found, refusal);

    let fine = prompt(&text_to_image(512));
    let mut named = submission(&fine, "me");
    named.prompt_id = Some("0190A5F2-0000-7000-8000-000000000001");
    let Err(Error::Refused(refusal)) = client.submit(&named).await else {
        panic!("it was taken");
    };
    assert_eq!(refusal.error.kind, "invalid_prompt_id");

    stub.answer(
        "/prompt",
        Canned::Response(400, r#"{"error":"no prompt","node_errors":[]}"#.to_owned()),
    );
    let error = client.submit(&submission(&fine, "me")).await.unwrap_err();
    assert_eq!(error.to_string(), "the workflow does not run: no prompt");

    // Taken, although one of the outputs will not come.
    let mut half = text_to_image(512);
    half["10"] = json!({"class_type": "PreviewImage", "inputs": {}});
    let half = prompt(&half);
    let taken = client.submit(&submission(&half, "me")).await.unwrap();
    assert_eq!(taken.prompt_id, user::PROMPT_ID);
    assert_eq!(
        taken.node_errors.lines(),
        ["node 10 (PreviewImage): Required input is missing: images"]
    );
}

#[tokio::test]
async fn odd_answers_are_errors() {
    let stub = Stub::start().await.unwrap();
    let client = client_at(
        &stub.url(),
        Timeouts {
            answer: Duration::from_secs(2),
            ..Timeouts::default()
        },
    );
    let mut answered = Vec::new();
    for canned in [
        Canned::Response(500, "Traceback: /home/somebody".to_owned()),
        Canned::Response(403, String::new()),
        Canned::Redirect("http://127.0.0.1:1/canary".to_owned()),
        Canned::Response(200, "<html>".to_owned()),
        Canned::Response(200, "[]".to_owned()),
        Canned::Response(200, r#"{"queue_running": 5}"#.to_owned()),
        Canned::Silence,
        Canned::Endless,
    ] {
        stub.answer("/queue", canned);
        answered.push(client.queue().await.unwrap_err().to_string());
    }
    assert_eq!(
        answered,
        [
            "the ComfyUI service failed (500)",
            "the ComfyUI service refuses access (403)",
            "the ComfyUI service answers with a redirect (307)",
            "the service's answer is not one of ComfyUI",
            "the service's answer is not one of ComfyUI",
            "the service's answer is not one of ComfyUI",
            "the ComfyUI service did not answer in time",
            "the service's answer is over 16777216 bytes",
        ]
    );
    for odd in ["[]", "{}", "{\"system\": 1}", "null", "\"x\""] {
        stub.answer("/system_stats", Canned::Response(200, odd.to_owned()));
        assert!(
            matches!(client.probe().await, Err(Error::Malformed { .. })),
            "{odd}"
        );
    }
    stub.answer("/object_info", Canned::Response(200, "[1]".to_owned()));
    assert!(client.object_info().await.is_err());
    stub.answer("/prompt", Canned::Response(200, "{}".to_owned()));
    let fine = prompt(&text_to_image(64));
    assert!(client.submit(&submission(&fine, "me")).await.is_err());
    let url = stub.url();
    stub.kill();
    let gone = client_at(&url, Timeouts::default());
    // The listener closes a moment after it is told to.
    let error = loop {
        if let Err(error) = gone.probe().await {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert!(
        matches!(error, Error::Connect { .. } | Error::Broken { .. }),
        "{error:?}"
    );
}

/// Python writes numbers that JSON does not know, and nodes have and give them.
#[tokio::test]
async fn numbers_that_are_none_spoil_no_answer() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    for path in ["/object_info", "/history"] {
        stub.spoil(path);
    }
    let info = client.object_info().await.unwrap();
    let one = client.node_class("KSampler").await.unwrap();
    for info in [&info, &one] {
        assert!(info.class("KSampler").is_some());
        assert!(info.class("odd").is_none());
    }
    assert_eq!(client.history(user::PROMPT_ID).await.unwrap(), None);
}

/// The queue repeats the prompts of everybody, which may be large, and may hold what is no JSON.
#[tokio::test]
async fn a_queue_may_be_long() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let prompt = format!(
        r#"{{"1": {{"inputs": {{"text": "{}]}}", "cfg": NaN}}}}}}"#,
        "x".repeat(6 << 20)
    );
    let item = |number: i32| format!(r#"[{number}, "id {number}", {prompt}, {{}}, ["1"]]"#);
    let queue = format!(
        r#"{{"queue_running": [{}], "queue_pending": [{}, 7, {}]}}"#,
        item(1),
        item(3),
        item(2)
    );
    assert!(queue.len() > limits::ANSWER);
    stub.answer("/queue", Canned::Response(200, queue));
    let queue = client.queue().await.unwrap();
    assert_eq!(queue.place("id 1"), Some(QueuePlace::Running));
    assert_eq!(queue.place("id 2"), Some(QueuePlace::Waiting(1)));
    assert_eq!(queue.place("id 3"), Some(QueuePlace::Waiting(2)));
    // There is a limit all the same, also to what is not kept.
    let endless = format!(
        r#"{{"queue_running": [[1, "x", [" {} "#,
        " ".repeat(65 << 20)
    );
    stub.answer("/queue", Canned::Response(200, endless));
    let error = client.queue().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service's answer is over 67108864 bytes"
    );
}

#[tokio::test]
async fn files_that_are_not_there_and_paths_that_lead_out() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let example = bytes_of(&client, &file("input", "", "example.png"))
        .await
        .unwrap();
    assert_eq!(size_of_png(&example), Some((64, 48)));
    for (folder, subfolder, name, code) in [
        ("output", "", "gone.png", 404),
        ("output", "", "../x", 400),
        ("output", "..", "x", 403),
        ("other", "", "x", 400),
        ("output", "", "a&type=input", 404),
    ] {
        let error = bytes_of(&client, &file(folder, subfolder, name))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Status { code: found, .. } if found == code),
            "{name}: {error:?}"
        );
    }
    stub.answer("/view", Canned::Endless);
    let error = bytes_of(&client, &file("output", "", "x"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooLong {
                limit: limits::FILE,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let stub = Stub::start().await.unwrap();
    let own = format!("http://{}", stub.address());
    let check = async |header: (&'static str, &str), expected: u16| {
        use ports::Http;
        let request = http::Request::get(format!("{}/queue", stub.url()))
            .header(header.0, header.1)
            .body(bytes::Bytes::new())
            .unwrap();
        let http = platform_native::HyperHttp::new().unwrap();
        let response = http.send(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{header:?}");
    };
    check(("sec-fetch-site", "cross-site"), 403).await;
    check(("sec-fetch-site", "same-origin"), 200).await;
    check(("origin", "https://evil.example"), 403).await;
    check(("origin", &own), 200).await;
}
