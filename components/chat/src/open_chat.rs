//! `POST /chat`: a message in, the answer out as it is written (section 4 of the contract).

use crate::answering::{self, Assignment};
use axum::{extract::State, response::Response};
use bytes::Bytes;
use contracts::chat::ChatRequest;
use domain::{ConversationOwner, Error, SessionId};
use futures::channel::mpsc::UnboundedReceiver;
use ports::Platform;
use std::time::Duration;
use store::answers::Question;
use web::{Client, Conversations, DefaultModel, Outcome, Valid, limits::Adjustable, new_uuid, sse};

/// Turns of the open chat from one address.
const TURNS_FROM_ADDRESS: Adjustable = Adjustable {
    name: "chat-turn-address",
    window: Duration::from_secs(3600),
    variable: "limit_chat_turns_address",
};

pub(crate) async fn send(
    State(platform): State<Platform>,
    Conversations(owner): Conversations,
    client: Client,
    Valid(body): Valid<ChatRequest>,
) -> Outcome<Response> {
    if owner == ConversationOwner::OpenUsers {
        count_turn(&platform, &client).await?;
    }
    Ok(sse::answer(ask(&platform, owner, &body).await?))
}

/// Counts a turn of a stranger, who pays for none. Whoever sits at this machine is none.
async fn count_turn(platform: &Platform, client: &Client) -> Result<(), Error> {
    if client.is_loopback() {
        return Ok(());
    }
    let now = platform.clock.now();
    TURNS_FROM_ADDRESS
        .count(platform, &client.subject(), now)
        .await
}

/// Stores the message and sets a writer on its answer. Returns with the answer's first token.
async fn ask(
    platform: &Platform,
    owner: ConversationOwner,
    body: &ChatRequest,
) -> Result<UnboundedReceiver<Bytes>, Error> {
    let model = DefaultModel::configured(platform).await?;
    let now = platform.clock.now();
    let question = Question {
        session: SessionId(body.conversation_id),
        owner,
        content: &body.message,
        uuid: new_uuid(platform),
        answer_uuid: new_uuid(platform),
        now,
        lease_until: now + answering::LEASE_MS,
    };
    let answer = store::answers::begin(&*platform.sql, &question).await?;
    answering::write(
        platform,
        Assignment {
            session: question.session,
            answer,
            model,
        },
    )
    .await
}
