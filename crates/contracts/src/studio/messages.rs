//! Section 5 of the `studio` document, 5.4: a message to the agent of a session.

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation};
use crate::workspace::chat::{CONTENT_MAX_CHARS, TOO_MANY_TURNS, said};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

/// `POST /sessions/{id}/messages`, and what a `SEND_MESSAGE` says.
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct StudioMessageCreate {
    /// What the user says, 1 to 32,000 characters.
    #[garde(custom(is_said))]
    pub content: String,
}

fn is_said(text: &str, _: &()) -> garde::Result {
    said(text, CONTENT_MAX_CHARS)
}

pub(crate) const OPERATIONS: &[Operation] = &[crate::operation::operation(
    Contract::Studio,
    Access::SignedIn,
    (Method::Post, "/api/v1/sessions/{session_id}/messages"),
    "Send a message to the agent of a studio session; the answer comes when the turn is done",
)
.body("StudioMessageCreate")
.answers(&[
    Answer::new(
        200,
        "The assistant's message, the last of the turn; `status` says whether it was cut short.",
        Body::Envelope("StudioMessage"),
    ),
    Answer::problem(404, "There is no such session, or it is somebody else's."),
    Answer::problem(409, "The session's last message is still being answered."),
    Answer::problem(
        409,
        "The turn was stopped, and not in the middle of a message.",
    ),
    TOO_MANY_TURNS,
    Answer::problem(429, "The model's provider had no room for the turn."),
    Answer::problem(502, "The model failed, and not in the middle of a message."),
    Answer::problem(503, "Nobody can work on it now; the message is not kept."),
    Answer::problem(503, "The turn failed otherwise; `detail` says why."),
    Answer::problem(504, "The turn's time was up."),
])];
