//! A reader that checks what it gets.

use domain::{Event, StatusEvent};
use rooms::{After, Closed, Delivery, EventId, Loss, Rooms, Settings, Subscription};
use std::path::Path;
use uuid::Uuid;

pub(crate) const SESSION: Uuid = Uuid::from_u128(7);
pub(crate) const BOOT: &str = "this boot";

pub(crate) fn open(folder: &Path, settings: Settings) -> Rooms {
    Rooms::open_in(folder, settings, BOOT).unwrap()
}

/// Settings under which everything happens soon.
pub(crate) fn small() -> Settings {
    Settings {
        ring_events: 4,
        segment: 600,
        idle: std::time::Duration::ZERO,
        ..Settings::default()
    }
}

pub(crate) fn event(text: impl Into<String>) -> Event {
    Event::Status(StatusEvent {
        status: text.into(),
        agent: None,
        detail: None,
    })
}

pub(crate) fn text(event: &Event) -> &str {
    match event {
        Event::Status(status) => &status.status,
        other => panic!("{other:?}"),
    }
}

/// Publishes one event with that text.
pub(crate) async fn publish(rooms: &Rooms, text: impl Into<String>) -> EventId {
    let ids = rooms.publish(SESSION, vec![event(text)]).await.unwrap();
    assert_eq!(ids.len(), 1);
    ids[0]
}

/// A reader that knows what must come next.
pub(crate) struct Reader {
    subscription: Option<Subscription>,
    pub(crate) last: EventId,
    pub(crate) losses: Vec<Loss>,
    pub(crate) texts: Vec<String>,
}

impl Reader {
    pub(crate) async fn enter(rooms: &Rooms, after: After) -> Self {
        let subscription = rooms.subscribe(SESSION, 1, after).await.unwrap();
        Self {
            last: subscription.after(),
            subscription: Some(subscription),
            losses: Vec::new(),
            texts: Vec::new(),
        }
    }

    pub(crate) fn leave(&mut self) {
        self.subscription = None;
    }

    /// Enters again where it was.
    pub(crate) async fn resume(&mut self, rooms: &Rooms) {
        self.leave();
        let after = After::Event(self.last);
        self.subscription = Some(rooms.subscribe(SESSION, 1, after).await.unwrap());
    }

    /// Takes one delivery; why the room is closed, if it is.
    pub(crate) async fn take(&mut self) -> Option<Closed> {
        match self.subscription.as_mut().unwrap().next().await {
            Delivery::Events(events) => {
                assert!(!events.is_empty());
                for entry in events {
                    assert_eq!(entry.id.epoch, self.last.epoch);
                    assert_eq!(entry.id.seq, self.last.seq + 1, "a gap or a repeat");
                    self.last = entry.id;
                    self.texts.push(text(&entry.event).to_owned());
                }
                None
            }
            Delivery::Lost { loss, after } => {
                let same = after.epoch == self.last.epoch;
                assert!(!same || after.seq >= self.last.seq, "a repeat");
                self.losses.push(loss);
                self.last = after;
                None
            }
            Delivery::Closed(why) => Some(why),
        }
    }

    /// Reads up to the event `last`.
    pub(crate) async fn read_to(&mut self, last: EventId) {
        while self.last != last {
            assert_eq!(self.take().await, None);
        }
    }
}
