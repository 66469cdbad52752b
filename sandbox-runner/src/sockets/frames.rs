//! Events as a reader gets them, rendered once for all readers.

use bytes::Bytes;
use contracts::workspace::frames::{self, HistoryLoss, Place};
use rooms::{Entry, EventId, Loss, View, now};
use uuid::Uuid;

/// The frame of an event.
pub(super) fn frame(entry: &Entry) -> Bytes {
    entry.view(View::WorkspaceFrame, |entry| {
        let place = Place {
            event_id: entry.id,
            session_id: entry.session,
            timestamp: entry.at,
        };
        frames::frame(&place, &entry.event).into()
    })
}

/// The same as a server-sent event.
pub(super) fn event(entry: &Entry) -> Bytes {
    entry.view(View::WorkspaceStream, |entry| {
        let frame = frame(entry);
        stream_event(entry.id, &String::from_utf8_lossy(&frame))
    })
}

/// The frame of an event, as `codex` has it.
pub(super) fn codex(entry: &Entry) -> Bytes {
    entry.view(View::CodexFrame, |entry| {
        contracts::codex::frames::event(entry.id.seq, entry.at, &entry.event).into()
    })
}

/// The frame of an event, as `studio` has it; most have none.
pub(super) fn studio(entry: &Entry) -> Option<Bytes> {
    let frame = entry.view(View::StudioFrame, |entry| {
        let frame = contracts::studio::frames::frame(entry.id, &entry.event);
        frame.unwrap_or_default().into()
    });
    (!frame.is_empty()).then_some(frame)
}

/// The frame that says what is missing.
pub(super) fn lost(session: Uuid, after: EventId, loss: Loss) -> String {
    let place = Place {
        event_id: after,
        session_id: session,
        timestamp: now(),
    };
    let loss = match loss {
        Loss::TooOld => HistoryLoss::TooOld,
        Loss::Unknown => HistoryLoss::Unknown,
    };
    frames::history_lost(&place, loss)
}

/// A frame, which is one line, as a server-sent event.
pub(super) fn stream_event(id: EventId, frame: &str) -> Bytes {
    format!("id: {id}\ndata: {frame}\n\n").into()
}
