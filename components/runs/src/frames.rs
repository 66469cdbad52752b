//! A run's lines as the session's own stream has them.
//!
//! Invariant: what the room numbered keeps its number. What it did not number bears that of the
//! event before it, so that the session's stream goes on after any of them.

use agent::Kind;
use contracts::workspace::frames::{HistoryLoss, Place, frame, history_lost};
use domain::{Event, Session, SessionKind, Timestamp};
use runner_api::runs::{Passed, Told};
use uuid::Uuid;

/// What an event bears before which the room numbered none: the session's stream begins at the
/// start after it.
const START: &str = "0";

/// Writes the lines of one run.
pub(super) struct Frames {
    session: Uuid,
    kind: SessionKind,
    run: Uuid,
    /// The number that was told last.
    last: String,
}

impl Frames {
    pub(super) fn new(session: &Session, run: Uuid) -> Self {
        Self {
            session: session.uuid,
            kind: session.kind,
            run,
            last: START.to_owned(),
        }
    }

    /// A line's events in their order: those that the room numbered, and the files that the run
    /// changed, of which the room hears from the runner's watch. May be empty.
    pub(super) fn of(&mut self, line: Passed, now: Timestamp) -> String {
        let mut frames = String::new();
        // Where the room has them all, there is nothing to look for.
        let batch = line
            .batch
            .filter(|batch| batch.events.len() > line.room.len());
        let mut numbered = line.room.into_iter();
        for event in batch.into_iter().flat_map(|batch| batch.events) {
            // What this program does not know is no file.
            let Ok(event) = serde_json::from_value::<agent::Event>(event) else {
                continue;
            };
            if let Kind::FileChange { change, .. } = &event.kind {
                let change = Event::FileChange(change.clone());
                let frame = frame(&self.place(now), &change);
                frames.push_str(&format!("data: {frame}\n\n"));
            } else if runs::for_room(self.kind, &event, self.run).is_some()
                && let Some(told) = numbered.next()
            {
                frames.push_str(&self.numbered(told));
            }
        }
        for told in numbered {
            frames.push_str(&self.numbered(told));
        }
        frames
    }

    /// That nothing more is told of what happens.
    pub(super) fn cut_off(&self, now: Timestamp) -> String {
        let frame = history_lost(&self.place(now), HistoryLoss::CutOff);
        format!("data: {frame}\n\n")
    }

    fn numbered(&mut self, told: Told) -> String {
        self.last = told.id;
        let frame = frame(&self.place(Timestamp(told.at)), &told.event);
        format!("id: {}\ndata: {frame}\n\n", self.last)
    }

    fn place(&self, timestamp: Timestamp) -> Place<&str> {
        Place {
            event_id: self.last.as_str(),
            session_id: self.session,
            timestamp,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use domain::StatusEvent;
    use runner_api::runs::Batch;
    use serde_json::{Value, json};

    fn frames() -> Frames {
        Frames {
            session: Uuid::nil(),
            kind: SessionKind::Workspace,
            run: Uuid::nil(),
            last: START.to_owned(),
        }
    }

    fn status(word: &str) -> Value {
        json!({ "agent": "Alex", "type": "status", "status": word, "detail": null })
    }

    fn file(path: &str) -> Value {
        json!({ "agent": "Alex", "type": "file_change", "call_id": "c",
            "change": { "path": path, "kind": "created" } })
    }

    fn told(number: u64, word: &str) -> Told {
        Told {
            id: format!("7:{number}"),
            at: 0,
            event: Event::Status(StatusEvent {
                status: word.to_owned(),
                agent: None,
                detail: None,
            }),
        }
    }

    fn line(events: Vec<Value>, room: Vec<Told>) -> Passed {
        Passed {
            batch: Some(Batch { step: None, events }),
            room,
            ..Passed::default()
        }
    }

    /// Each frame in short: whether it has an `id` of its own, its number, and what it is about.
    fn shown(written: &str) -> Vec<String> {
        let events = written.split("\n\n").filter(|event| !event.is_empty());
        let shown = events.map(|event| {
            let (id, data) = event.split_once("data: ").unwrap();
            let frame: Value = serde_json::from_str(data).unwrap();
            let number = frame["event_id"].as_str().unwrap();
            assert!(id.is_empty() || id == format!("id: {number}\n"), "{event}");
            let about = ["path", "status", "reason"]
                .iter()
                .find_map(|name| frame[*name].as_str());
            let mark = if id.is_empty() { "~" } else { "" };
            format!("{mark}{number} {}", about.unwrap())
        });
        shown.collect()
    }

    #[test]
    fn a_lines_events_are_in_their_order() {
        let reasoning = json!({ "agent": "Alex", "type": "reasoning",
            "message_id": Uuid::nil(), "text": "hm" });
        let unknown = json!({ "type": "dream" });
        let check = |events: Vec<Value>, room: Vec<Told>, expected: &[&str]| {
            let written = frames().of(line(events, room), Timestamp(0));
            assert_eq!(shown(&written), expected);
        };
        check(vec![file("a")], vec![], &["~0 a"]);
        check(
            vec![
                file("a"),
                status("x"),
                file("b"),
                reasoning,
                status("y"),
                file("c"),
            ],
            vec![told(1, "x"), told(2, "y")],
            &["~0 a", "7:1 x", "~7:1 b", "7:2 y", "~7:2 c"],
        );
        // What the room had before is not told again, and what is told instead is told.
        check(
            vec![status("x"), status("y")],
            vec![told(2, "y")],
            &["7:2 y"],
        );
        check(
            vec![unknown, file("a")],
            vec![told(1, "x")],
            &["~0 a", "7:1 x"],
        );
        check(vec![], vec![told(1, "x")], &["7:1 x"]);
        check(vec![], vec![], &[]);
    }

    #[test]
    fn a_cut_bears_the_last_number() {
        let mut frames = frames();
        assert_eq!(shown(&frames.cut_off(Timestamp(0))), ["~0 cut_off"]);
        frames.of(line(vec![status("x")], vec![told(1, "x")]), Timestamp(0));
        assert_eq!(shown(&frames.cut_off(Timestamp(0))), ["~7:1 cut_off"]);
    }
}
