//! A client of a coding session's event socket, as the `codex` document has it.

use crate::{Person, Room};
use serde_json::{Value, json};
use std::time::Duration;

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event socket, and what it has brought.
pub struct Events {
    room: Room,
    /// The number of the last event.
    pub last: u64,
    /// Every event, in order.
    pub seen: Vec<Value>,
    /// What came besides: answers to submissions, heartbeats, errors.
    pub besides: Vec<Value>,
    submitted: u32,
}

impl Events {
    /// Enters, to go on after the event of that number.
    pub async fn enter(person: &Person, session: &str, after: u64) -> Self {
        let path = format!("/api/sessions/{session}/events?last_event_id={after}");
        let mut room = Room::try_enter(person, &path, Some(&person.token))
            .await
            .unwrap();
        let ack = room.next().await.unwrap();
        assert_eq!(ack["type"], "connection_ack", "{ack}");
        assert_eq!(ack["payload"]["session_id"], session, "{ack}");
        assert_eq!(ack["payload"]["last_event_id"], after, "{ack}");
        Self {
            room,
            last: after,
            seen: Vec::new(),
            besides: Vec::new(),
            submitted: 0,
        }
    }

    /// The next event; it has the number after the last one's.
    ///
    /// # Panics
    /// When the socket is closed, or the number is another.
    pub async fn event(&mut self) -> &Value {
        while !self.frame().await {}
        self.seen.last().unwrap()
    }

    /// The next event of that type: its payload.
    ///
    /// # Panics
    /// When it does not come in time: heartbeats come for ever.
    pub async fn find(&mut self, kind: &str) -> Value {
        let finding = async {
            loop {
                let payload = &self.event().await["payload"];
                if payload["type"] == kind {
                    return payload.clone();
                }
            }
        };
        match tokio::time::timeout(PATIENCE, finding).await {
            Ok(found) => found,
            Err(_) => panic!("no {kind}: {:#?}", self.seen),
        }
    }

    /// Submits something; returns the frame that answers it.
    pub async fn submit(&mut self, payload: &Value) -> Value {
        self.submitted += 1;
        let id = format!("s{}", self.submitted);
        self.submit_as(&id, payload).await
    }

    /// Submits something under an id.
    pub async fn submit_as(&mut self, id: &str, payload: &Value) -> Value {
        let said = json!({ "type": "submission", "id": id, "timestamp": 1, "payload": payload });
        self.room.say(&said).await;
        self.besides(|frame| {
            let payload = &frame["payload"];
            match frame["type"].as_str() {
                Some("event") => payload["submission_id"] == id,
                Some("error") => payload["id"] == id,
                _ => false,
            }
        })
        .await
    }

    /// Gives a sign of life; returns the one that answers it.
    pub async fn beat(&mut self, id: &str) -> Value {
        let said = json!({ "type": "heartbeat", "id": id, "timestamp": 1, "payload": {} });
        self.room.say(&said).await;
        self.besides(|frame| frame["type"] == "heartbeat" && frame["payload"]["id"] == id)
            .await
    }

    /// The next frame that is no numbered event and is as it should be.
    async fn besides(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            if !self.frame().await && self.besides.last().is_some_and(&is) {
                return self.besides.last().unwrap().clone();
            }
        }
    }

    /// Reads a frame; whether it was a numbered event.
    async fn frame(&mut self) -> bool {
        let frame = self.room.next().await.expect("an open socket");
        assert!(frame["timestamp"].is_i64(), "{frame}");
        assert!(frame["payload"].is_object(), "{frame}");
        let is_event = frame["type"] == "event" && frame.get("id").is_some();
        if is_event {
            self.last += 1;
            assert_eq!(frame["id"], self.last, "{frame}");
            self.seen.push(frame);
        } else {
            self.besides.push(frame);
        }
        is_event
    }
}
