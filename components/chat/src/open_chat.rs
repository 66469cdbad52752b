//! `POST /chat`: a message in, the answer out as it is written (section 4 of the contract).

use crate::{
    answering::{self, Assignment},
    model::Model,
};
use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use contracts::chat::ChatRequest;
use domain::{Error, SessionId};
use futures::{StreamExt, channel::mpsc::UnboundedReceiver};
use http::{HeaderValue, header};
use ports::Platform;
use std::convert::Infallible;
use store::answers::Question;
use web::{OpenChat, Outcome, Valid, new_uuid};

pub(crate) async fn send(
    State(platform): State<Platform>,
    _: OpenChat,
    Valid(body): Valid<ChatRequest>,
) -> Outcome<Response> {
    Ok(event_stream(ask(&platform, &body).await?))
}

/// Stores the message and sets a writer on its answer. Returns with the answer's first token.
async fn ask(platform: &Platform, body: &ChatRequest) -> Result<UnboundedReceiver<Bytes>, Error> {
    let model = Model::configured(platform).await?;
    let now = platform.clock.now();
    let question = Question {
        session: SessionId(body.conversation_id),
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

fn event_stream(events: UnboundedReceiver<Bytes>) -> Response {
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    let cache = HeaderValue::from_static("no-cache, no-transform");
    headers.insert(header::CACHE_CONTROL, cache);
    // Proxies that buffer by default let this stream through.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
