//! Whose words a socket speaks: what it is told, and what is made of what a client says.
//!
//! A contract whose sockets go both ways is a variant here: where its paths are stands in
//! `place`, its frames are rendered by `contracts`, and what clients want of it the edge is asked
//! at its [`Dialect::asks`].

use super::{frames, settings::Settings};
use bytes::Bytes;
use contracts::{
    Contract, Problem,
    codex::frames::{self as codex, ClientFrame, ConnectionAck},
    studio::frames as studio,
};
use domain::{Error, ErrorKind};
use rooms::{After, Entry, EventId, Loss, Subscription, now};
use serde_json::Value;
use uuid::Uuid;

/// Whose words a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Those of `workspace`: nothing that a client says means anything but that it is there.
    Workspace,
    /// Those of `codex`: numbers without an epoch, heartbeats both ways, submissions.
    Codex,
    /// Those of `studio`: a user's own room, in which most events have no frame; messages.
    Studio,
}

/// What a client's message means.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing.
    Nothing,
    /// This is its answer.
    Answer(String),
    /// It means nothing, and this says so.
    Wrong(String),
    /// The edge is to be asked.
    Question(Question),
}

/// What a client wants.
#[derive(Debug)]
pub(super) struct Question {
    /// By which the client knows it.
    pub(super) id: Option<String>,
    /// What it wants.
    pub(super) payload: Value,
    /// How large the message was, in bytes.
    pub(super) size: usize,
}

impl Dialect {
    /// Where a reader goes on who named `text`.
    pub(super) fn after(self, text: Option<&str>) -> After {
        match self {
            Self::Workspace | Self::Studio => After::parse(text),
            Self::Codex => After::parse_number(text),
        }
    }

    /// The largest message of a client, in bytes.
    pub(super) fn largest(self, settings: &Settings) -> usize {
        match self {
            Self::Workspace => settings.frame,
            // A message of the most characters, each of them escaped.
            Self::Studio => studio::FRAME_MAX_BYTES,
            Self::Codex => codex::FRAME_MAX_BYTES,
        }
    }

    /// What a socket begins with.
    pub(super) fn hello(
        self,
        session: Uuid,
        reader: &Subscription,
        settings: &Settings,
    ) -> Option<String> {
        match self {
            Self::Workspace | Self::Studio => None,
            Self::Codex => {
                let beat = u64::try_from(settings.beat.as_millis()).unwrap_or(u64::MAX);
                let ack = ConnectionAck {
                    session_id: session,
                    last_event_id: reader.after().seq,
                    newest_event_id: reader.newest(),
                    heartbeat_interval: beat,
                };
                Some(codex::connection_ack(now(), &ack))
            }
        }
    }

    /// The frame of an event, if it has one.
    pub(super) fn event(self, entry: &Entry) -> Option<Bytes> {
        match self {
            Self::Workspace => Some(frames::frame(entry)),
            Self::Codex => Some(frames::codex(entry)),
            Self::Studio => frames::studio(entry),
        }
    }

    /// The frame that says what is missing: what follows goes on after `after`.
    pub(super) fn lost(self, session: Uuid, after: EventId, loss: Loss) -> String {
        match self {
            Self::Workspace => frames::lost(session, after, loss),
            Self::Codex => codex::events_lost(now(), after.seq),
            Self::Studio => studio::history_lost(after),
        }
    }

    /// A sign of life, besides the protocol's own.
    pub(super) fn beat(self, reader: &Subscription) -> Option<String> {
        match self {
            Self::Workspace | Self::Studio => None,
            Self::Codex => Some(codex::heartbeat(now(), reader.newest(), None)),
        }
    }

    /// What a client's text means.
    pub(super) fn hear(self, text: &str, reader: &Subscription) -> Heard {
        match self {
            Self::Workspace => Heard::Nothing,
            Self::Codex => match ClientFrame::parse(text) {
                Ok(ClientFrame::Heartbeat { id }) => {
                    let newest = reader.newest();
                    Heard::Answer(codex::heartbeat(now(), newest, id.as_deref()))
                }
                Ok(ClientFrame::Submission { id, payload }) => Heard::Question(Question {
                    id: Some(id),
                    payload,
                    size: text.len(),
                }),
                Err(wrong) => Heard::Wrong(self.refusal(wrong.id.as_deref(), &wrong.error)),
            },
            Self::Studio => match serde_json::from_str(text) {
                Ok(payload) => Heard::Question(Question {
                    id: None,
                    payload,
                    size: text.len(),
                }),
                Err(_) => {
                    let wrong = Error::new(ErrorKind::Refused, "A frame is JSON");
                    Heard::Wrong(self.refusal(None, &wrong))
                }
            },
        }
    }

    /// Where the edge is asked what clients want; nowhere, if they cannot want anything.
    pub(super) fn asks(self) -> Option<&'static str> {
        match self {
            Self::Workspace => None,
            Self::Codex => Some("/internal/sockets/codex"),
            Self::Studio => Some("/internal/sockets/studio"),
        }
    }

    /// The frame that says why something was not done.
    pub(super) fn refusal(self, id: Option<&str>, why: &Error) -> String {
        match self {
            // Nobody wanted anything.
            Self::Workspace => String::new(),
            Self::Codex => codex::error(now(), why, id),
            Self::Studio => {
                let problem = Problem::of(why, Contract::Studio, "/ws/chat");
                studio::error(None, problem.status, &problem.detail).to_string()
            }
        }
    }
}
