//! One agent's turn: speaking, calling tools, and what can go wrong with them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{Body, CallState, Cost, Event, Kind, MessageState, Output, Reason, ToolError};
use domain::{ChangeKind, FileChange};
use serde_json::{Value, json};
use stage::{
    model::{Reply, stage},
    spec,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

fn deltas(events: &[Event]) -> Vec<String> {
    let texts = events.iter().filter_map(|event| match &event.kind {
        Kind::MessageDelta { text, .. } => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_words() {
    let (stage, script) = stage();
    script.push(Reply::say(&["Good ", "day"]).usage(12, 3));
    let end = stage.turn("hello").await;
    assert_eq!(end.reason, Reason::Completed);
    assert_eq!(stage.output(), "Good day");
    assert_eq!(script.messages(0), ["system: You are Mike.", "user: hello"]);
    let events = stage.reader.events();
    let words: Vec<String> = events
        .iter()
        .map(|event| {
            serde_json::to_value(event).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        words,
        [
            "run_started",
            "user_message",
            "status",
            "message_started",
            "message_delta",
            "message_delta",
            "message_ended",
            "usage",
            "status",
            "run_ended"
        ]
    );
    assert_eq!(deltas(&events), ["Good ", "day"]);
    let agents: Vec<_> = events.iter().map(|event| event.agent.as_deref()).collect();
    assert_eq!(agents[..8], [Some("Mike"); 8]);
}

#[tokio::test(start_paused = true)]
async fn usage_is_summed_and_what_is_not_counted_is_estimated() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.push(Reply::call(&[("echo", json!({"n": 1}))]).usage(100, 10));
    script.push(Reply::say(&["done"]).usage(200, 20));
    stage.turn("go").await;
    let Some(Kind::RunEnded { usage, .. }) = stage.reader.kinds().pop() else {
        panic!("it ended");
    };
    assert_eq!(
        (usage.input, usage.output, usage.estimated),
        (300, 30, false)
    );
    assert_eq!(usage.cost, Cost(300 * 1_000_000 + 30 * 2_000_000));

    script.push(Reply::say(&["four words are here"]));
    stage.turn("go on").await;
    let Some(Kind::RunEnded { usage, .. }) = stage.reader.kinds().pop() else {
        panic!("it ended");
    };
    assert!(
        usage.estimated && usage.input > 20 && usage.output == 5,
        "{usage:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn blanks_before_the_first_word_are_not_shown() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.push(
        Reply::begin()
            .token("\n\n")
            .with_call("c1", 0, "echo", "{\"n\":1}")
            .done(),
    );
    script.push(Reply::say(&["\n", " \n", "  So", "  it is "]));
    stage.turn("go").await;
    assert_eq!(deltas(&stage.reader.events()), ["So", "  it is "]);
    assert_eq!(stage.output(), "So  it is ");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_word() {
    for (finish, said) in [
        ("stop", "Done."),
        (
            "length",
            "The answer reached its longest length before its first word.",
        ),
        ("content_filter", "The model server held the answer back."),
    ] {
        let (stage, script) = stage();
        script.push(Reply::begin().token(" \n").finish(finish).done());
        let end = stage.turn("go").await;
        assert_eq!(end.reason, Reason::Completed);
        assert_eq!(stage.output(), said);
        // It is a message as all are, but nothing that the model is paid for.
        assert_eq!(deltas(&stage.reader.events()), [said]);
        let Some(Kind::RunEnded { usage, .. }) = stage.reader.kinds().pop() else {
            panic!("it ended");
        };
        assert_eq!((usage.output, usage.estimated), (0, true));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_is_the_answer_of_a_model_that_ends_without_a_word() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.push(
        Reply::begin()
            .token("It is 1.")
            .with_call("c1", 0, "echo", "{\"n\":1}")
            .done(),
    );
    script.push(Reply::say(&[]).finish("stop"));
    stage.turn("go").await;
    assert_eq!(stage.output(), "It is 1.");
    assert_eq!(deltas(&stage.reader.events()), ["It is 1."]);
}

#[tokio::test(start_paused = true)]
async fn reasoning_is_told_and_not_kept() {
    let (stage, script) = stage();
    let reply = Reply::begin().reasoning("hm").token("yes").finish("stop");
    script.push(reply.done());
    stage.turn("go").await;
    let is_reasoning = |kind: &Kind| matches!(kind, Kind::Reasoning { text, .. } if text == "hm");
    assert!(stage.reader.kinds().iter().any(is_reasoning));
    assert_eq!(stage.output(), "yes");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_held_back_is_said() {
    for (word, code) in [("length", "cut_off"), ("content_filter", "filtered")] {
        let (stage, script) = stage();
        script.push(Reply::begin().token("half").finish(word).done());
        stage.turn("go").await;
        let warned =
            |kind: &Kind| matches!(kind, Kind::Warning { code: found, .. } if found == code);
        assert!(stage.reader.kinds().iter().any(warned), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_and_its_result_told_to_the_model() {
    let (mut stage, script) = stage();
    stage.give(spec("write"), |_, caller| {
        Box::pin(async move {
            caller.put_out("writing…").await;
            caller.put_out("").await;
            caller
                .file_changed(FileChange {
                    path: "a.txt".to_owned(),
                    kind: ChangeKind::Created,
                })
                .await;
            Ok(Output {
                text: format!("written by {}", caller.agent()),
                detail: Some(json!({"exit_code": 0})),
            })
        })
    });
    script.push(
        Reply::begin()
            .token("I write.")
            .with_call("c1", 0, "write", "{\"text\":\"x\"}")
            .done(),
    );
    script.push(Reply::say(&["Done."]));
    stage.turn("write").await;
    let request = &script.requests()[1]["messages"];
    assert_eq!(
        request[2],
        json!({"role": "assistant", "content": "I write.", "tool_calls": [{
            "id": "c1", "type": "function",
            "function": {"name": "write", "arguments": "{\"text\":\"x\"}"}
        }]})
    );
    assert_eq!(
        request[3],
        json!({"role": "tool", "content": "written by Mike", "tool_call_id": "c1"})
    );
    let domain: Vec<Value> = stage
        .reader
        .events()
        .iter()
        .filter_map(|event| event.to_domain(uuid::Uuid::nil()))
        .map(|event| serde_json::to_value(event).unwrap())
        .collect();
    let tools: Vec<&Value> = domain
        .iter()
        .filter(|event| matches!(event["type"].as_str(), Some("tool_call" | "file_change")))
        .collect();
    assert_eq!(tools[0]["phase"], "started");
    assert_eq!(tools[0]["arguments"], json!({"text": "x"}));
    assert_eq!(tools[1]["phase"], "output");
    assert_eq!(tools[2]["path"], "a.txt");
    assert_eq!(
        tools[3]["result"],
        json!({"status": "done", "output": "written by Mike", "detail": {"exit_code": 0}})
    );
    assert_eq!(tools.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_run_at_once_but_not_too_many_and_their_results_are_in_order() {
    let (mut stage, script) = stage();
    stage.limits.parallel = 3;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    stage.give(spec("wait"), move |arguments, _| {
        let (running, most) = (running.clone(), most.clone());
        Box::pin(async move {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            // The first takes longest.
            let n = arguments["n"].as_u64().unwrap();
            tokio::time::sleep(Duration::from_millis(1_000 - 100 * n)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(Output::new(format!("result {n}")))
        })
    });
    let calls: Vec<(&str, Value)> = (0..8).map(|n| ("wait", json!({"n": n}))).collect();
    script.push(Reply::call(&calls));
    script.push(Reply::say(&["ok"]));
    stage.turn("go").await;
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    let shown: Vec<String> = stage
        .results()
        .into_iter()
        .map(|result| result.shown)
        .collect();
    let expected: Vec<String> = (0..8).map(|n| format!("result {n}")).collect();
    assert_eq!(shown, expected);
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_runs_alone_and_in_turn() {
    let (mut stage, script) = stage();
    let log: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    for (name, parallel) in [("read", true), ("write", false)] {
        let log = log.clone();
        let spec = agent::Spec {
            parallel,
            ..spec(name)
        };
        stage.give(spec, move |_, _| {
            let log = log.clone();
            Box::pin(async move {
                log.lock().unwrap().push(format!("{name} begins"));
                tokio::time::sleep(SECOND).await;
                log.lock().unwrap().push(format!("{name} ends"));
                Ok(Output::default())
            })
        });
    }
    let calls = ["read", "read", "write", "write", "read"].map(|name| (name, json!({})));
    script.push(Reply::call(&calls));
    script.push(Reply::say(&["ok"]));
    stage.turn("go").await;
    assert_eq!(
        *log.lock().unwrap(),
        [
            "read begins",
            "read begins",
            "read ends",
            "read ends",
            "write begins",
            "write ends",
            "write begins",
            "write ends",
            "read begins",
            "read ends"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn wrong_calls_are_given_back_and_reach_no_tool() {
    for (tool, arguments, said) in [
        ("echo", "{\"n\":\"x\"}", "`n` must be integer, not string"),
        ("echo", "{\"n\":1", "no JSON"),
        ("echo", "[]", "must be object"),
        (
            "rm",
            "{}",
            "There is no tool \"rm\". There are: echo, read_output.",
        ),
        ("assign", "{}", "There is no tool \"assign\""),
    ] {
        let (mut stage, script) = stage();
        stage.give_echo();
        script.push(Reply::call_raw(&[(tool, arguments.to_owned())]));
        script.push(Reply::say(&["sorry"]));
        let end = stage.turn("go").await;
        assert_eq!(end.reason, Reason::Completed);
        let results = stage.results();
        assert_eq!(results[0].state, CallState::Refused, "{arguments}");
        assert!(results[0].shown.contains(said), "{:?}", results[0]);
        assert!(stage.calls.lock().unwrap().is_empty());
        // What goes back over the wire is JSON whatever the model wrote.
        let wire = &script.requests()[1]["messages"][2]["tool_calls"][0]["function"]["arguments"];
        let wire: Value = serde_json::from_str(wire.as_str().unwrap()).unwrap();
        assert!(wire.is_object());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_fails_is_told_to_the_model() {
    let (mut stage, script) = stage();
    stage.give(spec("fail"), |_, _| {
        Box::pin(async { Err(ToolError("the disk is full".to_owned())) })
    });
    script.push(Reply::call(&[("fail", json!({}))]));
    script.push(Reply::say(&["I see"]));
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    let result = &stage.results()[0];
    assert_eq!(
        (result.state, result.shown.as_str()),
        (CallState::Failed, "the disk is full")
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_takes_too_long_is_stopped() {
    for (own, limit) in [(None, 120), (Some(5 * SECOND), 5)] {
        let (mut stage, script) = stage();
        let stopped = Arc::new(AtomicUsize::new(0));
        let count = stopped.clone();
        let slow = agent::Spec {
            timeout: own,
            ..spec("slow")
        };
        stage.give(slow, move |_, _| {
            let stopped = OnDrop(count.clone());
            Box::pin(async move {
                let _stopped = stopped;
                std::future::pending().await
            })
        });
        script.push(Reply::call(&[("slow", json!({}))]));
        script.push(Reply::say(&["too bad"]));
        assert_eq!(stage.turn("go").await.reason, Reason::Completed);
        let result = &stage.results()[0];
        assert_eq!(result.state, CallState::TimedOut);
        assert_eq!(result.duration_ms, limit * 1_000);
        assert!(result.shown.contains(&format!("{limit} s")), "{result:?}");
        assert_eq!(stopped.load(Ordering::SeqCst), 1, "its future is dropped");
    }
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_output_is_shortened_and_can_be_read_on() {
    let (mut stage, script) = stage();
    stage.limits.output_shown = 1_024;
    let whole: String = (0..1_000).map(|n| format!("line {n}\n")).collect();
    let output = whole.clone();
    stage.give(spec("long"), move |_, _| {
        let output = output.clone();
        Box::pin(async move { Ok(Output::new(output)) })
    });
    script.push(Reply::begin().with_call("c9", 0, "long", "").done());
    script.push(Reply::call(&[(
        "read_output",
        json!({"call_id": "c9", "offset": 768}),
    )]));
    script.push(Reply::call(&[("read_output", json!({"call_id": "c9"}))]));
    script.push(Reply::call(&[(
        "read_output",
        json!({"call_id": "c9", "offset": 1e300}),
    )]));
    script.push(Reply::call(&[(
        "read_output",
        json!({"call_id": "nobody's"}),
    )]));
    script.push(Reply::say(&["ok"]));
    stage.turn("go").await;
    let results = stage.results();
    assert!(results[0].shown.starts_with("line 0\n"));
    assert!(results[0].shown.ends_with("line 999\n"));
    assert!(
        results[0]
            .shown
            .contains("read_output with call_id \"c9\" and offset 768")
    );
    assert!(results[0].shown.len() < 1_200);
    assert_eq!(results[0].size, u64::try_from(whole.len()).unwrap());
    assert!(
        results[1].shown.starts_with(&whole[768..900]),
        "{}",
        results[1].shown
    );
    assert!(results[2].shown.starts_with("line 0"));
    assert!(
        results[3].shown.contains("this is the end"),
        "{}",
        results[3].shown
    );
    assert_eq!(results[4].state, CallState::Failed);
}

#[tokio::test(start_paused = true)]
async fn an_output_beyond_what_is_kept_says_so() {
    let (mut stage, script) = stage();
    stage.limits.output_shown = 1_024;
    stage.limits.output_kept = 4_096;
    stage.give(spec("long"), |_, caller| {
        Box::pin(async move {
            for _ in 0..100 {
                caller.put_out("x".repeat(10_000)).await;
            }
            Ok(Output {
                text: "é".repeat(100_000),
                detail: Some(json!("x".repeat(100_000))),
            })
        })
    });
    script.push(Reply::begin().with_call("c9", 0, "long", "{}").done());
    script.push(Reply::say(&["ok"]));
    stage.turn("go").await;
    let outputs = stage.record.outputs.lock().unwrap();
    assert!(outputs["c9"].len() < 4_200 && outputs["c9"].contains("were not kept"));
    let results = stage.results();
    assert_eq!((results[0].size, &results[0].detail), (200_000, &None));
    let told: usize = stage
        .reader
        .kinds()
        .iter()
        .map(|kind| match kind {
            Kind::ToolOutput { text, .. } => text.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(told, 260_000);
}

#[tokio::test(start_paused = true)]
async fn servers_that_repeat_ids_do_not_mix_calls_up() {
    let (mut stage, script) = stage();
    stage.give_echo();
    for n in 0..3 {
        script.push(
            Reply::begin()
                .with_call("call_0", 0, "echo", &json!({"n": n}).to_string())
                .done(),
        );
    }
    let strange = Reply::begin().with_call("a b/\"c", 0, "echo", "{\"n\":9}");
    script.push(
        strange
            .with_call(&"x".repeat(65), 1, "echo", "{\"n\":10}")
            .done(),
    );
    script.push(Reply::say(&["ok"]));
    stage.turn("go").await;
    let results = stage.results();
    let shown: Vec<&str> = results.iter().map(|result| result.shown.as_str()).collect();
    assert_eq!(shown, ["echo 0", "echo 1", "echo 2", "echo 9", "echo 10"]);
    assert_eq!(results[0].call_id, "call_0");
    for result in &results[1..] {
        assert_eq!(result.call_id.len(), 9, "{result:?}");
        assert!(
            result
                .call_id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_cut_off() {
    let (stage, script) = stage();
    let word = "long ".repeat(1_000);
    let endless = (0..100).fold(Reply::begin(), |reply, _| reply.token(&word));
    script.push(endless.done());
    let end = stage.turn("go").await;
    assert_eq!(
        (end.reason, end.detail.as_str()),
        (Reason::ModelFailed, "the model's answer is too long")
    );
    let cut = stage
        .reader
        .kinds()
        .into_iter()
        .find_map(|kind| match kind {
            Kind::MessageEnded { text, state, .. } => Some((text.len(), state)),
            _ => None,
        });
    let (length, state) = cut.unwrap();
    assert_eq!(state, MessageState::Failed);
    assert!(length <= 256 << 10 && length > 250_000);
}

#[tokio::test(start_paused = true)]
async fn a_message_under_way_is_stored_now_and_then() {
    let (stage, script) = stage();
    let slow = (0..10).fold(Reply::begin(), |reply, _| reply.token("tick ").wait(SECOND));
    script.push(slow.done());
    stage.turn("go").await;
    assert_eq!(stage.record.drafts.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn the_next_turn_knows_the_last() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.push(Reply::call(&[("echo", json!({"n": 1}))]));
    script.push(Reply::say(&["one"]));
    stage.turn("first").await;
    script.push(Reply::say(&["two"]));
    stage.turn("second").await;
    assert_eq!(
        script.messages(2),
        [
            "system: You are Mike.",
            "user: first",
            "assistant: -",
            "tool: echo 1",
            "assistant: one",
            "user: second"
        ]
    );
    let starts = stage
        .record
        .steps()
        .into_iter()
        .filter(|step| matches!(step.body, Body::User { .. }));
    assert_eq!(starts.count(), 2);
}
