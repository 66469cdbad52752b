//! How long an answer is waited for, and what is said when it does not come.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod doubles;

use doubles::{FINISHED, Stage, endpoint, next, poll, question, send, text_event};
use llm::{Error, Event, FinishReason, Timeouts};
use ports::{ConnectTimeout, HttpError};
use std::{task::Poll, time::Duration};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Next = Poll<Option<Result<Event, Error>>>;

fn text(text: &str) -> Next {
    Poll::Ready(Some(Ok(Event::Text(text.to_owned()))))
}

fn failure(error: Error) -> Next {
    Poll::Ready(Some(Err(error)))
}

fn stop() -> Next {
    let reason = FinishReason::Stop;
    Poll::Ready(Some(Ok(Event::Finish { reason })))
}

const END: Next = Poll::Ready(None);

#[test]
fn a_server_that_never_answers() {
    let stage = Stage::default();
    let (client, endpoint, request) = (stage.client(), endpoint(), question());
    let timeouts = Timeouts::default();
    let mut asked = Box::pin(client.stream(&endpoint, &request, &timeouts));
    assert!(poll(asked.as_mut()).is_pending());
    stage.clock.advance(60 * SECOND - MILLISECOND);
    assert!(poll(asked.as_mut()).is_pending());
    stage.clock.advance(MILLISECOND);
    let Poll::Ready(Err(error)) = poll(asked.as_mut()) else {
        unreachable!("60 s are over");
    };
    assert_eq!(error, Error::FirstTokenTimeout);
    let requests = stage.http.requests.lock().unwrap();
    let connect = requests[0].extensions().get::<ConnectTimeout>();
    assert_eq!(connect, Some(&ConnectTimeout(10 * SECOND)));
}

#[test]
fn a_head_without_a_token() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    stage.clock.advance(60 * SECOND - MILLISECOND);
    assert!(next(&mut answer).is_pending());
    stage.clock.advance(MILLISECOND);
    assert_eq!(next(&mut answer), failure(Error::FirstTokenTimeout));
    assert_eq!(next(&mut answer), END);
    assert!(body.is_closed(), "the exchange is closed");
}

#[test]
fn keep_alives_are_signs_of_life_but_not_for_ever() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    for _ in 0..11 {
        stage.clock.advance(50 * SECOND);
        send(&body, ": keep-alive\n\n");
        assert!(next(&mut answer).is_pending());
    }
    stage.clock.advance(50 * SECOND - MILLISECOND);
    send(&body, ": keep-alive\n\n");
    assert!(next(&mut answer).is_pending());
    stage.clock.advance(MILLISECOND);
    assert_eq!(next(&mut answer), failure(Error::FirstTokenTimeout));
}

#[test]
fn a_model_that_falls_silent() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    stage.clock.advance(59 * SECOND);
    send(&body, &text_event("one"));
    assert_eq!(next(&mut answer), text("one"));
    for _ in 0..3 {
        assert!(next(&mut answer).is_pending());
        stage.clock.advance(120 * SECOND - MILLISECOND);
        assert!(next(&mut answer).is_pending());
        send(&body, &text_event("more"));
        assert_eq!(next(&mut answer), text("more"));
    }
    assert!(next(&mut answer).is_pending());
    stage.clock.advance(120 * SECOND);
    assert_eq!(next(&mut answer), failure(Error::SilenceTimeout));
    assert_eq!(next(&mut answer), END);
}

#[test]
fn tokens_do_not_set_timers() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    for _ in 0..1_000 {
        send(&body, &text_event("x"));
        assert_eq!(next(&mut answer), text("x"));
        assert!(next(&mut answer).is_pending());
        stage.clock.advance(MILLISECOND);
    }
    assert_eq!(stage.clock.sleeps(), 1);
}

#[test]
fn an_answer_that_is_finished_but_does_not_end() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, &text_event("hi"));
    assert_eq!(next(&mut answer), text("hi"));
    send(&body, FINISHED);
    assert!(next(&mut answer).is_pending(), "usage may follow");
    stage.clock.advance(5 * SECOND);
    assert_eq!(next(&mut answer), stop());
    assert_eq!(next(&mut answer), END);

    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, &text_event("hi"));
    send(&body, "data: [DONE]\n\n");
    assert_eq!(next(&mut answer), text("hi"));
    assert_eq!(next(&mut answer), stop());
    assert!(
        next(&mut answer).is_pending(),
        "the body may end in good order"
    );
    stage.clock.advance(250 * MILLISECOND);
    assert_eq!(next(&mut answer), END);
    assert!(body.is_closed());
}

#[test]
fn a_body_that_ends_after_done_is_read_to_its_end() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, "data: [DONE]\n\n");
    assert_eq!(next(&mut answer), stop());
    assert!(next(&mut answer).is_pending());
    assert!(
        !body.is_closed(),
        "or the connection could not be used again"
    );
    send(&body, "\n");
    drop(body);
    assert_eq!(next(&mut answer), END);
}

#[test]
fn connections_that_break() {
    let broken = HttpError::Broken("reset by peer".to_owned());
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, &text_event("hi"));
    body.unbounded_send(Err(broken.clone())).unwrap();
    assert_eq!(next(&mut answer), text("hi"));
    let detail = "reset by peer".to_owned();
    assert_eq!(next(&mut answer), failure(Error::Broken { detail }));
    assert_eq!(next(&mut answer), END);

    // After the end of what the model says it does no harm.
    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, FINISHED);
    body.unbounded_send(Err(broken)).unwrap();
    assert_eq!(next(&mut answer), stop());
    assert_eq!(next(&mut answer), END);
}

#[test]
fn dropping_an_answer_closes_the_exchange() {
    let stage = Stage::default();
    let body = stage.respond(200);
    let mut answer = stage.answer();
    send(&body, &text_event("hi"));
    assert_eq!(next(&mut answer), text("hi"));
    assert!(!body.is_closed());
    drop(answer);
    assert!(body.is_closed());
}
