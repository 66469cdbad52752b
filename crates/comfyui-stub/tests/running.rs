//! Prompts run to their ends: in order, through cuts, interrupted, failed and lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: they say what they expect by panicking"
)]

mod user;

use comfyui::{Event, Frame, Outcome, QueuePlace, Submission};
use comfyui_stub::{Stub, size_of_png, text_to_image};
use futures::TryStreamExt;
use serde_json::json;
use user::{PROMPT_ID, Socket, client, follow, follow_frames, prompt, submission};

#[tokio::test]
async fn a_picture_of_the_size_that_was_asked_for() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let socket = Socket::open(&client, "me").await;
    let prompt = prompt(&text_to_image(1024));
    client.submit(&submission(&prompt, "me")).await.unwrap();
    let events = follow_frames(&client, socket).await;
    let started = events.iter().position(|event| *event == Event::Started);
    assert!(started.is_some(), "{events:?}");
    let steps: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::NodeProgress { node, value, max } => Some((node.as_str(), *value, *max)),
            _ => None,
        })
        .collect();
    let expected: Vec<_> = (0..=4).map(|step| ("3", f64::from(step), 4.0)).collect();
    assert_eq!(steps, expected);
    let Some(Event::Succeeded { outputs }) = events.last() else {
        panic!("{events:?}")
    };
    let file = &outputs["9"].files[0];
    assert_eq!(
        (file.subfolder.as_str(), file.filename.as_str()),
        ("made", "by_00001_.png")
    );
    let view = client.view(file).await.unwrap();
    assert_eq!(view.content_type.as_deref(), Some("image/png"));
    let length = view.length.unwrap();
    let pieces: Vec<_> = view.body.try_collect().await.unwrap();
    let bytes = pieces.concat();
    assert_eq!(u64::try_from(bytes.len()).unwrap(), length);
    assert_eq!(size_of_png(&bytes), Some((1024, 512)));
}

#[tokio::test]
async fn what_ran_before_is_cached_and_shown_again() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let mut value = text_to_image(64);
    for round in 0..3 {
        // The last time, something new at the end.
        if round == 2 {
            value["9"]["inputs"]["filename_prefix"] = json!("other");
        }
        stub.forget_history();
        let socket = Socket::open(&client, &format!("me{round}")).await;
        let prompt = prompt(&value);
        let id = format!("me{round}");
        client.submit(&submission(&prompt, &id)).await.unwrap();
        let events = follow_frames(&client, socket).await;
        let cached = events.iter().find_map(|event| match event {
            Event::Cached { nodes } => Some(nodes.len()),
            _ => None,
        });
        assert_eq!(cached, [None, Some(7), Some(6)][round], "{events:?}");
        let Some(Event::Succeeded { outputs }) = events.last() else {
            panic!("{events:?}")
        };
        let name = ["by_00001_.png", "by_00001_.png", "other_00001_.png"][round];
        assert_eq!(outputs["9"].files[0].filename, name);
    }
}

#[tokio::test]
async fn the_place_in_the_queue_and_its_ways_out() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    stub.hold_at("KSampler");
    let first = prompt(&text_to_image(64));
    let submit = async |prompt_id: &str, front: bool| {
        let submission = Submission {
            prompt_id: Some(prompt_id),
            front,
            ..submission(&first, "me")
        };
        client.submit(&submission).await.unwrap();
    };
    let ids: Vec<String> = (0..5)
        .map(|number| format!("0190a5f2-0000-7000-8000-00000000001{number}"))
        .collect();
    submit(&ids[0], false).await;
    stub.held().await;
    for id in &ids[1..4] {
        submit(id, false).await;
    }
    submit(&ids[4], true).await;
    let queue = client.queue().await.unwrap();
    let place = |id: usize| queue.place(&ids[id]);
    assert_eq!(place(0), Some(QueuePlace::Running));
    assert_eq!(place(4), Some(QueuePlace::Waiting(1)));
    assert_eq!(place(1), Some(QueuePlace::Waiting(2)));
    assert_eq!(place(3), Some(QueuePlace::Waiting(4)));
    assert_eq!(queue.place("nobody"), None);
    // One that waits is taken out; one that runs is not touched by that, nor by another's name.
    client.cancel(&ids[1]).await.unwrap();
    client.delete_queued(&[&ids[0]]).await.unwrap();
    client.interrupt(&ids[2]).await.unwrap();
    let queue = client.queue().await.unwrap();
    assert_eq!(queue.place(&ids[1]), None);
    assert_eq!(queue.place(&ids[0]), Some(QueuePlace::Running));
    client.clear_queue().await.unwrap();
    assert!(client.queue().await.unwrap().pending.is_empty());
    assert_eq!(client.history(&ids[0]).await.unwrap(), None);
    client.cancel(&ids[0]).await.unwrap();
    let entry = loop {
        match client.history(&ids[0]).await.unwrap() {
            Some(entry) => break entry,
            None => tokio::task::yield_now().await,
        }
    };
    let interrupted = Outcome::Interrupted {
        node: Some("3".to_owned()),
    };
    assert_eq!(entry.outcome, interrupted);
}

#[tokio::test]
async fn a_run_goes_on_through_cuts() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let socket = Socket::open(&client, "me").await;
    stub.hold_at("VAEDecode");
    let prompt = prompt(&text_to_image(64));
    client.submit(&submission(&prompt, "me")).await.unwrap();
    let following = tokio::spawn({
        let client = client.clone();
        async move { follow(&client, "me", socket).await }
    });
    stub.held().await;
    for _ in 0..3 {
        stub.drop_sockets();
        while stub.clients().is_empty() {
            tokio::task::yield_now().await;
        }
    }
    stub.release();
    let events = following.await.unwrap();
    let count = |wanted: &dyn Fn(&Event) -> bool| events.iter().filter(|e| wanted(e)).count();
    assert_eq!(count(&|event| *event == Event::Started), 1);
    let succeeded = |event: &Event| matches!(event, Event::Succeeded { .. });
    assert_eq!(count(&succeeded), 1);
    let Some(Event::Succeeded { outputs }) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(outputs["9"].files.len(), 1);
}

#[tokio::test]
async fn failures_and_interrupts_say_where() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let prompt = prompt(&text_to_image(64));
    stub.fail_at("KSampler", "torch.OutOfMemoryError", "Allocation on device");
    let socket = Socket::open(&client, "a").await;
    client.submit(&submission(&prompt, "a")).await.unwrap();
    let events = follow(&client, "a", socket).await;
    let Some(Event::Failed(failure)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(failure.node, "3");
    assert_eq!(failure.class_type, "KSampler");
    assert_eq!(failure.kind, "torch.OutOfMemoryError");
    assert_eq!(failure.message, "Allocation on device");
    // The history says the same.
    let entry = client.history(PROMPT_ID).await.unwrap().unwrap();
    assert_eq!(entry.outcome, Outcome::Failed(failure.clone()));

    stub.forget_history();
    stub.hold_at("KSampler");
    let socket = Socket::open(&client, "b").await;
    client.submit(&submission(&prompt, "b")).await.unwrap();
    stub.held().await;
    client.interrupt(PROMPT_ID).await.unwrap();
    let events = follow(&client, "b", socket).await;
    let interrupted = Event::Interrupted {
        node: Some("3".to_owned()),
    };
    assert_eq!(events.last(), Some(&interrupted));
}

#[tokio::test]
async fn a_prompt_of_a_server_that_was_started_anew_is_lost() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let socket = Socket::open(&client, "me").await;
    stub.hold_at("KSampler");
    let prompt = prompt(&text_to_image(64));
    client.submit(&submission(&prompt, "me")).await.unwrap();
    stub.held().await;
    let address = stub.address();
    stub.kill();
    let listener = loop {
        // The old server closes a moment after it is told to.
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let _anew = Stub::start_on(listener).unwrap();
    let events = follow(&client, "me", socket).await;
    assert_eq!(events.last(), Some(&Event::Lost));
}

/// Two sockets of one client: the first is forgotten, and not told.
#[tokio::test]
async fn a_second_socket_of_a_client_silences_the_first() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let mut old = Socket::open(&client, "me").await;
    let mut new = Socket::open(&client, "me").await;
    client.clear_queue().await.unwrap();
    assert!(matches!(new.next().await, Some(Frame::Status { .. })));
    stub.drop_sockets();
    assert_eq!(old.next().await, None, "nothing came before the end");
}

/// And when it closes it takes the second with it, which stays open and hears nothing: whoever
/// opens a socket again must ask the queue and the history besides.
#[tokio::test]
async fn a_first_socket_that_closes_silences_the_second() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    let old = Socket::open(&client, "me").await;
    let mut new = Socket::open(&client, "me").await;
    drop(old);
    while !stub.clients().is_empty() {
        tokio::task::yield_now().await;
    }
    client.clear_queue().await.unwrap();
    stub.drop_sockets();
    assert_eq!(new.next().await, None, "nothing came before the end");
}

#[tokio::test]
async fn previews_say_whose_they_are_to_clients_that_can_read_it() {
    let stub = Stub::start().await.unwrap();
    let client = client(&stub);
    for (id, knows) in [("plain", false), ("knows", true)] {
        stub.forget_history();
        let mut socket = Socket::open(&client, id).await;
        if knows {
            let flags =
                json!({"type": "feature_flags", "data": {"supports_preview_metadata": true}});
            socket.send(&flags).await;
            while socket.next().await != Some(Frame::Other("feature_flags".to_owned())) {}
        }
        let mut value = text_to_image(64);
        value["3"]["inputs"]["seed"] = json!(id.len() + usize::from(knows));
        let prompt = prompt(&value);
        client.submit(&submission(&prompt, id)).await.unwrap();
        let picture = loop {
            if let Some(Frame::Preview(picture)) = socket.next().await {
                break picture;
            }
        };
        assert_eq!(size_of_png(&picture.bytes), Some((8, 8)));
        assert_eq!(picture.prompt_id.is_some(), knows);
        assert_eq!(picture.node.as_deref(), knows.then_some("3"));
        while !matches!(
            socket.next().await,
            Some(Frame::Executing { node: None, .. })
        ) {}
    }
}
