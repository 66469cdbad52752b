//! Orders of events, good and bad, as tables.

use super::check;
use crate::{CallState, Event, Kind, MessageState, Outcome, Reason, Usage};
use serde_json::json;
use uuid::Uuid;

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

fn event(kind: Kind) -> Event {
    Event {
        agent: Some("Mike".to_owned()),
        thread: None,
        kind,
    }
}

fn start() -> Event {
    event(Kind::RunStarted { run_id: A })
}

fn began(message_id: Uuid) -> Event {
    event(Kind::MessageStarted { message_id })
}

fn piece(message_id: Uuid, text: &str) -> Event {
    let text = text.to_owned();
    event(Kind::MessageDelta { message_id, text })
}

fn said(message_id: Uuid, text: &str) -> Event {
    event(Kind::MessageEnded {
        message_id,
        text: text.to_owned(),
        state: MessageState::Complete,
    })
}

fn called(call_id: &str) -> Event {
    event(Kind::ToolStarted {
        call_id: call_id.to_owned(),
        message_id: A,
        tool: "t".to_owned(),
        arguments: json!({}),
    })
}

fn came_to(call_id: &str) -> Event {
    event(Kind::ToolEnded {
        call_id: call_id.to_owned(),
        tool: "t".to_owned(),
        state: CallState::Done,
        output: String::new(),
        size: 0,
        detail: None,
        duration_ms: 0,
    })
}

fn within(thread: &str, event: Event) -> Event {
    Event {
        thread: Some(thread.to_owned()),
        ..event
    }
}

fn end(output: &str) -> Event {
    event(Kind::RunEnded {
        outcome: Outcome::Succeeded,
        reason: Reason::Completed,
        detail: String::new(),
        message_id: None,
        output: output.to_owned(),
        usage: Usage::default(),
    })
}

#[test]
fn what_is_in_order() {
    for events in [
        vec![start(), end("")],
        vec![
            start(),
            began(A),
            piece(A, "a"),
            piece(A, "b"),
            said(A, "ab"),
            end("ab"),
        ],
        vec![start(), began(A), said(A, "told later"), end("told later")],
        vec![
            start(),
            began(A),
            piece(A, "er"),
            said(A, "later"),
            end("later"),
        ],
        vec![
            start(),
            called("1"),
            called("2"),
            came_to("1"),
            came_to("2"),
            end(""),
        ],
        vec![
            start(),
            called("1"),
            within("1", began(A)),
            within("1", said(A, "inner")),
            came_to("1"),
            began(B),
            said(B, "outer"),
            end("outer"),
        ],
    ] {
        assert_eq!(check(&events), Ok(()), "{events:#?}");
    }
}

#[test]
fn what_is_not() {
    let nobody = Event {
        agent: None,
        ..began(A)
    };
    for (position, fault, events) in [
        (0, "the run did not begin", vec![]),
        (1, "the run did not end", vec![start()]),
        (
            0,
            "before the run's start",
            vec![called("1"), start(), end("")],
        ),
        (1, "the run began twice", vec![start(), start()]),
        (
            2,
            "after the run's end",
            vec![start(), end(""), called("1")],
        ),
        (1, "nobody's", vec![start(), nobody]),
        (2, "began twice", vec![start(), began(A), began(A)]),
        (
            3,
            "began twice",
            vec![start(), began(A), said(A, ""), began(A)],
        ),
        (1, "is not under way", vec![start(), piece(A, "x")]),
        (1, "is not under way", vec![start(), said(A, "x")]),
        (2, "empty", vec![start(), began(A), piece(A, "")]),
        (
            3,
            "its pieces",
            vec![start(), began(A), piece(A, "x"), said(A, "y")],
        ),
        (2, "did not end before", vec![start(), began(A), end("")]),
        (2, "did not end before", vec![start(), called("1"), end("")]),
        (2, "began twice", vec![start(), called("1"), called("1")]),
        (
            3,
            "began twice",
            vec![start(), called("1"), came_to("1"), called("1")],
        ),
        (1, "is not under way", vec![start(), came_to("1")]),
        (1, "is not under way", vec![start(), within("1", began(A))]),
        (1, "not its last message", vec![start(), end("x")]),
        (
            3,
            "not its last message",
            vec![start(), began(A), said(A, "x"), end("")],
        ),
    ] {
        let violation = check(&events).unwrap_err();
        assert_eq!(violation.position, position, "{events:#?}");
        assert!(violation.fault.contains(fault), "{violation}");
    }
}
