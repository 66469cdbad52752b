//! A prompt followed through frames, cuts and look-ups.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "tests: they say what they expect by panicking"
)]

use bytes::Bytes;
use comfyui::{
    Event, Failure, Frame, FrameError, HistoryEntry, NodeOutput, Outcome, OutputFile, Outputs,
    PictureFormat, Progress, Queue, QueueItem,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "b672b6db-7c08-4777-9d6a-864e870a5d67";

fn frame(kind: &str, data: Value) -> Frame {
    Frame::parse_text(&json!({"type": kind, "data": data}).to_string()).unwrap()
}

fn shown(name: &str) -> Value {
    json!({"images": [{"filename": name, "subfolder": "", "type": "output"}]})
}

fn output(name: &str) -> NodeOutput {
    NodeOutput {
        files: vec![OutputFile {
            kind: "images".to_owned(),
            filename: name.to_owned(),
            subfolder: String::new(),
            folder: "output".to_owned(),
        }],
        texts: Vec::new(),
    }
}

fn is_end(event: &Event) -> bool {
    matches!(
        event,
        Event::Succeeded { .. } | Event::Failed(_) | Event::Interrupted { .. } | Event::Lost
    )
}

/// The frames of one run, as a server sent them.
fn run(id: &str) -> Vec<Frame> {
    let node = |value: f64, state: &str| json!({"value": value, "max": 2.0, "state": state});
    let done = json!({"value": 1.0, "max": 1.0, "state": "finished"});
    vec![
        frame(
            "status",
            json!({"status": {"exec_info": {"queue_remaining": 1}}}),
        ),
        frame("execution_start", json!({"prompt_id": id, "timestamp": 1})),
        frame("execution_cached", json!({"prompt_id": id, "nodes": []})),
        frame(
            "progress_state",
            json!({"prompt_id": id, "nodes": {"1": node(0.0, "running")}}),
        ),
        frame(
            "executing",
            json!({"prompt_id": id, "node": "1", "display_node": "1"}),
        ),
        frame(
            "progress",
            json!({"prompt_id": id, "node": "1", "value": 1, "max": 2}),
        ),
        frame(
            "progress_state",
            json!({"prompt_id": id, "nodes": {"1": node(1.0, "running")}}),
        ),
        frame(
            "progress",
            json!({"prompt_id": id, "node": "1", "value": 2, "max": 2}),
        ),
        frame(
            "progress_state",
            json!({"prompt_id": id, "nodes": {"1": node(2.0, "finished")}}),
        ),
        frame(
            "executing",
            json!({"prompt_id": id, "node": "2", "display_node": "2"}),
        ),
        frame(
            "executed",
            json!({"prompt_id": id, "node": "2", "output": shown("a.png")}),
        ),
        frame(
            "progress_state",
            json!({"prompt_id": id, "nodes": {"2": done}}),
        ),
        frame(
            "execution_success",
            json!({"prompt_id": id, "timestamp": 2}),
        ),
        frame("executing", json!({"prompt_id": id, "node": null})),
    ]
}

fn outputs() -> Outputs {
    Outputs::from([("2".to_owned(), output("a.png"))])
}

fn success() -> HistoryEntry {
    HistoryEntry {
        outcome: Outcome::Success,
        outputs: outputs(),
    }
}

fn queue(running: &[&str], pending: &[&str]) -> Queue {
    let items = |ids: &[&str]| {
        ids.iter()
            .zip(1_u32..)
            .map(|(id, number)| QueueItem {
                number: f64::from(number),
                prompt_id: (*id).to_owned(),
            })
            .collect()
    };
    Queue {
        running: items(running),
        pending: items(pending),
    }
}

#[test]
fn a_run_without_gaps() {
    let mut progress = Progress::new(ID);
    let events: Vec<Event> = run(ID)
        .iter()
        .flat_map(|frame| progress.frame(frame))
        .collect();
    let node = |node: &str| Event::NodeStarted {
        node: node.to_owned(),
    };
    let step = |value| Event::NodeProgress {
        node: "1".to_owned(),
        value,
        max: 2.0,
    };
    assert_eq!(
        events,
        [
            Event::Started,
            node("1"),
            step(0.0),
            step(1.0),
            step(2.0),
            node("2"),
            Event::NodeExecuted {
                node: "2".to_owned(),
                output: output("a.png")
            },
            Event::Succeeded { outputs: outputs() },
        ]
    );
    assert!(progress.has_ended() && !progress.wants_look());
}

#[test]
fn frames_of_other_prompts_change_nothing() {
    let mut progress = Progress::new(ID);
    for frame in run("another") {
        assert_eq!(progress.frame(&frame), []);
    }
    assert!(!progress.has_ended());
}

#[test]
fn the_place_in_the_queue() {
    let mut progress = Progress::new(ID);
    assert!(progress.wants_look());
    let looked = progress.looked(&queue(&["a"], &["b", ID]), None);
    assert_eq!(looked, [Event::Queued { position: 2 }]);
    assert!(!progress.wants_look());
    assert_eq!(progress.looked(&queue(&["a"], &["b", ID]), None), []);
    // The queue moved: it must be asked again.
    progress.frame(&frame(
        "status",
        json!({"status": {"exec_info": {"queue_remaining": 2}}}),
    ));
    assert!(progress.wants_look());
    let looked = progress.looked(&queue(&["b"], &[ID]), None);
    assert_eq!(looked, [Event::Queued { position: 1 }]);
    assert_eq!(progress.looked(&queue(&[ID], &[]), None), [Event::Started]);
    assert_eq!(progress.looked(&queue(&[], &[]), None), [Event::Lost]);
}

#[test]
fn ends() {
    let check = |kind: &str, data: Value, expected: Event| {
        let mut progress = Progress::new(ID);
        progress.frame(&frame("execution_start", json!({"prompt_id": ID})));
        let events = progress.frame(&frame(kind, data));
        assert_eq!(events, [expected]);
        assert!(progress.has_ended());
        for frame in run(ID) {
            assert_eq!(progress.frame(&frame), []);
        }
        assert_eq!(progress.looked(&queue(&[], &[]), Some(&success())), []);
    };
    check(
        "execution_interrupted",
        json!({"prompt_id": ID, "node_id": "3", "node_type": "KSampler", "executed": []}),
        Event::Interrupted {
            node: Some("3".to_owned()),
        },
    );
    check(
        "execution_error",
        json!({"prompt_id": ID, "node_id": "3", "node_type": "KSampler",
            "exception_type": "RuntimeError", "exception_message": "out of\n memory",
            "traceback": ["/home/somebody"], "current_inputs": []}),
        Event::Failed(Failure {
            node: "3".to_owned(),
            class_type: "KSampler".to_owned(),
            kind: "RuntimeError".to_owned(),
            message: "out of memory".to_owned(),
        }),
    );
    // What blocked nodes send has little in it.
    check(
        "execution_error",
        json!({"prompt_id": ID, "node_id": 3}),
        Event::Failed(Failure {
            node: "3".to_owned(),
            ..Failure::default()
        }),
    );
}

/// After a gap the end waits for the history, also where that is written late or is gone.
#[test]
fn the_end_after_a_gap() {
    let mut progress = Progress::new(ID);
    progress.missed_frames();
    let frames = run(ID);
    assert_eq!(progress.frame(&frames[12]), [Event::Started]);
    assert!(progress.wants_look() && !progress.has_ended());
    // Still running, says the queue: asked too early.
    assert_eq!(progress.looked(&queue(&[ID], &[]), None), []);
    assert!(progress.wants_look());
    let mut forgotten = progress.clone();
    let events = progress.looked(&queue(&[], &[]), Some(&success()));
    assert_eq!(
        events.last(),
        Some(&Event::Succeeded { outputs: outputs() })
    );
    let events = forgotten.looked(&queue(&[], &[]), None);
    assert_eq!(
        events,
        [Event::Succeeded {
            outputs: Outputs::new()
        }]
    );
}

proptest! {
    /// Wherever frames are lost, and whenever the server is asked, the events have the right
    /// order, come once, and end with all outputs.
    #[test]
    fn cuts_lose_no_end(
        lost in proptest::collection::vec(any::<bool>(), 14),
        looks in proptest::collection::vec(any::<bool>(), 14),
    ) {
        let mut progress = Progress::new(ID);
        let mut events = Vec::new();
        for (at, frame) in run(ID).iter().enumerate() {
            if lost[at] {
                progress.missed_frames();
                // A server repeats what runs, without saying whose it is.
                let repeated = self::frame("executing", json!({"node": "1"}));
                events.extend(progress.frame(&repeated));
            } else {
                events.extend(progress.frame(frame));
            }
            if looks[at] {
                let (queue, history) = match at {
                    0 => (queue(&["other"], &[ID]), None),
                    1..13 => (queue(&[ID], &[]), None),
                    _ => (queue(&[], &[]), Some(success())),
                };
                events.extend(progress.looked(&queue, history.as_ref()));
            }
        }
        if progress.wants_look() {
            events.extend(progress.looked(&queue(&[], &[]), Some(&success())));
        }
        let ends = events.iter().filter(|event| is_end(event)).count();
        prop_assert_eq!(ends, 1);
        prop_assert_eq!(events.last(), Some(&Event::Succeeded { outputs: outputs() }));
        for (at, event) in events.iter().enumerate() {
            prop_assert!(!events[..at].contains(event), "{:?} twice", event);
        }
        let started = events.iter().position(|event| *event == Event::Started);
        let queued = events.iter().rposition(|event| matches!(event, Event::Queued { .. }));
        prop_assert!(queued < started);
    }
}

#[test]
fn binary_frames() {
    let parse = |bytes: &[u8]| Frame::parse_binary(Bytes::copy_from_slice(bytes));
    let Ok(Frame::Preview(picture)) = parse(b"\0\0\0\x01\0\0\0\x02png") else {
        panic!("a preview");
    };
    assert_eq!(picture.format, PictureFormat::Png);
    assert_eq!(picture.bytes, "png");
    assert_eq!(picture.node, None);
    let text = parse(b"\0\0\0\x03\0\0\0\x02ab\xc3\xa9").unwrap();
    assert_eq!(
        text,
        Frame::Text {
            node: "ab".to_owned(),
            text: "é".to_owned()
        }
    );
    let about = br#"{"node_id":"5","prompt_id":"p","image_type":"image/jpeg"}"#;
    let mut bytes = vec![0, 0, 0, 4, 0, 0, 0, u8::try_from(about.len()).unwrap()];
    bytes.extend_from_slice(about);
    bytes.extend_from_slice(b"jpeg");
    let frame = parse(&bytes).unwrap();
    assert_eq!(frame.prompt_id(), Some("p"));
    assert_eq!(
        parse(b"\0\0\0\x09"),
        Ok(Frame::Other("binary 9".to_owned()))
    );
    for short in [
        &b""[..],
        b"\0\0",
        b"\0\0\0\x01\0",
        b"\0\0\0\x03\0\0\0\xffab",
        b"\0\0\0\x04\xff\xff\xff\xff",
    ] {
        assert_eq!(parse(short), Err(FrameError::Short));
    }
}

#[test]
fn text_frames_that_are_none() {
    let check = |text: &str, expected: FrameError| {
        assert_eq!(Frame::parse_text(text), Err(expected), "{text}");
    };
    check("", FrameError::Malformed);
    check("[]", FrameError::Malformed);
    check(r#"{"type": 5}"#, FrameError::Malformed);
    check(
        r#"{"type": "execution_start"}"#,
        FrameError::Members("execution_start".to_owned()),
    );
    check(
        r#"{"type": "progress", "data": {"node": "1", "value": "x", "max": 1}}"#,
        FrameError::Members("progress".to_owned()),
    );
    let other = Frame::parse_text(r#"{"type": "assets.enabled", "data": [1]}"#);
    assert_eq!(other, Ok(Frame::Other("assets.enabled".to_owned())));
}
