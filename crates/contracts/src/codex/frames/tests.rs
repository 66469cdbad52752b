//! Frames, both ways.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use domain::event::RunStarted;

const NOW: Timestamp = Timestamp(1_642_694_400_000);

#[track_caller]
#[allow(
    clippy::needless_pass_by_value,
    reason = "what is expected is written in place"
)]
fn check(written: &str, expected: Value) {
    assert_eq!(serde_json::from_str::<Value>(written).unwrap(), expected);
    assert!(!written.contains('\n'), "a frame is one line");
}

#[test]
fn what_a_server_sends() {
    let session = Uuid::from_u128(7);
    let ack = ConnectionAck {
        session_id: session,
        last_event_id: 3,
        newest_event_id: 5,
        heartbeat_interval: 15_000,
    };
    check(
        &connection_ack(NOW, &ack),
        json!({
            "type": "connection_ack", "timestamp": NOW.0,
            "payload": {
                "session_id": session, "last_event_id": 3, "newest_event_id": 5,
                "heartbeat_interval": 15_000,
            },
        }),
    );
    check(
        &event(4, NOW, &Event::RunStarted(RunStarted { run_id: session })),
        json!({
            "type": "event", "id": 4, "timestamp": NOW.0,
            "payload": {
                "type": "task_started", "turn_id": session, "model_context_window": null,
            },
        }),
    );
    check(
        &heartbeat(NOW, 5, None),
        json!({ "type": "heartbeat", "timestamp": NOW.0, "payload": { "newest_event_id": 5 } }),
    );
    let answer = json!({ "newest_event_id": 5, "id": "h1" });
    check(
        &heartbeat(NOW, 5, Some("h1")),
        json!({ "type": "heartbeat", "timestamp": NOW.0, "payload": answer }),
    );
    let lost: Value = serde_json::from_str(&events_lost(NOW, 9)).unwrap();
    assert_eq!(lost.pointer("/type"), Some(&json!("error")));
    assert_eq!(lost.pointer("/payload/error"), Some(&json!("EventsLost")));
    assert_eq!(lost.pointer("/payload/last_event_id"), Some(&json!(9)));
}

#[test]
fn what_a_submission_is_answered() {
    let payload = json!({
        "type": "submitted", "submission_id": "s1", "status": "submitted", "timestamp": NOW.0,
    });
    let expected = json!({ "type": "event", "timestamp": NOW.0, "payload": payload });
    assert_eq!(submitted(NOW, "s1"), expected);
    let done = Applied::at(NOW, Vec::new());
    let payload = json!({
        "type": "applied", "submission_id": "s1", "status": "applied", "timestamp": NOW.0,
        "changes": [],
    });
    let expected = json!({ "type": "event", "timestamp": NOW.0, "payload": payload });
    assert_eq!(applied("s1", &done), expected);
    let looked_at = applied("s1", &Applied::verified(NOW, Vec::new()));
    let payload = json!({
        "type": "verified", "submission_id": "s1", "status": "verified", "timestamp": NOW.0,
        "changes": [],
    });
    assert_eq!(looked_at.get("payload"), Some(&payload));
    let why = Error::invalid_field("content", "must not be blank");
    let payload = json!({
        "error": "InvalidRequest", "status": 400, "detail": "content: must not be blank",
        "errors": [{ "field": "content", "message": "must not be blank" }], "id": "s1",
    });
    let expected = json!({ "type": "error", "timestamp": NOW.0, "payload": payload });
    assert_eq!(refused(NOW, "s1", &why), expected);
    let why = Error::new(ErrorKind::Conflict, "None waits");
    let payload = json!({ "error": "Conflict", "status": 409, "detail": "None waits", "id": "s1" });
    let expected = json!({ "type": "error", "timestamp": NOW.0, "payload": payload });
    assert_eq!(refused(NOW, "s1", &why), expected);
}

#[test]
fn what_nobody_reads_is_not_passed_on() {
    let payload = json!({ "type": "user_message", "content": "x", "metadata": { "a": 1 } });
    let mut sent = payload.clone();
    sent["anything"] = json!([{}, {}]);
    let frame = json!({ "type": "submission", "id": "s1", "payload": sent });
    let found = ClientFrame::parse(&frame.to_string()).unwrap();
    let ClientFrame::Submission { payload: found, .. } = found else {
        panic!("a submission")
    };
    assert_eq!(found, payload);
}

/// What a frame is, and where it is at fault.
#[test]
fn what_a_client_sends() {
    let check = |frame: &str, expected: Result<&str, (Option<&str>, &str)>| {
        let found = ClientFrame::parse(frame);
        let found = match &found {
            Ok(ClientFrame::Submission { id, .. }) => Ok(id.as_str()),
            Ok(ClientFrame::Heartbeat { id }) => Ok(id.as_deref().unwrap_or("")),
            Err(wrong) => {
                let field = wrong.error.fields().first();
                let field = field.map_or("", |field| field.field.as_str());
                Err((wrong.id.as_deref(), field))
            }
        };
        assert_eq!(found, expected, "{frame}");
    };
    let said = |id: &str, payload: &str| {
        format!(r#"{{"type": "submission", "id": {id}, "timestamp": 1, "payload": {payload}}}"#)
    };
    let interrupt = r#"{"type": "interrupt"}"#;
    check(&said(r#""s1""#, interrupt), Ok("s1"));
    check(&said("null", interrupt), Err((None, "id")));
    check(&said("7", interrupt), Err((None, "id")));
    check(&said(r#""""#, interrupt), Err((None, "id")));
    let long = format!("\"{}\"", "x".repeat(201));
    check(&said(&long, interrupt), Err((None, "id")));
    check(&said(r#""s1""#, "{}"), Err((Some("s1"), "type")));
    check(&said(r#""s1""#, "[]"), Err((Some("s1"), "payload")));
    let blank = r#"{"type": "user_message", "content": " "}"#;
    check(&said(r#""s1""#, blank), Err((Some("s1"), "content")));
    check(
        r#"{"type": "heartbeat", "id": "h1", "timestamp": 1.5}"#,
        Ok("h1"),
    );
    check(r#"{"type": "heartbeat"}"#, Ok(""));
    check(
        r#"{"type": "heartbeat", "id": "h1", "timestamp": "now"}"#,
        Err((Some("h1"), "timestamp")),
    );
    check(r#"{"type": "event", "id": "x"}"#, Err((Some("x"), "type")));
    check(r#"{"type": 7}"#, Err((None, "type")));
    for nothing in [
        "",
        "{",
        "[]",
        "7",
        "null",
        "\"submission\"",
        "{\"id\": \"x\"}",
    ] {
        check(nothing, Err((None, "")));
    }
    check(&"[".repeat(200_000), Err((None, "")));
}
