//! Sessions, sandboxes and files: what bodies must keep to, and how ours are written.

use crate::bodies::{check, written};
use contracts::workspace::files::{DirectoryCreate, FileMove};
use contracts::workspace::sandbox::{DestroyRequest, ExecRequest, LaunchRequest};
use contracts::workspace::sessions::{Message, Session, SessionChange, SessionCreate};
use domain::{
    MessageId, MessagePlace, MessageStatus, Role, SessionId, SessionKey, SessionKind, Timestamp,
    UserId, uuid_at,
};
use serde_json::{Value, json};

const UUID: &str = "0190a5c0-0000-7000-8000-0000000000ff";

#[test]
fn sessions() {
    check::<SessionCreate>(&json!({}), &[]);
    check::<SessionCreate>(&json!({"title": null}), &[]);
    check::<SessionCreate>(&json!({"title": "x".repeat(200)}), &[]);
    check::<SessionCreate>(&json!({"title": "x".repeat(201)}), &["title"]);
    check::<SessionCreate>(&json!({"title": "a\nb"}), &["title"]);
    check::<SessionChange>(&json!({"title": "a\0"}), &["title"]);
    check::<SessionChange>(&json!({"title": null}), &[]);
}

#[test]
fn launches() {
    check::<LaunchRequest>(&json!({}), &[]);
    check::<LaunchRequest>(&json!({"session_id": UUID, "title": "x"}), &[]);
    check::<LaunchRequest>(&json!({"title": "x".repeat(201)}), &["title"]);
    let destroy: DestroyRequest = serde_json::from_value(json!({"session_id": 7})).unwrap();
    assert_eq!(destroy.session_id, SessionKey::Id(SessionId(7)));
    for wrong in [
        json!({}),
        json!({"session_id": null}),
        json!({"session_id": "x"}),
    ] {
        assert!(serde_json::from_value::<DestroyRequest>(wrong).is_err());
    }
}

#[test]
fn commands() {
    let with = |member: &str, value: Value| {
        let mut body = json!({"session_id": UUID, "command": "ls"});
        body[member] = value;
        body
    };
    let fits = |member: &str, value: Value| check::<ExecRequest>(&with(member, value), &[]);
    let wrong = |member: &str, value: Value| check::<ExecRequest>(&with(member, value), &[member]);
    fits("command", json!(["ls", ""]));
    fits("command", json!("x".repeat(128 * 1024)));
    fits("cwd", json!("/workspace/a b"));
    fits("cwd", Value::Null);
    fits("env", json!({"PATH": "", "_a1": "明"}));
    wrong("command", json!(""));
    wrong("command", json!(" \n"));
    wrong("command", json!([]));
    wrong("command", json!(["", "a"]));
    wrong("command", json!("a\0b"));
    wrong("command", json!(["a", "b\0"]));
    wrong("command", json!("x".repeat(128 * 1024 + 1)));
    wrong("command", json!(vec!["x"; 1_025]));
    wrong("cwd", json!(""));
    wrong("cwd", json!("a\0"));
    wrong("cwd", json!("x".repeat(4_097)));
    wrong("env", json!({"": "x"}));
    wrong("env", json!({"1A": "x"}));
    wrong("env", json!({"A=B": "x"}));
    wrong("env", json!({"A\0": "x"}));
    wrong("env", json!({"A": "x\0"}));
    let many: serde_json::Map<_, _> = (0..257)
        .map(|number| (format!("A{number}"), json!("")))
        .collect();
    wrong("env", Value::Object(many));
    let timeout = |seconds: f64, most: u32| {
        let body = json!({"command": "ls", "timeout": seconds});
        let body: ExecRequest = serde_json::from_value(body).unwrap();
        body.timeout_ms(most)
    };
    for (seconds, milliseconds) in [(0.0001, 1), (0.0015, 2), (1.5, 1_500), (540.0, 540_000)] {
        assert_eq!(timeout(seconds, 540).unwrap(), Some(milliseconds));
    }
    for seconds in [0.0, -1.0, 540.1, 1e300] {
        let refused = timeout(seconds, 540).unwrap_err();
        assert_eq!(refused.fields()[0].field, "timeout");
    }
    let body: ExecRequest = serde_json::from_value(json!({"command": "ls"})).unwrap();
    assert_eq!(body.timeout_ms(540).unwrap(), None);
}

#[test]
fn files() {
    check::<FileMove>(&json!({"from": "a", "to": "b"}), &[]);
    check::<FileMove>(&json!({"from": "", "to": "a\0"}), &["from", "to"]);
    check::<DirectoryCreate>(&json!({"path": "x".repeat(4_097)}), &["path"]);
}

#[test]
fn answers() {
    let epoch = "1970-01-01T00:00:00.000Z";
    let session = || domain::Session {
        id: SessionId(7),
        uuid: uuid_at(1_000, [0; 10]),
        kind: SessionKind::Workspace,
        user_id: UserId(1),
        title: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    let uuid = session().uuid.to_string();
    written(
        Session::of(session(), None),
        &json!({"id": uuid, "title": null, "created_at": epoch, "updated_at": epoch,
            "sandbox": null}),
    );
    let message = domain::Message {
        id: MessageId(3),
        uuid: uuid_at(2_000, [0; 10]),
        session_id: SessionId(7),
        role: Role::Assistant,
        agent: Some("Mike".to_owned()),
        content: "done".to_owned(),
        status: MessageStatus::Complete,
        created_at: Timestamp(0),
        place: MessagePlace {
            parent: Some(uuid_at(1_500, [0; 10])),
            siblings: 3,
            number: 2,
        },
        usage: Some(domain::Usage {
            input: 1_000,
            output: 10,
            cost: 2_600_000_000,
            estimated: false,
        }),
    };
    written(
        Message::of(&session(), message.clone()),
        &json!({"message_id": message.uuid.to_string(), "session_id": uuid, "sender": "agent",
            "agent": "Mike", "content": "done", "timestamp": epoch, "final": true,
            "status": "complete", "parent_id": uuid_at(1_500, [0; 10]).to_string(),
            "siblings": 3, "sibling": 2,
            "usage": {"input_tokens": 1_000, "output_tokens": 10, "cost": 0.0026,
                "estimated": false}}),
    );
}
